"""Opens the index of a split, and compares it with the manifest before a wrong offset can fetch a wrong image."""

from pathlib import Path

import numpy as np

from fitfeed.schemas.errors import DamagedDatasetError
from fitfeed.schemas.index import Index, open_index
from fitfeed.schemas.index_labels import impossible_labels
from fitfeed.schemas.manifest import Manifest
from fitfeed.schemas.payload import MAX_PAYLOAD_BYTES
from fitfeed.schemas.storage.open_place import open_place
from fitfeed.schemas.storage.place import Place
from fitfeed.schemas.whole_file import open_whole

MAX_PIXELS = 2**31
"""Pixels of one image. An index that says more is damaged, and would make a reader ask for all memory."""

_ADVICE = "Restore it, or convert the dataset again."


def open_checked_index(
    dataset: Path | Place, manifest: Manifest, split: str, *, whole: bool = False
) -> Index:
    """Opens the index of a split.

    Args:
        dataset: The dataset.
        manifest: Its manifest.
        split: Name of the split.
        whole: Whether all of its bytes are compared with the manifest first. Training does not: ten million rows take seconds.

    Raises:
        DamagedDatasetError: If it cannot be read, or contradicts the manifest.
    """
    entry, kinds = manifest.splits[split].index, manifest.features.label_kinds
    place = open_place(dataset, "DATASET")
    address = place.address(entry.file)
    if whole:
        with open_whole(place, entry) as stream:
            index = Index(address, kinds, stream=stream)
    else:
        index = open_index(place, entry.file, kinds)
    check_index(index, manifest, split, address)
    return index


def check_index(index: Index, manifest: Manifest, split: str, path: Path | str) -> None:
    """Compares the index of a split with the manifest.

    Args:
        index: The index.
        manifest: The manifest.
        split: Name of the split.
        path: The file of the index, for messages.

    Raises:
        DamagedDatasetError: If they contradict each other.
    """
    entry, image = manifest.splits[split], manifest.features.image
    shards = entry.shards
    if len(index) != entry.examples:
        msg = f"{path} has {len(index)} rows, but the manifest says {entry.examples} examples. {_ADVICE}"
        raise DamagedDatasetError(msg)
    if not np.array_equal(
        index.shard, np.repeat(np.arange(len(shards)), [shard.examples for shard in shards])
    ):
        msg = f"{path} assigns examples to other shards than the manifest. {_ADVICE}"
        raise DamagedDatasetError(msg)
    sizes = np.array([shard.bytes for shard in shards], np.int64)[index.shard]
    wrong = (index.offset < 0) | (index.length <= 0) | (index.offset > sizes - index.length)
    wrong |= (index.height <= 0) | (index.width <= 0)
    wrong |= impossible_labels(index, manifest.features, sizes)
    pixels = index.height.astype(np.int64) * index.width  # 62 bits at most; times three might not fit
    wrong |= pixels > MAX_PIXELS
    if image.encoding == "raw":
        wrong |= index.length != pixels * image.channels * np.dtype(image.dtype).itemsize
    else:
        wrong |= index.length > MAX_PAYLOAD_BYTES
    if wrong.any():
        row = int(np.argmax(wrong))
        msg = (
            f"{path}: row {row} (key {index.key(row)!r}) is impossible: {_scalars(index, row)}"
            f"{index.length[row]} bytes at byte {index.offset[row]} of {shards[index.shard[row]].file} "
            f"({sizes[row]} bytes), {index.height[row]} x {index.width[row]} pixels. {_ADVICE}"
        )
        raise DamagedDatasetError(msg)


def _scalars(index: Index, row: int) -> str:
    """Describes the labels of a row that are single numbers, for a message."""
    columns = index.labels.items()
    return "".join(f"{name} {column[row]}, " for name, column in columns if isinstance(column, np.ndarray))
