"""Composes linear color operations of n images to matrices, for the whole batch at once, and changes hue."""

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
"""float64 (3,): weights of red, green and blue in the gray of a color, as in Keras and `tf.image`."""

NO_CHANGE = np.eye(3, 4)
"""float64 (3, 4): the matrix that leaves colors as they are."""

NO_MEAN = np.zeros((3, 3))
"""float64 (3, 3): the matrix of operations that do not use the mean color of the image."""


@dataclass(frozen=True, kw_only=True)
class Color:
    """The composed linear color operations of n images.

    A color x (three values) of an image whose mean color is m becomes

        pixel @ x + mean @ m + shift.

    All operations here keep this form. An operation about the mean of the image so far needs the mean
    (pixel + mean) @ m + shift, so the image is averaged once, for any number of operations. Values are
    clipped and rounded only at the end, not between operations.

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
        """Makes operations that leave n images as they are."""
        return cls(pixel=np.tile(np.eye(3), (n, 1, 1)), mean=np.zeros((n, 3, 3)), shift=np.zeros((n, 3)))

    def __getitem__(self, rows: Integers) -> "Color":
        """Returns the operations of some images; `rows`: int64 (m,)."""
        return Color(pixel=self.pixel[rows], mean=self.mean[rows], shift=self.shift[rows])

    def add(self, value: Floats) -> "Color":
        """Adds a value, float64 (n,), to every channel."""
        return Color(pixel=self.pixel, mean=self.mean, shift=self.shift + value[:, None])

    def multiply(self, factor: Floats) -> "Color":
        """Multiplies every channel by a factor, float64 (n,)."""
        matrix = factor[:, None, None]
        return Color(pixel=self.pixel * matrix, mean=self.mean * matrix, shift=self.shift * factor[:, None])

    def stretch(self, factor: Floats, weights: Floats | None = None) -> "Color":
        """Multiplies the distance of each value to the mean of the image.

        Args:
            factor: float64 (n,); 0 leaves only the mean.
            weights: float64 (3, 3), from the means of the channels to the values that stay. None: the
                mean of each channel stays.
        """
        weights = np.eye(3) if weights is None else weights
        stretched, kept = self.multiply(factor), (1 - factor)[:, None, None] * weights
        return Color(
            pixel=stretched.pixel,
            mean=stretched.mean + kept @ (self.pixel + self.mean),
            shift=stretched.shift + (kept @ self.shift[:, :, None])[:, :, 0],
        )

    def blend_gray(self, share: Floats) -> "Color":
        """Replaces a share, float64 (n,), of each color by its gray. A negative share removes gray."""
        share = share[:, None, None]
        matrix = (1 - share) * np.eye(3) + share * GRAY
        return Color(
            pixel=matrix @ self.pixel,
            mean=matrix @ self.mean,
            shift=(matrix @ self.shift[:, :, None])[:, :, 0],
        )

    def is_diagonal(self) -> Bools:
        """Returns bool (n,): whether the channels of an image do not mix."""
        off = ~np.eye(3, dtype=bool)
        mixed = np.concatenate([self.pixel[:, off], self.mean[:, off]], axis=1) != 0
        return np.asarray(~mixed.any(axis=1))

    def color_passes(
        self, hue_shift: Floats | float = 0.0, saturation_scale: Floats | float = 1.0
    ) -> "list[ColorPass | None]":
        """Makes the pass of each image; None where it would change nothing.

        Args:
            hue_shift: float64 (n,), added to the hue after the linear operations, in turns.
            saturation_scale: float64 (n,), multiplies the saturation after them, >= 0.
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
    """Changes the colors of one image: one pass over it, or two with a mean.

    Attributes:
        matrix: float64 (3, 4), to be multiplied by (red, green, blue, 1).
        mean: float64 (3, 3), to be multiplied by the mean color of the image, as in `Color`.
        hue_shift: Added to the hue after that, in turns.
        saturation_scale: Multiplies the saturation after that, >= 0.
    """

    matrix: Floats
    mean: Floats | None
    hue_shift: float = 0.0
    saturation_scale: float = 1.0

    def size_of(self, pixels: Pixels) -> Size:
        """Returns (height, width) of the output: the same as of `pixels`."""
        return pixels.shape[0], pixels.shape[1]

    def with_mean(self, mean: Floats, *, unit: int = 1) -> Floats:
        """Computes the matrix, float64 (3, 4), for one image.

        Args:
            mean: float64 (3,), the mean color of the image.
            unit: `unit_of` the image: 1 for uint8, 257 for uint16.
        """
        if self.mean is None and unit == 1:
            return self.matrix
        matrix = self.matrix.copy()
        matrix[:, 3] *= unit
        if self.mean is not None:
            matrix[:, 3] += self.mean @ mean
        return matrix

    def apply(self, pixels: Pixels, out: Pixels) -> Pixels:
        """Writes the recolored image. A gray image has no hue, so it stays gray.

        Args:
            pixels: uint8 or uint16 (H, W, C).
            out: Of the same shape and type; may be `pixels`.
        """
        gray = pixels.shape[2] == 1
        if not gray and pixels.dtype == np.uint8:
            from fitfeed.pipelines.arrays.numba_kernels import recolor  # imports Numba

            rows, target = pixels.reshape(len(pixels), -1), out.reshape(len(out), -1)
            mean_matrix = NO_MEAN if self.mean is None else self.mean
            recolor(rows, self.matrix, mean_matrix, self.hue_shift, self.saturation_scale, target)
            return out
        mean = cv2.mean(pixels) if self.mean is not None else (0.0,) * 3
        matrix = self.with_mean(np.array(mean[:1] * 3 if gray else mean[:3]), unit=unit_of(pixels))
        if gray:  # a gray pixel is a color of three equal channels, and stays gray
            matrix = np.array([[matrix[0, :3].sum(), matrix[0, 3]]])
        cv2.transform(pixels, matrix, out)
        return out


class ColorAugmentation(Augmentation):
    """A linear operation on colors: a function from `Color` to `Color`.

    Attributes:
        mixes: Whether channels mix. Such an operation leaves gray images as they are.
    """

    recolors: ClassVar[bool] = True
    mixes: ClassVar[bool] = False

    @abstractmethod
    def recolor(self, color: Color, parameters: Floats) -> Color:
        """Adds this augmentation to the color operations of n images.

        Args:
            color: The operations of n images so far.
            parameters: float64 (n, parameters), from `sample`.
        """

    @override
    def add_to(self, plan: PlanBuilder, rows: Integers, parameters: Floats) -> None:
        plan.recolor(self, rows, parameters)


class HsvAugmentation(Augmentation):
    """An operation that shifts the hue, or multiplies the saturation."""

    only_8_bit: ClassVar[bool] = True
    recolors: ClassVar[bool] = True

    @override
    def add_to(self, plan: PlanBuilder, rows: Integers, parameters: Floats) -> None:
        plan.rotate_hue(self, rows, *self.hue_and_saturation(parameters))

    @abstractmethod
    def hue_and_saturation(self, parameters: Floats) -> tuple[Floats, Floats]:
        """Returns what is added to the hue, in turns, and what multiplies the saturation: both float64 (n,).

        Args:
            parameters: float64 (n, parameters), from `sample`.
        """


def load_recolor() -> None:
    """Loads Numba and what it needs for its first call, which takes 0.6 s: processes that are forked then have both."""
    ColorPass(NO_CHANGE, None).apply(*np.zeros((2, 1, 1, 3), np.uint8))
