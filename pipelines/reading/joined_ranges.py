"""Joins byte ranges that are near each other in a file, so that one request reads several of them.

payloads      |--a--|..|--b--|..................|--c--|     gaps: what a TFRecord has between two payloads, say
requests      |--------------|                  |-----|
memory        |--a--|..|--b--||--c--|
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

MAX_GAP = 16 << 10
"""16 KiB between two ranges: it takes less time to receive them than to ask a second time."""

MAX_JOINED_BYTES = 4 << 20
"""4 MiB in one request. More of it is read by several requests at once."""


class JoinedRanges(NamedTuple):
    """What to request, and where each range is in the memory that the requests fill.

    Attributes:
        shards: int32 (m,), the file of each request.
        offsets: int64 (m,), where each begins in its file.
        bounds: int64 (m + 1,), request i fills the memory from `bounds[i]` to `bounds[i + 1]`.
        request: int64 (n,), the request that reads each range.
        starts: int64 (n,), where each range begins in memory.
    """

    shards: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int64]
    bounds: npt.NDArray[np.int64]
    request: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]

    @property
    def bytes(self) -> int:
        """Bytes of memory that the requests fill."""
        return int(self.bounds[-1])


def join_ranges(
    shards: npt.NDArray[np.int32], offsets: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]
) -> JoinedRanges:
    """Decides which ranges are read together. A range may occur several times.

    Args:
        shards: int32 (n,), n >= 1, the file of each range.
        offsets: int64 (n,), where each begins.
        lengths: int64 (n,), its bytes, 1 or more.
    """
    order = np.lexsort((offsets, shards))
    shards, offsets, ends = shards[order], offsets[order], (offsets + lengths)[order]
    # How far a file is covered by the ranges up to this one. Files are laid one after the other for that.
    span = int(ends.max()) + MAX_GAP + 1
    covered = np.maximum.accumulate(ends + shards.astype(np.int64) * span)
    begins = offsets + shards.astype(np.int64) * span
    is_first = np.concatenate([[True], begins[1:] > covered[:-1] + MAX_GAP])
    if covered[-1] - begins[0] > MAX_JOINED_BYTES:
        _cut_large(is_first, begins, covered)
    firsts = np.flatnonzero(is_first)
    request = np.cumsum(is_first) - 1
    sizes = np.maximum.reduceat(covered, firsts) - begins[firsts]
    bounds = np.concatenate([[0], np.cumsum(sizes)])
    starts = bounds[request] + begins - begins[firsts][request]
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return JoinedRanges(shards[firsts], offsets[firsts], bounds, request[back], starts[back])


def _cut_large(
    is_first: npt.NDArray[np.bool_], begins: npt.NDArray[np.int64], covered: npt.NDArray[np.int64]
) -> None:
    """Begins a new request where one would become too large; not within ranges that overlap."""
    first = 0
    for place in range(1, len(is_first)):
        if is_first[place]:
            first = place
        elif covered[place] - begins[first] > MAX_JOINED_BYTES and begins[place] >= covered[place - 1]:
            is_first[place], first = True, place
