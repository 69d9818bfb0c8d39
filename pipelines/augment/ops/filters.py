"""Sharpness and blur. The result of a pixel depends on its neighbors, so they do not fuse."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
from typing_extensions import override

from fitfeed.pipelines.arrays.types import Bools, Floats, Integers, Size
from fitfeed.pipelines.augment.base import Augmentation, PlanBuilder
from fitfeed.pipelines.augment.ops.arguments import Factor, bernoulli, check, factor_range, is_count, scale_to
from fitfeed.schemas.payload import Pixels


class FilterAugmentation(Augmentation):
    """A function of a whole image that keeps its size."""

    @abstractmethod
    def filter(self, pixels: Pixels, parameters: Sequence[float], out: Pixels) -> None:
        """Writes the filtered image.

        Args:
            pixels: uint8 or uint16 (H, W, C).
            parameters: Parameters of this image, from `sample`.
            out: Of the same shape and type; may be `pixels`.
        """

    @abstractmethod
    def changes(self, parameters: Floats) -> Bools:
        """Returns bool (n,): which images are changed. `parameters`: float64 (n, parameters)."""

    @override
    def add_to(self, plan: PlanBuilder, rows: Integers, parameters: Floats) -> None:
        changed = self.changes(parameters)
        plan.append(self, rows[changed], [FilterPass(self, row) for row in parameters[changed].tolist()])


@dataclass(frozen=True, slots=True)
class FilterPass:
    """A filter with its parameters for one image."""

    op: FilterAugmentation
    parameters: Sequence[float]

    def size_of(self, pixels: Pixels) -> Size:
        """Returns (height, width) of the output: the same as of `pixels`."""
        return pixels.shape[0], pixels.shape[1]

    def apply(self, pixels: Pixels, out: Pixels) -> Pixels:
        """Writes the filtered image; arguments as in `FilterAugmentation.filter`."""
        self.op.filter(pixels, self.parameters, out)
        return out


@dataclass(frozen=True)
class RandomSharpness(FilterAugmentation):
    """Blurs or sharpens, as `keras.layers.RandomSharpness`.

    As there, it is black outside the image: a blurred image has a darker border, one pixel wide.

    Attributes:
        factor: In [0, 1], a number f for (0, f) or a pair: 0 blurs, 0.5 changes nothing, 1 sharpens.

    Example:
        >>> make_pipeline("flowers", "train", batch_size=32, augment=[RandomSharpness((0.3, 0.9))])
    """

    factor: Factor
    draws: ClassVar[int] = 1

    def __post_init__(self) -> None:
        """Checks the factor.

        Raises:
            UsageError: If it is not a number or a pair in [0, 1].
        """
        factor_range(self, "factor", low=0, high=1)

    @override
    def sample(self, uniforms: Floats) -> Floats:
        """Samples the factor: float64 (n, 1)."""
        return scale_to(factor_range(self, "factor", low=0, high=1), uniforms)

    @override
    def changes(self, parameters: Floats) -> Bools:
        return np.asarray(parameters[:, 0] != 0.5)

    @override
    def filter(self, pixels: Pixels, parameters: Sequence[float], out: Pixels) -> None:
        sharpen(pixels, 2 * parameters[0], out)


def sharpen(pixels: Pixels, amount: float, out: Pixels) -> None:
    """Moves an image away from (or, below 1, towards) its smoothed copy, in one filter.

    Args:
        pixels: uint8 or uint16 (H, W, C).
        amount: 0 leaves the smoothed copy, 1 the image.
        out: Of the same shape and type; may be `pixels`.
    """
    smooth = np.full((3, 3), 1 / 13)
    smooth[1, 1] = 5 / 13
    kernel = (1 - amount) * smooth
    kernel[1, 1] += amount
    cv2.filter2D(pixels, -1, kernel, out, borderType=cv2.BORDER_CONSTANT)


@dataclass(frozen=True)
class RandomGaussianBlur(FilterAugmentation):
    """Blurs some images, as `keras.layers.RandomGaussianBlur`; outside the image is black, as there.

    Attributes:
        factor: In [0, 1], a number f for (0, f) or a pair: the range of the probability. Defaults
            to 1: on average half of the images. (1, 1) blurs all.
        kernel_size: Odd number of pixels, or a pair of them along x and y. Defaults to 3.
        sigma: In [0, 1], a number s for (0, s) or a pair: the standard deviations along x and y, in
            pixels, are sampled from it for each image. Defaults to 1.

    Example:
        >>> make_pipeline("flowers", "train", batch_size=32, augment=[RandomGaussianBlur(0.2, kernel_size=5)])
    """

    factor: Factor = 1.0
    kernel_size: int | tuple[int, int] = 3
    sigma: Factor = 1.0
    draws: ClassVar[int] = 4

    def __post_init__(self) -> None:
        """Checks all arguments.

        Raises:
            UsageError: If an argument is wrong. It names the argument.
        """
        factor_range(self, "factor", low=0, high=1)
        factor_range(self, "sigma", low=0, high=1)
        sizes = self.kernel_size if isinstance(self.kernel_size, tuple | list) else (self.kernel_size,)
        valid = 0 < len(sizes) <= 2 and all(is_count(size) and size % 2 for size in sizes)
        check(self, "kernel_size", "an odd number of pixels, or a pair of them", valid=valid)

    @override
    def sample(self, uniforms: Floats) -> Floats:
        """Samples 1 where the image is blurred, else 0, and the standard deviations along x and y: float64 (n, 3)."""
        applied = bernoulli(factor_range(self, "factor", low=0, high=1), uniforms[:, :2])
        sigma = scale_to(factor_range(self, "sigma", low=0, high=1), uniforms[:, 2:]) + 1e-6
        return np.concatenate([applied[:, None], sigma], axis=1)

    @override
    def changes(self, parameters: Floats) -> Bools:
        return parameters[:, 0] > 0

    @override
    def filter(self, pixels: Pixels, parameters: Sequence[float], out: Pixels) -> None:
        x, y = self.kernel_size if isinstance(self.kernel_size, tuple | list) else (self.kernel_size,) * 2
        _, sigma_x, sigma_y = parameters
        kernel = np.outer(_gaussian(y, sigma_y), _gaussian(x, sigma_x))
        cv2.filter2D(pixels, -1, kernel, out, borderType=cv2.BORDER_CONSTANT)


def _gaussian(size: int, sigma: float) -> Floats:
    weights = np.exp(-0.5 * ((np.arange(size) - (size - 1) / 2) / sigma) ** 2)
    return np.asarray(weights / weights.sum())
