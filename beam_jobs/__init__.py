"""The Beam job that converts a source: wiring only, every step calls a plain function of `converters`.

`from fitfeed.beam_jobs import convert` is the Python form of `fitfeed convert`. Importing this package
does not import Beam.
"""

from fitfeed.beam_jobs.conversion import ConversionResult as ConversionResult
from fitfeed.beam_jobs.convert import convert as convert
