"""How far an estimate may be off: the bootstrap over the parts of a sample."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 2000

CONFIDENCE = 0.9


@dataclass(frozen=True, kw_only=True)
class Interval:
    """An estimate, and the range that has the truth in nine of ten samples.

    Attributes:
        value: The estimate.
        low: Not larger.
        high: Not smaller.
    """

    value: float
    low: float
    high: float

    def times(self, factor: float) -> "Interval":
        """The interval of a multiple."""
        return Interval(value=self.value * factor, low=self.low * factor, high=self.high * factor)

    def plus(self, amount: float) -> "Interval":
        """The interval of a sum."""
        return Interval(value=self.value + amount, low=self.low + amount, high=self.high + amount)

    def inverse(self) -> "Interval":
        """The interval of the reciprocal, of what is positive."""
        return Interval(value=1 / self.value, low=1 / self.high, high=1 / self.low)


def mean_interval(parts: Sequence[float]) -> Interval:
    """The mean of all images, from the means of parts of a sample.

    Each part is a sample of its own, of all strata, so parts differ by chance only. Parts are drawn with replacement, again and
    again, and the spread of the means is that of the estimate (Efron 1979). Draws of n values spread less than n samples do, by
    `sqrt((n - 1) / n)`, which matters where n is small; that is made up for.

    Args:
        parts: The mean of each part. Of one part alone nothing is known, so its interval is a point.
    """
    values = np.asarray(parts, float)
    mean, count = float(values.mean()), len(values)
    if count == 1:
        return Interval(value=mean, low=mean, high=mean)
    drawn = np.random.default_rng(0).integers(0, count, (RESAMPLES, count))
    offsets = (values[drawn].mean(axis=1) - mean) * math.sqrt(count / (count - 1))
    low, high = np.quantile(offsets, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    # All parts are positive, so the mean is at least the least of them.
    least = min(mean, float(values.min()))
    return Interval(value=mean, low=max(least, mean + float(low)), high=mean + float(high))
