"""Hue and saturation, as HSV defines them."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from typing_extensions import override

from fitfeed.pipelines.arrays.types import Floats
from fitfeed.pipelines.augment.compiler.color_matrix import HsvAugmentation
from fitfeed.pipelines.augment.ops.arguments import Factor, factor_range, scale_to


@dataclass(frozen=True)
class RandomSaturation(HsvAugmentation):
    """Multiplies the saturation (in HSV), as `keras.layers.RandomSaturation`.

    Attributes:
        factor: In [-1, 1], a number f for (-f, f) or a pair. What is drawn multiplies the
            saturation by f / (1 - f): 0.5 changes nothing, 0 (and below) makes gray of the image's
            HSV value, 1 saturates fully.

    Example:
        >>> make_pipeline("flowers", "train", batch_size=32, augment=[RandomSaturation((0.4, 0.6))])
    """

    factor: Factor
    draws: ClassVar[int] = 1

    def __post_init__(self) -> None:
        """Checks the factor.

        Raises:
            UsageError: If it is not a number or a pair in [-1, 1].
        """
        factor_range(self, "factor", low=-1, high=1)

    @override
    def sample(self, uniforms: Floats) -> Floats:
        """Samples what multiplies the saturation: float64 (n, 1)."""
        factor = scale_to(factor_range(self, "factor", low=-1, high=1), uniforms)
        # Keras adds 1e-7 too, to avoid 1 / 0. Above a factor of 255, colors are fully saturated anyway.
        return np.clip(factor / (1 - factor + 1e-7), 0, 1e4)

    @override
    def hue_and_saturation(self, parameters: Floats) -> tuple[Floats, Floats]:
        return np.zeros_like(parameters[:, 0]), parameters[:, 0]


@dataclass(frozen=True)
class RandomHue(HsvAugmentation):
    """Rotates the hue (in HSV), as `keras.layers.RandomHue`.

    Attributes:
        factor: In [0, 1], a number f for (0, f) or a pair. Half of what is drawn is the angle in
            turns, either way: 1 is the opposite color.

    Example:
        >>> make_pipeline("flowers", "train", batch_size=32, augment=[RandomHue(0.1)])
    """

    factor: Factor
    draws: ClassVar[int] = 2

    def __post_init__(self) -> None:
        """Checks the factor.

        Raises:
            UsageError: If it is not a number or a pair in [0, 1].
        """
        factor_range(self, "factor", low=0, high=1)

    @override
    def sample(self, uniforms: Floats) -> Floats:
        """Samples the angle, in turns: float64 (n, 1)."""
        sign = np.where(uniforms[:, 0] > 0.5, -1, 1)
        return (sign * scale_to(factor_range(self, "factor", low=0, high=1), uniforms[:, 1]) * 0.5)[:, None]

    @override
    def hue_and_saturation(self, parameters: Floats) -> tuple[Floats, Floats]:
        return parameters[:, 0], np.ones_like(parameters[:, 0])
