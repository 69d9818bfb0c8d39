"""Brightness, contrast, gray and inversion: linear operations on colors."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from typing_extensions import override

from fitfeed.pipelines.arrays.types import Floats, Integers
from fitfeed.pipelines.augment.base import Augmentation, PlanBuilder
from fitfeed.pipelines.augment.compiler.color_matrix import Color, ColorAugmentation
from fitfeed.pipelines.augment.ops.arguments import (
    Factor,
    bernoulli,
    check,
    factor_range,
    is_number,
    scale_to,
)
from fitfeed.pipelines.augment.ops.hue_saturation import RandomHue, RandomSaturation
from fitfeed.schemas.errors import UsageError


@dataclass(frozen=True)
class RandomBrightness(ColorAugmentation):
    """Adds to all values, as `keras.layers.RandomBrightness`.

    Attributes:
        factor: In [-1, 1], a number f for (-f, f) or a pair: a share of 255.

    Example:
        >>> make_pipeline("flowers", "train", batch_size=32, augment=[RandomBrightness(0.2)])
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
        """Samples what is added: float64 (n, 1)."""
        return 255 * scale_to(factor_range(self, "factor", low=-1, high=1), uniforms)

    @override
    def recolor(self, color: Color, parameters: Floats) -> Color:
        return color.add(parameters[:, 0])


@dataclass(frozen=True)
class RandomContrast(ColorAugmentation):
    """Multiplies each value's distance to the mean of its channel, as `keras.layers.RandomContrast`.

    Attributes:
        factor: In [0, 1], a pair for factors of 1 - l to 1 + u, where l is the smaller number and u the
            larger one, in any order: Keras sorts them. A number f stands for (0, f): Keras 3.15 draws so
            too, though its documentation says (f, f). Pass (f, f) for factors of 1 - f to 1 + f.

    Example:
        >>> make_pipeline("flowers", "train", batch_size=32, augment=[RandomContrast((0.2, 0.2))])
    """

    factor: Factor
    draws: ClassVar[int] = 1

    def __post_init__(self) -> None:
        """Checks the factor.

        Raises:
            UsageError: If it is not a number or a pair in [0, 1].
        """
        self._bounds()

    @override
    def sample(self, uniforms: Floats) -> Floats:
        """Samples what the distance to the mean is multiplied by: float64 (n, 1)."""
        return scale_to(self._bounds(), uniforms)

    @override
    def recolor(self, color: Color, parameters: Floats) -> Color:
        return color.stretch(parameters[:, 0])

    def _bounds(self) -> tuple[float, float]:
        low, high = factor_range(self, "factor", low=0, high=1)
        return 1 - low, 1 + high


@dataclass(frozen=True)
class RandomColorDegeneration(ColorAugmentation):
    """Mixes each color with its gray, as `keras.layers.RandomColorDegeneration`.

    Attributes:
        factor: In [-1, 1], a number f for (-f, f), as Keras 3.15 draws, or a pair: the share of
            gray. A negative share makes colors stronger.

    Example:
        >>> make_pipeline("flowers", "train", batch_size=32, augment=[RandomColorDegeneration((0.0, 0.5))])
    """

    factor: Factor
    draws: ClassVar[int] = 1
    mixes: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Checks the factor.

        Raises:
            UsageError: If it is not a number or a pair in [-1, 1].
        """
        factor_range(self, "factor", low=-1, high=1)

    @override
    def sample(self, uniforms: Floats) -> Floats:
        """Samples the share of gray: float64 (n, 1)."""
        return scale_to(factor_range(self, "factor", low=-1, high=1), uniforms)

    @override
    def recolor(self, color: Color, parameters: Floats) -> Color:
        return color.blend_gray(parameters[:, 0])


@dataclass(frozen=True)
class RandomGrayscale(ColorAugmentation):
    """Makes some images gray, as `keras.layers.RandomGrayscale`; they keep their channels.

    Attributes:
        factor: In [0, 1], the probability. Defaults to 0.5.

    Example:
        >>> make_pipeline("flowers", "train", batch_size=32, augment=[RandomGrayscale(0.1)])
    """

    factor: float = 0.5
    draws: ClassVar[int] = 1
    mixes: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Checks the factor.

        Raises:
            UsageError: If it is not a number in [0, 1].
        """
        check(self, "factor", "a number in [0, 1]", valid=is_number(self.factor) and 0 <= self.factor <= 1)

    @override
    def sample(self, uniforms: Floats) -> Floats:
        """Samples 1 where the image becomes gray, else 0: float64 (n, 1)."""
        return (uniforms < self.factor).astype(np.float64)

    @override
    def recolor(self, color: Color, parameters: Floats) -> Color:
        return color.blend_gray(parameters[:, 0])


@dataclass(frozen=True)
class RandomInvert(ColorAugmentation):
    """Makes negatives of some images, as `keras.layers.RandomInvert`.

    Attributes:
        factor: In [0, 1], a number f for (0, f) or a pair: the range of the probability. Defaults
            to 1: on average half of the images. (1, 1) inverts all.

    Example:
        >>> make_pipeline("flowers", "train", batch_size=32, augment=[RandomInvert(0.2)])
    """

    factor: Factor = 1.0
    draws: ClassVar[int] = 2

    def __post_init__(self) -> None:
        """Checks the factor.

        Raises:
            UsageError: If it is not a number or a pair in [0, 1].
        """
        factor_range(self, "factor", low=0, high=1)

    @override
    def sample(self, uniforms: Floats) -> Floats:
        """Samples 1 where the image is inverted, else 0: float64 (n, 1)."""
        return bernoulli(factor_range(self, "factor", low=0, high=1), uniforms)[:, None]

    @override
    def recolor(self, color: Color, parameters: Floats) -> Color:
        inverted = parameters[:, 0]
        return color.multiply(1 - 2 * inverted).add(255 * inverted)


@dataclass(frozen=True, kw_only=True)
class RandomColorJitter(Augmentation):
    """Brightness, contrast, saturation and hue, in this order, as `keras.layers.RandomColorJitter`.

    Attributes:
        brightness_factor: Factor of `RandomBrightness`. None leaves it out.
        contrast_factor: Factor of `RandomContrast`. None leaves it out.
        saturation_factor: Factor of `RandomSaturation`. None leaves it out. (0.4, 0.6) is about as
            strong as 0.2 for the others: 0.5 changes nothing, and below 0 only gray is left.
        hue_factor: Factor of `RandomHue`. None leaves it out.

    Example:
        >>> jitter = RandomColorJitter(brightness_factor=0.2, contrast_factor=(0.2, 0.2))
        >>> make_pipeline("flowers", "train", batch_size=32, augment=[jitter])
    """

    brightness_factor: Factor | None = None
    contrast_factor: Factor | None = None
    saturation_factor: Factor | None = None
    hue_factor: Factor | None = None
    draws: ClassVar[int] = 5

    def __post_init__(self) -> None:
        """Checks the factors.

        Raises:
            UsageError: If a factor is wrong. It names the factor.
        """
        for name, part in PARTS.items():
            try:
                self._part(name)
            except UsageError as error:
                msg = f"{name} is the factor of {part.__name__}. {error}".replace("factor=", f"{name}=")
                raise UsageError(msg) from None

    @property
    @override
    def only_8_bit(self) -> bool:  # type: ignore[override]
        """Whether hue or saturation is changed."""
        return any(part is not None and part.only_8_bit for part in self.parts)

    @property
    @override
    def recolors(self) -> bool:  # type: ignore[override]
        """Whether any of the four is there."""
        return any(part is not None for part in self.parts)

    @cached_property
    def parts(self) -> list[Augmentation | None]:
        """The four operations; None for those that are left out."""
        return [self._part(name) for name in PARTS]

    @override
    def sample(self, uniforms: Floats) -> Floats:
        """Samples the parameters of the four, 0 for those that are left out: float64 (n, 4)."""
        columns, first = [], 0
        for op, part in zip(self.parts, PARTS.values(), strict=True):
            own, first = uniforms[:, first : first + part.draws], first + part.draws
            columns.append(np.zeros_like(uniforms[:, :1]) if op is None else op.sample(own))
        return np.concatenate(columns, axis=1)

    @override
    def add_to(self, plan: PlanBuilder, rows: Integers, parameters: Floats) -> None:
        """Adds the operations one after the other."""
        for column, part in enumerate(self.parts):
            if part is not None:
                part.add_to(plan, rows, parameters[:, column : column + 1])

    def _part(self, name: str) -> Augmentation | None:
        factor = getattr(self, name)
        return None if factor is None else PARTS[name](factor)


PARTS: dict[str, type[RandomBrightness | RandomContrast | RandomSaturation | RandomHue]] = {
    "brightness_factor": RandomBrightness,
    "contrast_factor": RandomContrast,
    "saturation_factor": RandomSaturation,
    "hue_factor": RandomHue,
}
