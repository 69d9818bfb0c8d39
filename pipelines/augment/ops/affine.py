"""Rotation, zoom, shear and translation.

The formulas are those of the Keras layers. Matrices map places in the output to places in the input.
"""

import math
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from typing_extensions import override

from fitfeed.pipelines.arrays.types import Floats, Size
from fitfeed.pipelines.augment.compiler.geometry import (
    GeometricAugmentation,
    Geometry,
    about_center,
    diagonal,
    matrices,
    move,
)
from fitfeed.pipelines.augment.cpu.interpolation import FillMode, Interpolation, Sampling
from fitfeed.pipelines.augment.ops.arguments import Factor, factor_range, sampling_of, scale_to


@dataclass(frozen=True)
class RandomRotation(GeometricAugmentation):
    """Rotates about the center, as `keras.layers.RandomRotation`.

    Attributes:
        factor: In [-1, 1], a number f for (-f, f) or a pair: the angle in turns, counter-clockwise.
        fill_mode: What shows where the image does not reach: "reflect", "wrap", "constant" or
            "nearest". Defaults to "reflect".
        interpolation: "bilinear" or "nearest". Defaults to "bilinear".
        fill_value: 0..255, for the fill mode "constant". Defaults to 0.

    Example:
        >>> make_pipeline("flowers", "train", batch_size=32, augment=[RandomRotation(0.05)])
    """

    factor: Factor
    fill_mode: FillMode = "reflect"
    interpolation: Interpolation = "bilinear"
    fill_value: float = field(default=0.0, kw_only=True)
    draws: ClassVar[int] = 1

    def __post_init__(self) -> None:
        """Checks all arguments.

        Raises:
            UsageError: If an argument is wrong. It names the argument.
        """
        factor_range(self, "factor", low=-1, high=1)
        _ = self.sampling

    @property
    @override
    def sampling(self) -> Sampling:
        return sampling_of(self, self.interpolation, self.fill_mode, self.fill_value)

    @override
    def sample(self, uniforms: Floats) -> Floats:
        """Samples the angle in turns: float64 (n, 1)."""
        return scale_to(factor_range(self, "factor", low=-1, high=1), uniforms)

    @override
    def move(self, geometry: Geometry, parameters: Floats, *, image_size: Size | None) -> Geometry:
        """Rotates."""
        return geometry.transform(about_center(geometry, rotation(2 * math.pi * parameters[:, 0])))


@dataclass(frozen=True)
class RandomZoom(GeometricAugmentation):
    """Zooms about the center, as `keras.layers.RandomZoom`.

    Attributes:
        height_factor: In (-1, 1], a number f for (-f, f) or a pair: 0.2 shows 20% more (zooms out),
            -0.2 shows 20% less (zooms in).
        width_factor: Likewise. None: the factor drawn for the height, which keeps the aspect ratio.
        fill_mode: As in `RandomRotation`.
        interpolation: As in `RandomRotation`.
        fill_value: As in `RandomRotation`.

    Example:
        >>> make_pipeline("flowers", "train", batch_size=32, augment=[RandomZoom(0.2)])
    """

    height_factor: Factor
    width_factor: Factor | None = None
    fill_mode: FillMode = "reflect"
    interpolation: Interpolation = "bilinear"
    fill_value: float = field(default=0.0, kw_only=True)
    draws: ClassVar[int] = 2

    def __post_init__(self) -> None:
        """Checks all arguments.

        Raises:
            UsageError: If an argument is wrong. It names the argument.
        """
        factor_range(self, "height_factor", low=-1, high=1, open_low=True)
        if self.width_factor is not None:
            factor_range(self, "width_factor", low=-1, high=1, open_low=True)
        _ = self.sampling

    @property
    @override
    def sampling(self) -> Sampling:
        return sampling_of(self, self.interpolation, self.fill_mode, self.fill_value)

    @override
    def sample(self, uniforms: Floats) -> Floats:
        """Samples how many times as much is shown of the height and the width: float64 (n, 2)."""
        height = scale_to(factor_range(self, "height_factor", low=-1, high=1, open_low=True), uniforms[:, 0])
        if self.width_factor is None:
            return 1 + np.stack([height, height], axis=1)
        width = scale_to(factor_range(self, "width_factor", low=-1, high=1, open_low=True), uniforms[:, 1])
        return 1 + np.stack([height, width], axis=1)

    @override
    def move(self, geometry: Geometry, parameters: Floats, *, image_size: Size | None) -> Geometry:
        """Zooms."""
        height, width = parameters.T
        return geometry.transform(about_center(geometry, diagonal(width, height)))


@dataclass(frozen=True)
class RandomTranslation(GeometricAugmentation):
    """Shifts, as `keras.layers.RandomTranslation`.

    Attributes:
        height_factor: In [-1, 1], a number f for (-f, f) or a pair: the shift down, as a share of
            the height.
        width_factor: Likewise to the right, as a share of the width.
        fill_mode: As in `RandomRotation`.
        interpolation: As in `RandomRotation`.
        fill_value: As in `RandomRotation`.

    Example:
        >>> make_pipeline("flowers", "train", batch_size=32, augment=[RandomTranslation(0.1, 0.1)])
    """

    height_factor: Factor
    width_factor: Factor
    fill_mode: FillMode = "reflect"
    interpolation: Interpolation = "bilinear"
    fill_value: float = field(default=0.0, kw_only=True)
    draws: ClassVar[int] = 2

    def __post_init__(self) -> None:
        """Checks all arguments.

        Raises:
            UsageError: If an argument is wrong. It names the argument.
        """
        factor_range(self, "height_factor", low=-1, high=1)
        factor_range(self, "width_factor", low=-1, high=1)
        _ = self.sampling

    @property
    @override
    def sampling(self) -> Sampling:
        return sampling_of(self, self.interpolation, self.fill_mode, self.fill_value)

    @override
    def sample(self, uniforms: Floats) -> Floats:
        """Samples the shift down and to the right, as shares of height and width: float64 (n, 2)."""
        down = scale_to(factor_range(self, "height_factor", low=-1, high=1), uniforms[:, 0])
        right = scale_to(factor_range(self, "width_factor", low=-1, high=1), uniforms[:, 1])
        return np.stack([down, right], axis=1)

    @override
    def move(self, geometry: Geometry, parameters: Floats, *, image_size: Size | None) -> Geometry:
        """Shifts."""
        down, right = (parameters * geometry.size).T
        return geometry.transform(move(-right, -down))


@dataclass(frozen=True)
class RandomShear(GeometricAugmentation):
    """Shears about the upper left corner, as `keras.layers.RandomShear`.

    Attributes:
        x_factor: In [0, 1], a number f for (-f, f) or a pair: how far a row moves to the left for
            each row further down. One sign for both factors is drawn in addition.
        y_factor: Likewise, how far a column moves up for each column further right.
        interpolation: As in `RandomRotation`.
        fill_mode: As in `RandomRotation`.
        fill_value: As in `RandomRotation`.

    Example:
        >>> make_pipeline("flowers", "train", batch_size=32, augment=[RandomShear(0.2)])
    """

    x_factor: Factor = 0.0
    y_factor: Factor = 0.0
    interpolation: Interpolation = "bilinear"
    fill_mode: FillMode = "reflect"
    fill_value: float = 0.0
    draws: ClassVar[int] = 3

    def __post_init__(self) -> None:
        """Checks all arguments.

        Raises:
            UsageError: If an argument is wrong. It names the argument.
        """
        self._bounds("x_factor")
        self._bounds("y_factor")
        _ = self.sampling

    @property
    @override
    def sampling(self) -> Sampling:
        return sampling_of(self, self.interpolation, self.fill_mode, self.fill_value)

    @override
    def sample(self, uniforms: Floats) -> Floats:
        """Samples input pixels along x for each output row, and along y for each column: float64 (n, 2)."""
        sign = np.where(uniforms[:, :1] > 0.5, -1, 1)
        x = scale_to(self._bounds("x_factor"), uniforms[:, 1])
        y = scale_to(self._bounds("y_factor"), uniforms[:, 2])
        return sign * np.stack([x, y], axis=1)

    @override
    def move(self, geometry: Geometry, parameters: Floats, *, image_size: Size | None) -> Geometry:
        """Shears."""
        return geometry.transform_pixels(shear(*parameters.T))

    def _bounds(self, name: str) -> tuple[float, float]:
        low, high = factor_range(self, name, low=0, high=1)
        single = not isinstance(getattr(self, name), tuple | list)
        return (-high if single else low), high


def rotation(angle: Floats) -> Floats:
    """Makes matrices, float64 (n, 3, 3), that turn images counter-clockwise by angles (n,) in radians."""
    cos, sin = np.cos(angle), np.sin(angle)
    return matrices(cos, -sin, 0, sin, cos, 0, 0, 0, 1)


def shear(x: Floats, y: Floats) -> Floats:
    """Makes matrices, float64 (n, 3, 3), that add x times y to x, and y times x to y; both: float64 (n,)."""
    return matrices(1, x, 0, y, 1, 0, 0, 0, 1)
