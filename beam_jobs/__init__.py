"""The Beam job that converts a source. It is wiring only: every step calls a plain function of `converters`.

`from fitfeed.beam_jobs import convert` is the Python form of `fitfeed convert`. Importing this package
does not import Beam.
"""

from fitfeed.beam_jobs.convert import convert as convert
from fitfeed.beam_jobs.plan import PlannedConversion as PlannedConversion
from fitfeed.beam_jobs.plan import plan_conversion as plan_conversion
from fitfeed.beam_jobs.result import ConversionResult as ConversionResult
