"""Looking into files of any origin: TFRecord and HDF5 (`fitfeed inspect FILE`)."""

from fitfeed.converters.inspect.detect import inspect_file as inspect_file
