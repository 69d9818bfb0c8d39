"""TrivialAugment, with the operations of torchvision, which differ from Keras' of the same name."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from typing_extensions import override

from fitfeed.pipelines.arrays.types import Bools, Floats, Integers, Size
from fitfeed.pipelines.augment.base import Augmentation, PlanBuilder
from fitfeed.pipelines.augment.compiler.color_matrix import GRAY, Color, ColorAugmentation
from fitfeed.pipelines.augment.compiler.geometry import GeometricAugmentation, Geometry, about_center, move
from fitfeed.pipelines.augment.compiler.lookup_table import Histogram, TableAugmentation
from fitfeed.pipelines.augment.cpu.interpolation import Interpolation, Sampling
from fitfeed.pipelines.augment.ops.affine import rotation, shear
from fitfeed.pipelines.augment.ops.arguments import check, is_count, is_number
from fitfeed.pipelines.augment.ops.filters import FilterAugmentation, sharpen
from fitfeed.pipelines.augment.ops.rand_augment import Policy
from fitfeed.pipelines.augment.ops.tone import AutoContrast, Equalization, RandomPosterization
from fitfeed.schemas.payload import Pixels


@dataclass(frozen=True)
class _Identity(Augmentation):
    @override
    def add_to(self, plan: PlanBuilder, rows: Integers, parameters: Floats) -> None:
        """Adds nothing."""


@dataclass(frozen=True)
class _Geometric(GeometricAugmentation):
    how: Sampling

    @property
    @override
    def sampling(self) -> Sampling:
        return self.how


@dataclass(frozen=True)
class _Shear(_Geometric):
    """Shears about the upper left corner, by pixels along x for each pixel along y, or the reverse."""

    along: str

    @override
    def move(self, geometry: Geometry, parameters: Floats, *, image_size: Size | None) -> Geometry:
        amount = -parameters[:, 0]
        zero = np.zeros_like(amount)
        return geometry.transform(shear(amount, zero) if self.along == "x" else shear(zero, amount))


@dataclass(frozen=True)
class _Translate(_Geometric):
    """Shifts by whole pixels to the right, or down, as torchvision."""

    along: str

    @override
    def move(self, geometry: Geometry, parameters: Floats, *, image_size: Size | None) -> Geometry:
        pixels = -np.trunc(parameters[:, 0])
        zero = np.zeros_like(pixels)
        return geometry.transform(move(pixels, zero) if self.along == "x" else move(zero, pixels))


@dataclass(frozen=True)
class _Rotate(_Geometric):
    """Rotates counter-clockwise, by degrees."""

    @override
    def move(self, geometry: Geometry, parameters: Floats, *, image_size: Size | None) -> Geometry:
        return geometry.transform(about_center(geometry, rotation(np.deg2rad(parameters[:, 0]))))


@dataclass(frozen=True)
class _Brightness(ColorAugmentation):
    """Multiplies by 1 + the magnitude."""

    @override
    def recolor(self, color: Color, parameters: Floats) -> Color:
        return color.multiply(1 + parameters[:, 0])


@dataclass(frozen=True)
class _Color(ColorAugmentation):
    """Moves away from gray (or towards it) by the magnitude."""

    mixes: ClassVar[bool] = True

    @override
    def recolor(self, color: Color, parameters: Floats) -> Color:
        return color.blend_gray(-parameters[:, 0])


@dataclass(frozen=True)
class _Contrast(ColorAugmentation):
    """Multiplies the distance to the mean gray by 1 + the magnitude."""

    mixes: ClassVar[bool] = True

    @override
    def recolor(self, color: Color, parameters: Floats) -> Color:
        return color.stretch(1 + parameters[:, 0], np.tile(GRAY / GRAY.sum(), (3, 1)))


@dataclass(frozen=True)
class SharpnessInside(FilterAugmentation):
    """Moves away from the smoothed image (or towards it) by the magnitude; the border stays."""

    @override
    def changes(self, parameters: Floats) -> Bools:
        return np.asarray(parameters[:, 0] != 0)

    @override
    def filter(self, pixels: Pixels, parameters: Sequence[float], out: Pixels) -> None:
        source = pixels.copy() if out is pixels else pixels
        if min(source.shape[:2]) <= 2:
            np.copyto(out, source)
            return
        sharpen(source, 1 + parameters[0], out)
        for rim in np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]:
            out[rim] = source[rim]


@dataclass(frozen=True)
class _Solarize(TableAugmentation):
    """Inverts values from the magnitude on."""

    @override
    def tabulate(self, values: Floats, histogram: Histogram, parameters: Sequence[float]) -> Floats:
        return np.where(values >= parameters[0], 255 - values, values)


@dataclass(frozen=True, kw_only=True)
class TrivialAugment(Policy):
    """One of fourteen operations at any strength, as torchvision v2's `TrivialAugmentWide` (arXiv:2103.10158).

    Attributes:
        num_magnitude_bins: How many strengths there are. Defaults to 31.
        interpolation: "nearest" or "bilinear". Defaults to "nearest", as there.
        fill: 0..255, what shows where the image does not reach. Defaults to 0.

    Example:
        >>> augment = [RandomResizedCrop(), RandomFlip("horizontal"), TrivialAugment(interpolation="bilinear")]
        >>> make_pipeline("flowers", "train", batch_size=32, image_size=(224, 224), augment=augment)
    """

    num_magnitude_bins: int = 31
    interpolation: Interpolation = "nearest"
    fill: float = 0.0
    draws: ClassVar[int] = 3
    slot: ClassVar[int] = 2

    def __post_init__(self) -> None:
        """Checks all arguments.

        Raises:
            UsageError: If an argument is wrong. It names the argument.
        """
        bins, fill = self.num_magnitude_bins, self.fill
        check(self, "num_magnitude_bins", "an integer above 1", valid=is_count(bins) and bins > 1)
        check(
            self,
            "interpolation",
            "'nearest' or 'bilinear'",
            valid=self.interpolation in ("bilinear", "nearest"),
        )
        check(self, "fill", "a number in [0, 255]", valid=is_number(fill) and 0 <= fill <= 255)

    @property
    @override
    def choices(self) -> list[Augmentation]:
        return [op for op, _, _ in self._space]

    @cached_property
    def _space(self) -> list[tuple[Augmentation, Floats, bool]]:
        """The operations, their magnitudes from weak to strong, and whether these may be negative."""
        bins = self.num_magnitude_bins
        how = Sampling(self.interpolation, "constant", float(self.fill))
        none, bits = np.zeros(bins), 8 - np.rint(np.arange(bins) / ((bins - 1) / 6))
        return [
            (_Identity(), none, False),
            (_Shear(how, "x"), np.linspace(0, 0.99, bins), True),
            (_Shear(how, "y"), np.linspace(0, 0.99, bins), True),
            (_Translate(how, "x"), np.linspace(0, 32, bins), True),
            (_Translate(how, "y"), np.linspace(0, 32, bins), True),
            (_Rotate(how), np.linspace(0, 135, bins), True),
            (_Brightness(), np.linspace(0, 0.99, bins), True),
            (_Color(), np.linspace(0, 0.99, bins), True),
            (_Contrast(), np.linspace(0, 0.99, bins), True),
            (SharpnessInside(), np.linspace(0, 0.99, bins), True),
            (RandomPosterization(8), bits, False),
            (_Solarize(), np.linspace(255, 0, bins), False),
            (AutoContrast(), none, False),
            (Equalization(), none, False),
        ]

    @override
    def sample(self, uniforms: Floats) -> Floats:
        """Samples the number of the operation, and its magnitude: float64 (n, 2)."""
        chosen = np.floor(uniforms[:, 0] * len(self._space)).astype(np.int64)
        strength = np.floor(uniforms[:, 1] * self.num_magnitude_bins).astype(np.int64)
        magnitudes = np.concatenate([magnitudes for _, magnitudes, _ in self._space])
        magnitude = np.take_along_axis(magnitudes, chosen * self.num_magnitude_bins + strength, axis=0)
        signed = np.take_along_axis(np.array([float(signed) for _, _, signed in self._space]), chosen, axis=0)
        flip = signed * (uniforms[:, 2] < 0.5)
        return np.stack([chosen.astype(np.float64), magnitude * (1 - 2 * flip)], axis=1)

    @override
    def add_to(self, plan: PlanBuilder, rows: Integers, parameters: Floats) -> None:
        """Adds the operation that was chosen for each image."""
        for number, (op, _, _) in enumerate(self._space):
            chosen = parameters[:, 0] == number
            if chosen.any():
                op.add_to(plan, rows[chosen], parameters[chosen, 1:])
