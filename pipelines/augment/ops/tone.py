"""Posterization, solarization, equalization and stretching to full contrast: functions of single values."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from typing_extensions import override

from fitfeed.pipelines.arrays.types import Floats
from fitfeed.pipelines.augment.compiler.lookup_table import Histogram, TableAugmentation
from fitfeed.pipelines.augment.ops.arguments import Factor, check, factor_range, is_count, scale_to


@dataclass(frozen=True)
class RandomPosterization(TableAugmentation):
    """Keeps the first bits of each value, as `keras.layers.RandomPosterization`.

    Attributes:
        factor: In [1, 8]. A pair (l, u) keeps l to u - 1 bits, a pair (b, b) exactly b; a number b
            stands for (1, b).

    Example:
        >>> make_pipeline("flowers", "train", batch_size=32, augment=[RandomPosterization((4, 8))])
    """

    factor: int | tuple[int, int]
    draws: ClassVar[int] = 1

    def __post_init__(self) -> None:
        """Checks the factor.

        Raises:
            UsageError: If it is not an integer or a pair of them in [1, 8].
        """
        pair = self.factor if isinstance(self.factor, tuple | list) else (self.factor,)
        valid = 0 < len(pair) <= 2 and all(is_count(bits) and bits <= 8 for bits in pair)
        check(self, "factor", "a number of bits, or a pair of them, in [1, 8]", valid=valid)

    @override
    def sample(self, uniforms: Floats) -> Floats:
        """Samples how many bits stay: float64 (n, 1)."""
        low, high = factor_range(self, "factor", low=1, high=8)
        choices = high - low if high > low else 1.0
        return np.floor(uniforms * choices) + low

    @override
    def tabulate(self, values: Floats, histogram: Histogram, parameters: Sequence[float]) -> Floats:
        step: Floats = np.rint(2.0 ** (8 - parameters[0]))  # rint: not every device has exact powers
        return np.floor(values / step) * step


@dataclass(frozen=True)
class Solarization(TableAugmentation):
    """Adds to all values and inverts those above a threshold, as `keras.layers.Solarization`.

    Attributes:
        addition_factor: In [0, 1], a number f for (0, f) or a pair (l, u). What is added is drawn
            from l to 255 u; Keras 3.15 does not scale the lower bound either.
        threshold_factor: Likewise, for the threshold. The default 0 inverts everything.

    Example:
        >>> make_pipeline("flowers", "train", batch_size=32, augment=[Solarization(0.1, 1.0)])
    """

    addition_factor: Factor = 0.0
    threshold_factor: Factor = 0.0
    draws: ClassVar[int] = 2

    def __post_init__(self) -> None:
        """Checks the factors.

        Raises:
            UsageError: If one is not a number or a pair in [0, 1].
        """
        self._bounds("addition_factor")
        self._bounds("threshold_factor")

    @override
    def sample(self, uniforms: Floats) -> Floats:
        """Samples what is added, and the threshold: float64 (n, 2)."""
        addition = scale_to(self._bounds("addition_factor"), uniforms[:, 0])
        threshold = scale_to(self._bounds("threshold_factor"), uniforms[:, 1])
        return np.stack([addition, threshold], axis=1)

    @override
    def tabulate(self, values: Floats, histogram: Histogram, parameters: Sequence[float]) -> Floats:
        addition, threshold = parameters
        values = np.clip(values + addition, 0, 255)
        return np.where(values < threshold, values, 255 - values)

    def _bounds(self, name: str) -> tuple[float, float]:
        low, high = factor_range(self, name, low=0, high=1, single_from=0)
        return low, 255 * high


@dataclass(frozen=True)
class AutoContrast(TableAugmentation):
    """Stretches each channel to 0..255, as `keras.layers.AutoContrast`.

    Example:
        >>> make_pipeline("flowers", "train", batch_size=32, augment=[AutoContrast()])
    """

    @override
    def tabulate(self, values: Floats, histogram: Histogram, parameters: Sequence[float]) -> Floats:
        there = histogram.counts > 0
        low = np.where(there, values, 255).min(axis=-2, keepdims=True)
        high = np.where(there, values, 0).max(axis=-2, keepdims=True)
        flat = low >= high  # a channel of one value stays as it is
        return np.where(flat, values, (values - low) * (255 / np.where(flat, 1, high - low)))


@dataclass(frozen=True)
class Equalization(TableAugmentation):
    """Makes the histogram of each channel flat, as `keras.layers.Equalization`.

    Attributes:
        bins: Number of bins of the histogram, at most 256. Defaults to 256.

    Example:
        >>> make_pipeline("flowers", "train", batch_size=32, augment=[Equalization()])
    """

    bins: int = 256

    def __post_init__(self) -> None:
        """Checks the bins.

        Raises:
            UsageError: If they are not 2 to 256.
        """
        check(self, "bins", "an integer from 2 to 256", valid=is_count(self.bins) and 2 <= self.bins <= 256)

    @override
    def tabulate(self, values: Floats, histogram: Histogram, parameters: Sequence[float]) -> Floats:
        # 1e-4 is for rounding errors, also of float32: values are mostly whole numbers, and their results
        # are often half-way between two whole numbers. Then the upper one is taken.
        bins = np.floor(values * (self.bins - 1) / 255 + 1e-4).astype(np.int64)
        total = np.cumsum(histogram.regroup(bins, self.bins), axis=-2)
        least = np.where(total > 0, total, np.inf).min(axis=-2, keepdims=True)
        rest = total.max(axis=-2, keepdims=True) - least
        share = (total - least) * 255 / np.where(rest > 0, rest, 1)
        equal = np.floor(share + 0.5 + 1e-4).clip(0, 255)
        return np.where(rest > 0, np.take_along_axis(equal, bins, axis=-2), values)
