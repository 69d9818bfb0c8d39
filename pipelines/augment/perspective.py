"""Looking from elsewhere."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pipelines.augment.arguments import Factor, bounds, check, happens, is_number, sampling_of
from pipelines.augment.base import Floats, Size
from pipelines.augment.geometry import GeometricAugmentation, Geometry
from pipelines.augment.sampling import Interpolation, Sampling


@dataclass(frozen=True)
class RandomPerspective(GeometricAugmentation):
    """Moves the corners of the image, as `keras.layers.RandomPerspective`.

    As there, each coordinate of a corner moves by a share of itself: the upper left corner stays,
    the lower right one moves most.

    Attributes:
        factor: In [0, 1], a number f for (0, f) or a pair: the probability, itself drawn.
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
            UsageError: Naming the one that is wrong.
        """
        bounds(self, "factor", low=0, high=1)
        check(self, "scale", "a number in [0, 1]", valid=is_number(self.scale) and 0 <= self.scale <= 1)
        _ = self.sampling

    @property
    def sampling(self) -> Sampling:
        """See the base class."""
        return sampling_of(self, self.interpolation, "constant", self.fill_value)

    def sample(self, uniforms: Floats) -> Floats:
        """(n, 8): by what share x and y of each corner move: upper left and right, lower left and right."""
        applied = happens(bounds(self, "factor", low=0, high=1), uniforms[:, :2])
        return applied[:, None] * self.scale * (uniforms[:, 2:] - 0.5)

    def move(self, geometry: Geometry, parameters: Floats, *, image_size: Size | None) -> Geometry:
        """Shows each corner pixel where it has moved to; see the base class."""
        far = geometry.size[:, ::-1] - 1.0
        start = np.array([[0, 0], [1, 0], [0, 1], [1, 1]]) * far[:, None]
        end = start * (1 + parameters.reshape(-1, 4, 2))
        return geometry.transform_pixels(homography(end, start))


def homography(source: Floats, target: Floats) -> Floats:
    """Matrices (n, 3, 3) that map four points (n, 4, 2) of x and y to four others, exactly where they are equal.

    The eight equations of Hartley and Zisserman, Multiple View Geometry, section 4.1, with the last
    element 1. Points of one line, as in an image of one row, are left where they are.
    """
    x, y = source[..., 0], source[..., 1]
    one, zero = np.ones_like(x), np.zeros_like(x)
    u, v = target[..., 0], target[..., 1]
    first = np.stack([x, y, one, zero, zero, zero, -u * x, -u * y], axis=-1)
    second = np.stack([zero, zero, zero, x, y, one, -v * x, -v * y], axis=-1)
    equations = np.concatenate([first, second], axis=1)  # (n, 8, 8)
    moved = (source != target).any(axis=(1, 2))
    solvable = moved & (np.ptp(target, axis=1) > 0).all(axis=1)
    matrix = np.tile(np.eye(3), (len(source), 1, 1))
    values = np.concatenate([u, v], axis=1)[..., None]
    matrix.reshape(-1, 9)[solvable, :8] = np.linalg.solve(equations[solvable], values[solvable])[..., 0]
    return matrix
