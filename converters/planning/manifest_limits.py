"""Checks that a manifest can describe what is planned, before an image is read and not after the last one."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from fitfeed.schemas.base_model import MAX_COUNT
from fitfeed.schemas.bit_depth import Depth, levels_of
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.histogram_json import SPARSE_BYTES
from fitfeed.schemas.manifest import MAX_MANIFEST_BYTES
from fitfeed.schemas.manifest_parts import Shard
from fitfeed.schemas.strict_json import MAX_VALUES

OTHER_BYTES = 128 << 10
OTHER_VALUES = 4_000
"""More than options, counts of rejects and all else take together. Names of columns are not limited."""


def check_capacity(
    shard_files: Mapping[str, Sequence[str]],
    class_names: Sequence[str],
    *,
    channels: int = 3,
    depth: Depth = 8,
) -> None:
    """Refuses a plan whose manifest would be too large for readers to accept.

    Args:
        shard_files: File names of the shards by split, with those of a dataset that is appended to.
        class_names: All classes.
        channels: Channels of the images.
        depth: Bits per value of the images.

    Raises:
        UsageError: If there are too many shards or classes.
    """
    names = [name for files in shard_files.values() for name in files]
    largest = Shard.model_construct(file="", bytes=MAX_COUNT, sha256="0" * 64, examples=MAX_COUNT)
    shard_bytes, shard_values = _cost(
        [largest.model_dump()]
    )  # a list indents it at least as far as the manifest does
    of_shards = (shard_bytes * len(names) + sum(map(len, names)), shard_values * len(names))
    of_names, of_counts = _cost(list(class_names)), _cost([MAX_COUNT] * len(class_names))
    of_classes = [name + len(shard_files) * count for name, count in zip(of_names, of_counts, strict=True)]
    histograms = [len(shard_files) * channels * cost for cost in _histogram_cost(depth)]
    limits = (MAX_MANIFEST_BYTES - OTHER_BYTES - histograms[0], MAX_VALUES - OTHER_VALUES - histograms[1])
    if min(limits) < 0:
        msg = f"the manifest would have histograms of {len(shard_files)} splits with {depth} bits, more than readers accept. Give fewer splits, or --depth 8."
        raise UsageError(msg)
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


def _histogram_cost(depth: Depth) -> tuple[int, int]:
    """Bytes and values of the histogram of one channel."""
    return (SPARSE_BYTES, 1) if depth == 16 else _cost([MAX_COUNT] * levels_of(depth))


def _cost(content: Any) -> tuple[int, int]:
    """Bytes and values of a part of a manifest, indented at least as far as there."""
    text = json.dumps(content, ensure_ascii=False, indent=4)
    # A reader counts the marks inside names, too. One comma may follow.
    return len(text.encode()) + 1, sum(text.count(mark) for mark in ",[{") + 1
