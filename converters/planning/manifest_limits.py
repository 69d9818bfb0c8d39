"""Whether a manifest can describe what is planned: known before an image is read, not after the last one."""

import json
from collections.abc import Mapping, Sequence

from fitfeed.schemas.bit_depth import Depth
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.histogram_json import SPARSE_BYTES
from fitfeed.schemas.manifest import MAX_MANIFEST_BYTES
from fitfeed.schemas.strict_json import MAX_VALUES

SHARD_BYTES = 200
"""More than a shard's entry takes beside its file's name: two counts of 16 digits, a SHA-256, names, indents."""

SHARD_VALUES = 5
COUNT_BYTES = 24
"""More than a class's count takes in one split, or a bin's count in a histogram."""

OTHER_BYTES = 128 << 10
OTHER_VALUES = 8_000
"""More than all else takes: histograms of 8 bits, options, reject counts."""


def check_capacity(
    shard_files: Mapping[str, Sequence[str]],
    class_names: Sequence[str],
    *,
    channels: int = 3,
    depth: Depth = 8,
) -> None:
    """Refuses a plan whose manifest would be too large for readers to accept.

    Args:
        shard_files: The shards' file names by split, those of a dataset that is appended to included.
        class_names: All classes.
        channels: Of the images.
        depth: Bits per value of the images.

    Raises:
        UsageError: If there are too many shards or classes.
    """
    names = [name for files in shard_files.values() for name in files]
    of_shards = (sum(len(name) + SHARD_BYTES for name in names), SHARD_VALUES * len(names))
    of_classes = _of_classes(class_names, splits=len(shard_files))
    histograms = channels * SPARSE_BYTES if depth == 16 else 0
    limits = (MAX_MANIFEST_BYTES - OTHER_BYTES - histograms, MAX_VALUES - OTHER_VALUES)
    if all(s + c <= limit for s, c, limit in zip(of_shards, of_classes, limits, strict=True)):
        return
    if any(c > limit // 2 for c, limit in zip(of_classes, limits, strict=True)):
        msg = f"SOURCE has {len(class_names):,} classes, more than a dataset can name. Is each image in a folder of its own? --class-from says which folder is the class."
        raise UsageError(msg)
    most = min(
        int(len(names) * (limit - c) / s) for s, c, limit in zip(of_shards, of_classes, limits, strict=True)
    )
    msg = f"the dataset would have {len(names):,} shards, and a manifest can list {most:,}. Give a larger --shard-size, or fewer --shards."
    raise UsageError(msg)


def _of_classes(class_names: Sequence[str], *, splits: int) -> tuple[int, int]:
    """Bytes and values of the classes' names and counts."""
    text = json.dumps(list(class_names), ensure_ascii=False, indent=4)
    marks = sum(text.count(mark) for mark in ",[{")  # a reader counts those inside names too
    return len(text.encode()) + COUNT_BYTES * splits * len(class_names), marks + splits * len(class_names)
