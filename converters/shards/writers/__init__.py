"""Shard writers for TFRecord and HDF5. They have one interface (`base.ShardWriter`)."""

from collections.abc import Mapping
from pathlib import Path

from fitfeed.converters.option_parts.storage import StorageOptions
from fitfeed.converters.shards.writers.base import Record as Record
from fitfeed.converters.shards.writers.base import ShardWriter as ShardWriter
from fitfeed.converters.shards.writers.base import StoredShard as StoredShard
from fitfeed.schemas.features import FOLDER_LABELS, LabelKind


def open_writer(
    path: Path, options: StorageOptions, labels: Mapping[str, LabelKind] = FOLDER_LABELS
) -> ShardWriter:
    """Opens a writer for one shard file.

    Args:
        path: Final name of the file.
        options: Format and encoding.
        labels: Label name to kind.
    """
    if options.format == "tfrecord":
        from fitfeed.converters.shards.writers.tfrecord import TFRecordWriter

        return TFRecordWriter(path, labels)
    from fitfeed.converters.shards.writers.hdf5 import (
        HDF5Writer,  # imports h5py, which TFRecord shards do not need
    )

    return HDF5Writer(path, labels, raw=options.encoding == "raw", depth=options.depth)
