"""Checks a dataset: everything against everything (`fitfeed verify`)."""

from fitfeed.converters.verify.dataset import VerifyProgress as VerifyProgress
from fitfeed.converters.verify.dataset import verify_dataset as verify_dataset
from fitfeed.converters.verify.report import KINDS as KINDS
from fitfeed.converters.verify.report import Finding as Finding
from fitfeed.converters.verify.report import Report as Report
