"""Checking a dataset: everything against everything (`fitfeed verify`)."""

from converters.verify.dataset import Progress as Progress
from converters.verify.dataset import verify_dataset as verify_dataset
from converters.verify.report import KINDS as KINDS
from converters.verify.report import Finding as Finding
from converters.verify.report import Report as Report
