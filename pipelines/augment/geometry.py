"""Where the pixels of an output image come from, and the one resampling that fetches them."""

from dataclasses import dataclass, replace
from typing import Self

import cv2
import numpy as np
import numpy.typing as npt

from schemas.codec import Pixels

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """The composed geometry of n images: the source box that is shown, mirrored, at a size.

    Attributes:
        box: float64 (n, 4): top, left, height, width in source pixels.
        flip: bool (n, 2): mirrored vertically (top to bottom), horizontally.
        size: int64 (n, 2): height and width of the output.
    """

    box: Floats
    flip: Bools
    size: Integers

    @classmethod
    def whole(cls, heights: npt.ArrayLike, widths: npt.ArrayLike) -> Self:
        """Shows whole images as they are. `heights`, `widths`: integers, shape (n,)."""
        size = np.stack([heights, widths], axis=1).astype(np.int64)
        box = np.concatenate([np.zeros(size.shape), size], axis=1)
        return cls(box=box, flip=np.zeros(size.shape, bool), size=size)

    def crop(self, top: Integers, left: Integers, height: Integers, width: Integers) -> Self:
        """Shows a part of what is shown now. All: integers of shape (n,), in present output pixels."""
        start, extent = np.stack([top, left], axis=1), np.stack([height, width], axis=1)
        start = np.where(self.flip, self.size - start - extent, start)
        scale = self.box[:, 2:] / self.size
        box = np.concatenate([self.box[:, :2] + start * scale, extent * scale], axis=1)
        return replace(self, box=box, size=extent)

    def resize(self, height: int, width: int) -> Self:
        """Shows the same box at another size."""
        return replace(self, size=np.broadcast_to(np.array([height, width]), self.size.shape))

    def mirror(self, vertical: Bools, horizontal: Bools) -> Self:
        """Flips what is shown now, where true. Both: bool (n,)."""
        return replace(self, flip=self.flip ^ np.stack([vertical, horizontal], axis=1))

    def rows(self) -> "list[View]":
        """The n geometries one by one, as plain numbers."""
        boxes, flips, sizes = self.box.tolist(), self.flip.tolist(), self.size.tolist()
        return [
            View(*row) for row in zip(map(tuple, boxes), map(tuple, flips), map(tuple, sizes), strict=True)
        ]


@dataclass(frozen=True, slots=True)
class View:
    """The geometry of one image; fields as in `Geometry`."""

    box: tuple[float, float, float, float]
    flip: tuple[bool, bool]
    size: tuple[int, int]

    @property
    def flip_code(self) -> int | None:
        """OpenCV's name of the mirroring: 0 vertical, 1 horizontal, -1 both."""
        vertical, horizontal = self.flip
        if vertical:
            return -1 if horizontal else 0
        return 1 if horizontal else None


def resample(pixels: Pixels, view: View, out: Pixels | None = None) -> Pixels:
    """Fetches the output image of a geometry: crops, resizes and flips in at most two passes.

    Bilinear; averaging over the source area (`INTER_AREA`) where a side shrinks to less than half,
    as bilinear would skip pixels there. A box that already has its size is copied, not resampled.

    Args:
        pixels: uint8 (H, W, C).
        view: Geometry of this image.
        out: uint8 (*view.size, C), C-contiguous, where to write. None: a new array, or a view of
            `pixels` where nothing has to be done.

    Returns:
        uint8 (*view.size, C); `out` if given.
    """
    height, width = view.size
    shape = (height, width, pixels.shape[2])
    code = view.flip_code
    crop, fraction = _crop(pixels, view)
    if crop.shape == shape and fraction is None:
        if code is not None:
            out = np.empty(shape, np.uint8) if out is None else out
            cv2.flip(crop, code, dst=out)
            return out
        if out is None:
            return crop
        np.copyto(out, crop)
        return out

    out = np.empty(shape, np.uint8) if out is None else out
    if fraction is None:
        cv2.resize(crop, (width, height), dst=out, interpolation=_interpolation(crop.shape, view.size))
    else:
        cv2.warpAffine(
            crop,
            fraction,
            (width, height),
            out,
            cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            cv2.BORDER_REPLICATE,
        )
    if code is not None:
        cv2.flip(out, code, dst=out)
    return out


def _crop(pixels: Pixels, view: View) -> tuple[Pixels, Floats | None]:
    """The part of the image that is needed, and the matrix from output to it where pixels do not line up.

    A crop of a resized image has a box of fractional pixels. Rounding it would shift the image by up
    to half a source pixel, which shows where the image is enlarged; where it shrinks to less than
    half, the shift is below a quarter of an output pixel.
    """
    top, left, height, width = view.box
    first, start = round(top), round(left)
    last, stop = max(first + 1, round(top + height)), max(start + 1, round(left + width))
    crop = pixels[first:last, start:stop]
    exact = (
        max(abs(top - first), abs(left - start), abs(top + height - last), abs(left + width - stop)) < 1e-6
    )
    if exact or _interpolation(crop.shape, view.size) == cv2.INTER_AREA:
        return crop, None
    y, x = height / view.size[0], width / view.size[1]
    # Pixel centres: output pixel i shows source coordinate (i + 0.5) * scale - 0.5.
    return pixels, np.array([[x, 0.0, left + 0.5 * x - 0.5], [0.0, y, top + 0.5 * y - 0.5]])


def _interpolation(source: tuple[int, ...], size: tuple[int, int]) -> int:
    y, x = source[0] / size[0], source[1] / size[1]
    return cv2.INTER_AREA if min(x, y) >= 1 and max(x, y) > 2 else cv2.INTER_LINEAR
