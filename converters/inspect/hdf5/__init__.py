"""Says what is in an HDF5 file: its objects, their attributes and values, and links that lead out of it.

In: a path. Out: a `ForeignReport`. Soft and external links, external storage and virtual data sets are listed and never
followed, because they lead to other files. Values are read as numbers and bytes only; nothing is unpickled.
"""

from fitfeed.converters.inspect.hdf5.file import inspect_hdf5 as inspect_hdf5
