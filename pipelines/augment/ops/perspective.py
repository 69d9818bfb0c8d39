"""Perspective: shows an image as seen from another place."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from typing_extensions import override

from fitfeed.pipelines.arrays.types import Floats, Size
from fitfeed.pipelines.augment.compiler.geometry import GeometricAugmentation, Geometry, diagonal, matrices
from fitfeed.pipelines.augment.cpu.interpolation import Interpolation, Sampling
from fitfeed.pipelines.augment.ops.arguments import (
    Factor,
    bernoulli,
    check,
    factor_range,
    is_number,
    sampling_of,
)

Corner = tuple[Any, Any]
"""x and y of a corner, each float64 (n,)."""


@dataclass(frozen=True)
class RandomPerspective(GeometricAugmentation):
    """Moves the corners of the image, as `keras.layers.RandomPerspective`.

    As there, each coordinate of a corner moves by a share of itself: the upper left corner stays,
    the lower right one moves most.

    Attributes:
        factor: In [0, 1], a number f for (0, f) or a pair: the range of the probability.
        scale: In [0, 1]: a coordinate moves by up to half of this share. Defaults to 1.
        interpolation: "bilinear" or "nearest". Defaults to "bilinear".
        fill_value: 0..255, what shows where the image does not reach. Defaults to 0.

    Example:
        >>> make_pipeline("flowers", "train", batch_size=32, augment=[RandomPerspective(scale=0.3)])
    """

    factor: Factor = 1.0
    scale: float = 1.0
    interpolation: Interpolation = "bilinear"
    fill_value: float = 0.0
    draws: ClassVar[int] = 10

    def __post_init__(self) -> None:
        """Checks all arguments.

        Raises:
            UsageError: If an argument is wrong. It names the argument.
        """
        factor_range(self, "factor", low=0, high=1)
        check(self, "scale", "a number in [0, 1]", valid=is_number(self.scale) and 0 <= self.scale <= 1)
        _ = self.sampling

    @property
    @override
    def sampling(self) -> Sampling:
        return sampling_of(self, self.interpolation, "constant", self.fill_value)

    @override
    def sample(self, uniforms: Floats) -> Floats:
        """Samples by what share x and y of each corner move: upper left and right, lower left and right: float64 (n, 8)."""
        applied = bernoulli(factor_range(self, "factor", low=0, high=1), uniforms[:, :2])
        return applied[:, None] * self.scale * (uniforms[:, 2:] - 0.5)

    @override
    def move(self, geometry: Geometry, parameters: Floats, *, image_size: Size | None) -> Geometry:
        """Shows each corner pixel where it has moved to."""
        solid = (geometry.size > 1).all(axis=1, keepdims=True)  # an image of one row stays as it is
        height, width = np.where(solid, geometry.size - 1.0, 1.0).T
        shares = 1 + np.where(solid, parameters, 0.0)
        (x1, y1), (x2, y2), (x3, y3) = ((shares[:, i], shares[:, i + 1]) for i in (2, 4, 6))
        corners = (x1, 0 * y1), (0 * x2, y2), (x3, y3)
        return geometry.transform_pixels(
            diagonal(width, height) @ to_square(*corners) @ diagonal(1 / width, 1 / height)
        )


def to_square(right: Corner, lower: Corner, opposite: Corner) -> Floats:
    """Makes matrices, float64 (n, 3, 3), that map a quadrangle with its first corner at 0 to the unit square.

    They are the adjugate of the matrix from square to quadrangle (Heckbert 1989, Fundamentals of Texture
    Mapping and Image Warping, section 2.2.3), of which any multiple is right. For the unit square
    itself they are exactly the identity.

    Args:
        right: x and y, each float64 (n,), of the corner that becomes (1, 0).
        lower: x and y of the corner that becomes (0, 1).
        opposite: x and y of the corner that becomes (1, 1).
    """
    (x1, y1), (x2, y2), (x3, y3) = right, lower, opposite
    dx1, dx2, sx = x1 - x3, x2 - x3, x3 - x1 - x2
    dy1, dy2, sy = y1 - y3, y2 - y3, y3 - y1 - y2
    g, h, i = sx * dy2 - dx2 * sy, dx1 * sy - sx * dy1, dx1 * dy2 - dx2 * dy1
    a, b, d, e = (i + g) * x1, (i + h) * x2, (i + g) * y1, (i + h) * y2
    last = a * e - b * d
    last = np.where(last == 0, 1.0, last)  # three corners on one line, which do not occur by chance
    return matrices(
        e * i / last, -b * i / last, 0.0,
        -d * i / last, a * i / last, 0.0,
        (d * h - e * g) / last, (b * g - a * h) / last, 1.0,
    )  # fmt: skip
