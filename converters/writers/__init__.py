"""Shard writers: TFRecord and HDF5 behind one interface (`base.ShardWriter`)."""

from pathlib import Path

from converters.options import ConvertOptions
from converters.writers.base import Record as Record
from converters.writers.base import ShardWriter as ShardWriter
from converters.writers.base import StoredShard as StoredShard


def open_writer(path: Path, options: ConvertOptions) -> ShardWriter:
    """Opens a writer for one shard file, given its final name."""
    if options.format == "tfrecord":
        from converters.writers.tfrecord import TFRecordWriter

        return TFRecordWriter(path)
    from converters.writers.hdf5 import HDF5Writer  # imports h5py, which TFRecord shards do not need

    return HDF5Writer(path, raw=options.encoding == "raw")
