"""Where the stored bytes of examples are: the ranges of shards that a batch needs."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fitfeed.pipelines.reading.joined_index import JoinedIndex
from fitfeed.pipelines.reading.joined_ranges import MAX_GAP
from fitfeed.schemas.index import Index
from fitfeed.schemas.index_columns import MaskColumn


def payload_ranges(
    index: Index | JoinedIndex, rows: npt.NDArray[np.int64], masks: Sequence[str]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Returns where the stored bytes of examples are.

    Args:
        index: The index.
        rows: int64 (n,), rows of the index.
        masks: Names of the labels that are masks.

    Returns:
        The shard, int32, and offset and length in bytes, int64, of each image, after them of each mask of the first
        label, and so on: ((1 + masks) * n,).
    """
    columns = [index, *(index.labels[name] for name in masks)]
    return (
        np.tile(index.shard[rows], len(columns)),
        np.concatenate([column.offset[rows] for column in columns]),
        np.concatenate([column.length[rows] for column in columns]),
    )


def max_payload_bytes(index: Index | JoinedIndex) -> int:
    """Returns the most bytes that an example and its masks have, with what is read between them."""
    masks = [column for column in index.labels.values() if isinstance(column, MaskColumn)]
    return sum(int(np.asarray(part.length).max(initial=1)) + MAX_GAP for part in (index, *masks))
