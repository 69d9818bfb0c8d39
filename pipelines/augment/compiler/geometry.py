"""Composes geometric operations of n images to matrices, for the whole batch at once.

A matrix maps places in the output to places in the source, which is the direction that resampling needs:
for each output pixel it asks where to fetch it. So a new operation is multiplied from the right:

    source image              shown so far               after one more operation
    (H, W)                    geometry.size              the new size
         <------ matrix ------      <------ operation ------
         <------------------ matrix @ operation ------------

Pixels are fetched once, by the product of all matrices, so their number does not blur the image.
"""

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from typing_extensions import override

from fitfeed.pipelines.arrays.types import Bools, Floats, Integers, Size
from fitfeed.pipelines.augment.base import Augmentation, PlanBuilder
from fitfeed.pipelines.augment.cpu.interpolation import Sampling
from fitfeed.pipelines.augment.cpu.resample import ALIGNED, CropResize


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """The composed geometry of n images.

    Coordinates are (x, y) and continuous. Pixel i covers i to i + 1, so its center is at i + 0.5:

        pixel         |   0   |   1   |   2   |
        coordinate    0  0.5  1  1.5  2  2.5  3

    Attributes:
        matrix: float64 (n, 3, 3): from places in the output to places in the source, homogeneous.
        size: int64 (n, 2): height and width of the output.
    """

    matrix: Floats
    size: Integers

    @classmethod
    def whole(cls, heights: npt.ArrayLike, widths: npt.ArrayLike) -> Self:
        """Makes the geometry that shows whole images as they are. `heights`, `widths`: integers (n,)."""
        size = np.stack([heights, widths], axis=1).astype(np.int64)
        return cls(matrix=np.broadcast_to(np.eye(3), (len(size), 3, 3)), size=size)

    def transform(self, matrix: Floats) -> Self:
        """Adds a matrix, float64 (n, 3, 3), from places in the new output to places in the present one."""
        return replace(self, matrix=self.matrix @ matrix)

    def transform_pixels(self, matrix: Floats) -> Self:
        """Adds a matrix as `transform`, between pixel numbers: the center of the first pixel is 0, not 0.5."""
        return self.transform(move(0.5, 0.5) @ matrix @ move(-0.5, -0.5))

    def crop(self, top: Integers, left: Integers, height: Integers, width: Integers) -> Self:
        """Shows a part of what is shown now. All arguments: int64 (n,), in pixels of the present output."""
        cropped = self.transform(move(left, top))
        return replace(cropped, size=np.stack([height, width], axis=1).astype(np.int64))

    def resize(self, height: int, width: int) -> Self:
        """Shows the same part at another size."""
        scale = self.size / np.array([height, width])
        resized = self.transform(diagonal(scale[:, 1], scale[:, 0]))
        return replace(resized, size=np.array([height, width]) + 0 * self.size)

    def mirror(self, vertical: Bools, horizontal: Bools) -> Self:
        """Flips what is shown now, where the argument is true: bool (n,)."""
        height, width = self.size.T
        x, right = np.where(horizontal, -1.0, 1.0), np.where(horizontal, width, 0.0)
        y, bottom = np.where(vertical, -1.0, 1.0), np.where(vertical, height, 0.0)
        return self.transform(matrices(x, 0, right, 0, y, bottom, 0, 0, 1))

    @property
    def box(self) -> Floats:
        """float64 (n, 4): top, left, height, width of the smallest source rectangle around what is shown."""
        height, width = self.size.T.astype(np.float64)
        zero = np.zeros_like(height)
        corners = np.stack(
            [
                [zero, zero, zero + 1],
                [width, zero, zero + 1],
                [zero, height, zero + 1],
                [width, height, zero + 1],
            ]
        )
        x, y, w = np.moveaxis(self.matrix @ corners.transpose(2, 1, 0), 1, 0)  # each (n, 4)
        x, y = x / w, y / w
        top, left = y.min(axis=1), x.min(axis=1)
        return np.stack([top, left, y.max(axis=1) - top, x.max(axis=1) - left], axis=1)

    def views(self, source: Integers, samplings: list[Sampling]) -> list[CropResize | None]:
        """Makes the pass of each image, of plain numbers; None where it would change nothing.

        Args:
            source: int64 (n, 2), heights and widths of the source images.
            samplings: How the pixels of each image are fetched.
        """
        # A geometry is aligned if the entries for rotation, shear and perspective do not even move the far
        # border. Aligned and inside the source, it is a crop with a flip, which is the fast way. If that
        # crop is the whole image at its own size, nothing would change.
        extent = self.size.max(axis=1)[:, None]
        off = self.matrix[:, [0, 1, 2, 2], [1, 0, 0, 1]]
        box = self.box
        inside = (box[:, :2] > -ALIGNED).all(axis=1) & (box[:, :2] + box[:, 2:] < source + ALIGNED).all(
            axis=1
        )
        aligned = (np.abs(off) * extent < ALIGNED).all(axis=1)
        flip = self.matrix[:, [1, 0], [1, 0]] < 0
        whole = aligned & inside & ~flip.any(axis=1) & (self.size == source).all(axis=1)
        whole &= (np.abs(box[:, :2]) < ALIGNED).all(axis=1) & (np.abs(box[:, 2:] - source) < ALIGNED).all(
            axis=1
        )
        rows = zip(
            map(tuple, box.tolist()),
            map(tuple, flip.tolist()),
            map(tuple, self.size.tolist()),
            self.matrix.reshape(-1, 9).tolist(),
            (aligned & inside).tolist(),
            whole.tolist(),
            samplings,
            strict=True,
        )
        return [
            None
            if whole
            else CropResize(
                box, flip if simple else (False, False), size, None if simple else tuple(matrix), sampling
            )
            for box, flip, size, matrix, simple, whole, sampling in rows
        ]


UNITS = np.eye(9).reshape(9, 3, 3)
"""float64 (9, 3, 3): matrix i has a 1 at entry i, counted by rows, and zeros elsewhere."""


def matrices(*entries: Any) -> Floats:
    """Makes matrices, float64 (n, 3, 3) or (3, 3), from nine entries by rows: numbers or arrays (n,).

    Nothing is written in place, so the entries may be arrays of a device (`fitfeed.pipelines.device.array`).
    """
    constant = [entry if isinstance(entry, int | float) else 0.0 for entry in entries]
    total: Any = np.array(constant, np.float64).reshape(3, 3)
    for entry, unit in zip(entries, UNITS, strict=True):
        if not isinstance(entry, int | float):
            total = total + entry[..., None, None] * unit
    return total  # type: ignore[no-any-return]


def move(x: Any, y: Any) -> Floats:
    """Makes matrices, float64 (n, 3, 3) or (3, 3), that add x and y to places."""
    return matrices(1, 0, x, 0, 1, y, 0, 0, 1)


def diagonal(x: Any, y: Any) -> Floats:
    """Makes matrices, float64 (n, 3, 3) or (3, 3), that multiply places by x and y."""
    return matrices(x, 0, 0, 0, y, 0, 0, 0, 1)


def about_center(geometry: Geometry, matrix: Floats) -> Floats:
    """Makes matrices that act about the center of what is shown; `matrix`: float64 (n, 3, 3)."""
    y, x = geometry.size.T / 2
    return move(x, y) @ matrix @ move(-x, -y)


class GeometricAugmentation(Augmentation):
    """An operation that moves pixels without changing them: a function from geometry to geometry."""

    @property
    def sampling(self) -> Sampling | None:
        """How pixels are fetched. None: as the operations that it fuses with say."""
        return None

    @abstractmethod
    def move(self, geometry: Geometry, parameters: Floats, *, image_size: Size | None) -> Geometry:
        """Adds this augmentation to the geometry of n images.

        Args:
            geometry: The geometry of n images so far.
            parameters: float64 (n, parameters), from `sample`.
            image_size: The `image_size` of the pipeline, if given.
        """

    @override
    def add_to(self, plan: PlanBuilder, rows: Integers, parameters: Floats) -> None:
        plan.move(self, rows, parameters)
