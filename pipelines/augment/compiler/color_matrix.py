"""What becomes of the colors of n images: matrices, multiplied for the whole batch at once, and hue."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Self

import cv2
import numpy as np
from typing_extensions import override

from fitfeed.pipelines.arrays.types import Bools, Floats, Integers, Size
from fitfeed.pipelines.augment.base import Augmentation, PlanBuilder
from fitfeed.schemas.bit_depth import unit_of
from fitfeed.schemas.payload import Pixels

GRAY = np.array([0.2989, 0.5870, 0.1140])
"""Weights of red, green and blue in the gray of a color, as in Keras and `tf.image`."""

NO_CHANGE = np.eye(3, 4)
"""Of colors, as a matrix."""

NO_MEAN = np.zeros((3, 3))
"""Of an operation that does not ask for the image's mean color."""


@dataclass(frozen=True, kw_only=True)
class Color:
    """The composed linear color operations of n images.

    A color x (three values) of an image whose mean color is m becomes pixel @ x + mean @ m +
    shift. That is closed under everything here: an operation about the mean of the image so far
    needs pixel @ m + mean @ m + shift, so the image is averaged once, however many there are.
    Values are neither clipped nor rounded between operations, only at the end.

    Attributes:
        pixel: float64 (n, 3, 3).
        mean: float64 (n, 3, 3).
        shift: float64 (n, 3).
    """

    pixel: Floats
    mean: Floats
    shift: Floats

    @classmethod
    def identity(cls, n: int) -> Self:
        """Leaves n images as they are."""
        return cls(pixel=np.tile(np.eye(3), (n, 1, 1)), mean=np.zeros((n, 3, 3)), shift=np.zeros((n, 3)))

    def __getitem__(self, rows: Integers) -> "Color":
        """Those of some images."""
        return Color(pixel=self.pixel[rows], mean=self.mean[rows], shift=self.shift[rows])

    def add(self, value: Floats) -> "Color":
        """Adds a value (n,) to every channel."""
        return Color(pixel=self.pixel, mean=self.mean, shift=self.shift + value[:, None])

    def multiply(self, factor: Floats) -> "Color":
        """Multiplies every channel by a factor (n,)."""
        matrix = factor[:, None, None]
        return Color(pixel=self.pixel * matrix, mean=self.mean * matrix, shift=self.shift * factor[:, None])

    def stretch(self, factor: Floats, weights: Floats | None = None) -> "Color":
        """Multiplies the distance to the image's mean by a factor (n,).

        Args:
            factor: 0 leaves the mean only.
            weights: (3, 3), from the mean of each channel to the value that is kept. None: each
                channel its own mean.
        """
        weights = np.eye(3) if weights is None else weights
        stretched, kept = self.multiply(factor), (1 - factor)[:, None, None] * weights
        return Color(
            pixel=stretched.pixel,
            mean=stretched.mean + kept @ (self.pixel + self.mean),
            shift=stretched.shift + (kept @ self.shift[:, :, None])[:, :, 0],
        )

    def blend_gray(self, share: Floats) -> "Color":
        """Replaces a share (n,) of each color by its gray; a negative share takes gray out."""
        share = share[:, None, None]
        matrix = (1 - share) * np.eye(3) + share * GRAY
        return Color(
            pixel=matrix @ self.pixel,
            mean=matrix @ self.mean,
            shift=(matrix @ self.shift[:, :, None])[:, :, 0],
        )

    def is_diagonal(self) -> Bools:
        """Bool (n,): whether channels do not mix."""
        off = ~np.eye(3, dtype=bool)
        mixed = np.concatenate([self.pixel[:, off], self.mean[:, off]], axis=1) != 0
        return np.asarray(~mixed.any(axis=1))

    def color_passes(
        self, hue_shift: Floats | float = 0.0, saturation_scale: Floats | float = 1.0
    ) -> "list[ColorPass | None]":
        """The n operations one by one; None where nothing would change.

        Args:
            hue_shift: (n,), added to the hue afterwards, in turns.
            saturation_scale: (n,), what the saturation is multiplied by afterwards, >= 0.
        """
        matrices = np.concatenate([self.pixel, self.shift[:, :, None]], axis=2)
        about_mean = (self.mean != 0).any(axis=(1, 2))
        linear = about_mean | (matrices != NO_CHANGE).any(axis=(1, 2))
        hue_shifts, saturation_scales = (
            hue_shift + np.zeros(len(linear)),
            saturation_scale + np.zeros(len(linear)),
        )
        changed = linear | (hue_shifts != 0) | (saturation_scales != 1)
        columns = (column.tolist() for column in (hue_shifts, saturation_scales, about_mean, changed))
        return [
            ColorPass(matrix, mean if about else None, hue_shift, saturation_scale) if changed else None
            for matrix, mean, hue_shift, saturation_scale, about, changed in zip(
                matrices, self.mean, *columns, strict=True
            )
        ]


@dataclass(frozen=True, slots=True)
class ColorPass:
    """What becomes of the colors of one image: a pass over it, two with a mean.

    Attributes:
        matrix: float64 (3, 4), of (red, green, blue, 1).
        mean: float64 (3, 3), of the image's mean color, as in `Color`.
        hue_shift: Then added to the hue, in turns.
        saturation_scale: Then multiplies the saturation, >= 0.
    """

    matrix: Floats
    mean: Floats | None
    hue_shift: float = 0.0
    saturation_scale: float = 1.0

    def size_of(self, pixels: Pixels) -> Size:
        """Of the output: the same."""
        return pixels.shape[0], pixels.shape[1]

    def with_mean(self, mean: Floats, *, unit: int = 1) -> Floats:
        """float64 (3, 4): the matrix for an image of this mean color (3,), and of this `unit_of` values."""
        if self.mean is None and unit == 1:
            return self.matrix
        matrix = self.matrix.copy()
        matrix[:, 3] *= unit
        if self.mean is not None:
            matrix[:, 3] += self.mean @ mean
        return matrix

    def apply(self, pixels: Pixels, out: Pixels) -> Pixels:
        """Writes the recolored image; `out` may be `pixels`. Gray images have no hue, and keep none."""
        gray = pixels.shape[2] == 1
        if not gray and pixels.dtype == np.uint8:
            from fitfeed.pipelines.arrays.numba_kernels import recolor  # imports Numba

            rows, target = pixels.reshape(len(pixels), -1), out.reshape(len(out), -1)
            mean_matrix = NO_MEAN if self.mean is None else self.mean
            recolor(rows, self.matrix, mean_matrix, self.hue_shift, self.saturation_scale, target)
            return out
        mean = cv2.mean(pixels) if self.mean is not None else (0.0,) * 3
        matrix = self.with_mean(np.array(mean[:1] * 3 if gray else mean[:3]), unit=unit_of(pixels))
        if gray:  # a gray pixel is a color of three equal channels, and stays one
            matrix = np.array([[matrix[0, :3].sum(), matrix[0, 3]]])
        cv2.transform(pixels, matrix, out)
        return out


class ColorAugmentation(Augmentation):
    """A linear operation on colors: a function from `Color` to `Color`.

    Attributes:
        mixes: Whether channels mix. A gray image stays as it is where they do.
    """

    mixes: ClassVar[bool] = False

    @abstractmethod
    def recolor(self, color: Color, parameters: Floats) -> Color:
        """Adds this augmentation to the color operations of n images; `parameters` from `sample`."""

    @override
    def add_to(self, plan: PlanBuilder, rows: Integers, parameters: Floats) -> None:
        plan.recolor(self, rows, parameters)


class HsvAugmentation(Augmentation):
    """Adds to the hue, or multiplies the saturation."""

    only_8_bit: ClassVar[bool] = True

    @override
    def add_to(self, plan: PlanBuilder, rows: Integers, parameters: Floats) -> None:
        plan.rotate_hue(self, rows, *self.hue_and_saturation(parameters))

    @abstractmethod
    def hue_and_saturation(self, parameters: Floats) -> tuple[Floats, Floats]:
        """Both (n,): what is added to the hue, in turns, and what multiplies the saturation."""
