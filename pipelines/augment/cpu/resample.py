"""Executes the geometry of one image, by one resampling."""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from fitfeed.pipelines.arrays.types import Floats, Integers, Size
from fitfeed.pipelines.augment.cpu.interpolation import PLAIN, Sampling
from fitfeed.pipelines.augment.cpu.warp import halve, halvings, nearest, warp
from fitfeed.schemas.payload import Pixels

ALIGNED = 1e-6
"""Two places closer than this, in pixels, are the same: far above rounding errors, far below what is visible."""


@dataclass(frozen=True, slots=True)
class CropResize:
    """The geometry of one image: a crop, resizing and flips, or one warp by a matrix.

    Attributes:
        box: Top, left, height, width of the source rectangle that is shown, in source pixels. With
            a matrix: the rectangle around what is shown, which may extend out of the source.
        flip: Whether it is mirrored vertically (top to bottom) and horizontally. False with a matrix.
        size: Height and width of the output.
        matrix: Nine numbers by rows, from output to source as in `Geometry`. None if box and flip are
            enough: without rotation, shear, perspective and parts outside the source.
        sampling: How pixels are fetched.
    """

    box: tuple[float, float, float, float]
    flip: tuple[bool, bool]
    size: Size
    matrix: tuple[float, ...] | None = None
    sampling: Sampling = PLAIN

    @classmethod
    def whole(cls, height: int, width: int) -> "CropResize":
        """Makes the geometry that shows an image as it is."""
        return cls((0.0, 0.0, float(height), float(width)), (False, False), (height, width))

    def within(self, first: int, shrink: int) -> "CropResize":
        """Makes the geometry with the same output from a source that was decoded in part.

        Args:
            first: The first row of the source that was decoded.
            shrink: How many times the decoded part is smaller: its pixel i covers pixels i * shrink to
                (i + 1) * shrink of the source, from row `first` on.
        """
        top, left, height, width = self.box
        box = ((top - first) / shrink, left / shrink, height / shrink, width / shrink)
        if self.matrix is None:
            return CropResize(box, self.flip, self.size, None, self.sampling)
        smaller = np.array([[1, 0, 0], [0, 1, -first], [0, 0, shrink]]) @ self.full_matrix()
        return replace(self, box=box, matrix=tuple((smaller / smaller[2, 2]).ravel().tolist()))

    @property
    def flip_code(self) -> int | None:
        """OpenCV's code of the flip: 0 vertical, 1 horizontal, -1 both; None without a flip."""
        vertical, horizontal = self.flip
        if vertical:
            return -1 if horizontal else 0
        return 1 if horizontal else None

    def full_matrix(self) -> Floats:
        """Computes the matrix from output to source: float64 (3, 3)."""
        if self.matrix is not None:
            return np.array(self.matrix).reshape(3, 3)
        top, left, height, width = self.box
        y, x = height / self.size[0], width / self.size[1]
        if self.flip[0]:
            y, top = -y, top + height
        if self.flip[1]:
            x, left = -x, left + width
        return np.array([[x, 0.0, left], [0.0, y, top], [0.0, 0.0, 1.0]])

    def size_of(self, pixels: Pixels) -> Size:
        """Returns (height, width) of the output."""
        return self.size

    def apply(self, pixels: Pixels, out: Pixels) -> Pixels:
        """Resamples the image; see `resample`."""
        return resample(pixels, self, out)


def resample(pixels: Pixels, view: CropResize, out: Pixels | None = None) -> Pixels:
    """Resamples an image by a geometry.

    Without a matrix it crops, resizes bilinearly and flips. A side that shrinks to half or less is
    averaged first, as bilinear interpolation would skip pixels there. A box that already has its output
    size is copied. With a matrix it does one warp.

    Args:
        pixels: uint8 or uint16 (H, W, C).
        view: Geometry of this image.
        out: (*view.size, C) of the same type, C-contiguous, to be written. None: a new array, or a
            view of `pixels` if nothing has to be done.

    Returns:
        (*view.size, C), of the same type; `out` if given.
    """
    height, width = view.size
    shape = (height, width, pixels.shape[2])
    if view.sampling.interpolation == "nearest":
        return resample_nearest(pixels, view, view.sampling, out)
    if view.matrix is not None:
        out = np.empty(shape, pixels.dtype) if out is None else out
        warp(pixels, view.full_matrix(), view.sampling, out)
        return out
    code = view.flip_code
    crop, times, fraction = _crop(pixels, view)
    if crop.shape == shape and fraction is None:
        if code is not None:
            out = np.empty(shape, pixels.dtype) if out is None else out
            cv2.flip(crop, code, dst=out)
            return out
        if out is None:
            return crop
        np.copyto(out, crop)
        return out

    out = np.empty(shape, pixels.dtype) if out is None else out
    if fraction is None:
        cv2.resize(halve(crop, times), (width, height), dst=out, interpolation=cv2.INTER_LINEAR)
    else:
        warp(crop, fraction, PLAIN, out)
    if code is not None:
        cv2.flip(out, code, dst=out)
    return out


def resample_nearest(
    pixels: Pixels, view: CropResize, sampling: Sampling, out: Pixels | None = None
) -> Pixels:
    """Resamples an image with nearest neighbor: for masks, whose values must not be mixed.

    Args:
        pixels: uint8 or uint16 (H, W, C).
        view: Geometry of this image.
        sampling: What is outside the source.
        out: (*view.size, C) of the same type, to be written. None: a new array.

    Returns:
        (*view.size, C) of the same type; `out` if given.
    """
    shape = (*view.size, pixels.shape[2])
    out = np.empty(shape, pixels.dtype) if out is None else out
    matrix = view.full_matrix()
    if view.matrix is None:
        rows = _places(view.size[0], matrix[1, 1], matrix[1, 2], pixels.shape[0])
        columns = _places(view.size[1], matrix[0, 0], matrix[0, 2], pixels.shape[1])
        np.take(np.take(pixels, rows, axis=0), columns, axis=1, out=out)
        return out
    nearest(pixels, matrix, sampling, out)
    return out


def _places(count: int, scale: float, start: float, limit: int) -> Integers:
    places = np.floor((np.arange(count) + 0.5) * scale + start).astype(np.int64)
    inside: Integers = np.clip(places, 0, limit - 1)  # a box of fractional pixels may end within the last one
    return inside


def _crop(pixels: Pixels, view: CropResize) -> tuple[Pixels, tuple[int, int], Floats | None]:
    """Returns the part of the image that is shown; or all of it, with the matrix from the output.

    Between the two is how often rows and columns of that part are halved before resizing.

    The matrix is needed where pixels do not line up: a crop of a resized image has a box of fractional
    pixels, and an odd number of pixels cannot be halved. Rounding the box would shift the image.
    """
    top, left, height, width = view.box
    first, start = round(top), round(left)
    last, stop = max(first + 1, round(top + height)), max(start + 1, round(left + width))
    crop = pixels[first:last, start:stop]
    off = max(abs(top - first), abs(left - start), abs(top + height - last), abs(left + width - stop))
    rows, columns = crop.shape[:2]
    times = halvings(rows / view.size[0]), halvings(columns / view.size[1])
    if off < ALIGNED and rows % 2 ** times[0] == columns % 2 ** times[1] == 0:
        return crop, times, None
    y, x = height / view.size[0], width / view.size[1]
    return pixels, times, np.array([[x, 0.0, left], [0.0, y, top], [0.0, 0.0, 1.0]])
