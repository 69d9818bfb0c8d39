"""Writes histograms as JSON: 256 counts of a channel as numbers, 65,536 as a text of those that are not 0.

As numbers, 65,536 counts for each of three channels would be two fifths of the values that a manifest may have, each on
a line. The text `"0:12 514:3"` is a single value: 12 pixels have the value 0, and 3 pixels have 514.
"""

import re
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from fitfeed.schemas.base_model import MAX_COUNT, Count
from fitfeed.schemas.bit_depth import Depth, levels_of
from fitfeed.schemas.statistics import Histogram
from fitfeed.schemas.text import shortened

SPARSE = r"^([0-9]{1,5}:[0-9]{1,16}( [0-9]{1,5}:[0-9]{1,16})*)?$"

SparseCounts = Annotated[str, Field(pattern=SPARSE, max_length=(1 << 16) * 23)]
"""The histogram of a channel with 65,536 bins: `value:count`, ascending, separated by single spaces. Empty for no pixels."""

HistogramJson = list[list[Count]] | list[SparseCounts]
"""A histogram in the manifest: for each channel 256 counts, or a text."""

SPARSE_BYTES = (1 << 16) * 17
"""More than the text of one channel takes, if each value has up to 10**10 pixels."""


def depth_of(content: Sequence[str | Sequence[int]]) -> Depth:
    """Bits per value of the pixels that a histogram counts."""
    return 16 if any(isinstance(counts, str) for counts in content) else 8


def histogram_to_json(histogram: Histogram) -> list[Any]:
    """Writes a histogram, int64 (channels, bins), as JSON: lists of counts, or texts for 65,536 bins."""
    if histogram.shape[1] == levels_of(8):
        counts: list[Any] = histogram.tolist()
        return counts
    return [_sparse(channel) for channel in histogram]


def _sparse(channel: Histogram) -> str:
    values = np.flatnonzero(channel)
    pairs = zip(values.tolist(), channel[values].tolist(), strict=True)
    return " ".join(f"{value}:{count}" for value, count in pairs)


def histogram_from_json(content: Sequence[str | Sequence[int]], depth: Depth) -> Histogram:
    """Inverse of `histogram_to_json`: int64 (channels, bins).

    Raises:
        ValueError: If `histogram_to_json` does not write such a value, or the counts add up to more than JSON can
            hold.
    """
    levels = levels_of(depth)
    histogram = np.zeros((len(content), levels), np.int64)
    for channel, counts in zip(histogram, content, strict=True):
        if isinstance(counts, str) == (depth == 8):
            msg = f"histograms of {depth} bits are {'lists of counts' if depth == 8 else 'texts'}"
            raise ValueError(msg)
        if isinstance(counts, str):
            _fill(channel, counts)
        elif len(counts) != levels:
            msg = f"every channel's histogram must have {levels} bins"
            raise ValueError(msg)
        else:
            channel[:] = counts
    return histogram


def _fill(channel: Histogram, text: str) -> None:
    if re.fullmatch(SPARSE, text) is None:
        msg = f"a histogram must be value:count value:count ... Received: {shortened(text)}"
        raise ValueError(msg)
    # The whole text at once. Pair by pair, three channels would take a third of a second.
    numbers: npt.NDArray[np.int64] = np.fromstring(text.replace(":", " "), np.int64, sep=" ").reshape(-1, 2)
    values, counts = numbers[:, 0], numbers[:, 1]
    wrong = (values >= len(channel)) | (np.diff(values, prepend=-1) < 1) | (counts < 1)
    wrong |= np.cumsum(counts.astype(np.float64)) > MAX_COUNT
    if wrong.any():
        pair = text.split(" ")[int(np.argmax(wrong))]
        msg = f"a histogram must be value:count, values ascending and below {len(channel)}, counts positive and in all no more than {MAX_COUNT}. Received: {pair}"
        raise ValueError(msg)
    channel[values] = counts
