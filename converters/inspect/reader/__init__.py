"""Writes Python that reads a file of another program. `fitfeed inspect` prints it, ready to paste.

In: what is known of the features. Out: a program. Each one that is printed runs over its whole file, and gives the
values that were written.
"""

from fitfeed.converters.inspect.reader.hdf5_code import hdf5_reader as hdf5_reader
from fitfeed.converters.inspect.reader.tfrecord_code import tfrecord_reader as tfrecord_reader
