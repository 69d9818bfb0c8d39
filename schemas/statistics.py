"""Exact pixel statistics from integer histograms.

A histogram of pixels is a sum of ones, so histograms of shards add up exactly, in any order. Every figure below follows
from integers of unlimited size, and is rounded once, at the end.
"""

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import cached_property
from typing import get_args

import numpy as np
import numpy.typing as npt

from fitfeed.schemas.bit_depth import Depth, levels_of

Histogram = npt.NDArray[np.int64]
"""Shape (channels, bins), dtype int64: how often each value occurs in each channel."""

BINS = 256
"""Bins of a histogram of uint8, one for each value; in general they are `levels_of` the depth."""


class ChannelStatistics:
    """Mean, standard deviation, extremes and percentiles per channel, in the range of the pixels.

    The range is 0..255, or 0..65535 if the dataset has 16 bits. Immutable and picklable.

    Attributes:
        histogram: The counts from which all else follows: int64 (channels, 256) or (channels, 65536).
    """

    def __init__(self, histogram: npt.ArrayLike) -> None:
        """Takes the counts.

        Args:
            histogram: Integers of shape (channels, 256) or (channels, 65536). The totals of all channels are
                equal and positive.

        Raises:
            ValueError: If the shape, the type or a total is wrong.
        """
        counts = np.asarray(histogram)
        bins = [levels_of(depth) for depth in get_args(Depth)]
        if counts.ndim != 2 or counts.shape[1] not in bins or not np.issubdtype(counts.dtype, np.integer):
            msg = f"histogram must be integers of shape (channels, {bins[0]} or {bins[1]}). Received: shape={counts.shape}, dtype={counts.dtype}"
            raise ValueError(msg)
        totals = {int(total) for total in counts.sum(axis=1)}
        if (counts < 0).any() or len(totals) != 1 or totals == {0}:
            msg = f"every channel must count the same positive number of pixels. Received totals: {sorted(totals)}"
            raise ValueError(msg)
        self.histogram: Histogram = counts.astype(np.int64)
        self.histogram.flags.writeable = False

    @property
    def channels(self) -> int:
        """Number of channels."""
        return int(self.histogram.shape[0])

    @property
    def pixels(self) -> int:
        """Number of pixels counted, the same for every channel."""
        return int(self.histogram[0].sum())

    @property
    def brightest(self) -> int:
        """The largest value that a pixel can have: 255 or 65535."""
        return int(self.histogram.shape[1]) - 1

    @property
    def mean(self) -> list[float]:
        """Arithmetic mean per channel, correctly rounded."""
        return [float(Fraction(s1, n)) for n, s1, _ in self._moments]

    @property
    def std(self) -> list[float]:
        """Population standard deviation (divided by n, not n - 1) per channel.

        It is computed from integers: sqrt(n * sum(x^2) - sum(x)^2) / n, with 64 fractional bits of the root.
        """
        return [
            float(Fraction(math.isqrt((s2 * n - s1 * s1) << 128), n << 64)) for n, s1, s2 in self._moments
        ]

    @property
    def min(self) -> list[int]:
        """Smallest value that occurs, per channel."""
        return [int(np.flatnonzero(channel)[0]) for channel in self.histogram]

    @property
    def max(self) -> list[int]:
        """Largest value that occurs, per channel."""
        return [int(np.flatnonzero(channel)[-1]) for channel in self.histogram]

    def percentile(self, p: float) -> list[int]:
        """The smallest value that at least `p` percent of the pixels do not exceed, per channel.

        This is NumPy's `percentile(..., method="inverted_cdf")`.

        Args:
            p: Percentage, 0 to 100.

        Raises:
            ValueError: If `p` is outside 0..100.
        """
        if not 0 <= p <= 100:
            msg = f"percentile expects p in 0..100. Received: p={p}"
            raise ValueError(msg)
        rank = max(1, math.ceil(Fraction(p) * self.pixels / 100))
        return [int(np.searchsorted(np.cumsum(channel), rank)) for channel in self.histogram]

    @cached_property
    def _moments(self) -> list[tuple[int, int, int]]:
        """Count, sum and sum of squares per channel, as integers of unlimited size."""
        moments = []
        for channel in self.histogram:
            values = np.flatnonzero(channel)
            pairs = list(zip(values.tolist(), channel[values].tolist(), strict=True))
            moments.append(
                (
                    sum(count for _, count in pairs),
                    sum(value * count for value, count in pairs),
                    sum(value * value * count for value, count in pairs),
                )
            )
        return moments


def empty_histogram(*, channels: int, depth: Depth) -> Histogram:
    """The histogram of no pixels: int64 (channels, 256), or (channels, 65536) for 16 bits."""
    return np.zeros((channels, levels_of(depth)), np.int64)


def add_histograms(histograms: Iterable[Histogram], *, channels: int, depth: Depth = 8) -> Histogram:
    """Adds histograms exactly.

    Args:
        histograms: Any number of int64 (channels, bins) arrays; none of them is changed.
        channels: Number of channels. An empty sum gets its shape from it.
        depth: Bits per value; the same.
    """
    total = empty_histogram(channels=channels, depth=depth)
    for histogram in histograms:
        total += histogram
    return total


def class_weights(counts: Sequence[int]) -> dict[int, float]:
    """Weights that make every class count equally, for `fit(class_weight=...)`.

    weight = examples / (classes * examples of the class), as scikit-learn's "balanced". A class without examples gets
    weight 0, because it never occurs.

    Args:
        counts: Training examples per class, in label order.
    """
    total, classes = sum(counts), len(counts)
    return {label: total / (classes * count) if count else 0.0 for label, count in enumerate(counts)}
