"""Looking into files of any origin: TFRecord and HDF5 (`fitfeed inspect FILE`)."""

from fitfeed.converters.foreign.file import inspect_file as inspect_file
