"""Resamples an image by a matrix from places in the output to places in the source, as in `Geometry`."""

import math

import cv2
import numpy as np

from fitfeed.pipelines.arrays.buffer_pool import SCRATCH
from fitfeed.pipelines.arrays.types import Floats, Size
from fitfeed.pipelines.augment.cpu.interpolation import BORDERS, Sampling
from fitfeed.schemas.bit_depth import unit_of
from fitfeed.schemas.payload import Pixels


def warp(pixels: Pixels, matrix: Floats, sampling: Sampling, out: Pixels) -> None:
    """Interpolates each output pixel; averages first where a side shrinks to half or less.

    Args:
        pixels: uint8 or uint16 (H, W, C).
        matrix: float64 (3, 3).
        sampling: What is outside the source.
        out: (height, width, C) of the same type, to be written.
    """
    size = (out.shape[0], out.shape[1])
    shrink = _shrink(matrix, size)
    pixels, matrix = _part(pixels, matrix, size, sampling, margin=math.ceil(max(shrink)) + 1)
    # The short side of a long thin image may shrink by more than it has: turned, it is as short as one pixel.
    columns, rows = (
        min(halvings(ratio), most_halvings(side))
        for ratio, side in zip(shrink, (pixels.shape[1], pixels.shape[0]), strict=True)
    )
    if rows or columns:
        pixels, matrix = halve(pixels, (rows, columns)), np.diag([0.5**columns, 0.5**rows, 1.0]) @ matrix
    interpolate(pixels, matrix, sampling, out)


def interpolate(pixels: Pixels, matrix: Floats, sampling: Sampling, out: Pixels) -> None:
    """Interpolates bilinearly; arguments as in `warp`.

    OpenCV interpolates four channels more than twice as fast as three, and handles pixels outside the
    image one by one. So color images get a fourth channel, and an image gets a border if one is needed.
    These copies cost a tenth of what they save.
    """
    border, value = BORDERS[sampling.fill_mode], [sampling.fill_value * unit_of(pixels)] * 4
    top, bottom, left, right = _margins(matrix, (out.shape[0], out.shape[1]), pixels)
    colors = pixels.shape[2] == 3
    height, width = pixels.shape[:2]
    wide = pixels
    if colors:
        wide = SCRATCH.take("wide", (height, width, 4), pixels.dtype)
        cv2.cvtColor(pixels, cv2.COLOR_RGB2RGBA, wide)
    if top or bottom or left or right:
        shape = (height + top + bottom, width + left + right, wide.shape[2])
        bordered = SCRATCH.take("bordered", shape, pixels.dtype)
        wide = cv2.copyMakeBorder(wide, top, bottom, left, right, border, bordered, value)  # type: ignore[assignment]
        matrix = np.array([[1.0, 0, left], [0, 1, top], [0, 0, 1]]) @ matrix
    if colors:
        target = SCRATCH.take("warped", (*out.shape[:2], 4), pixels.dtype)
        _transform(wide, matrix, cv2.INTER_LINEAR, sampling, target)
        cv2.cvtColor(target, cv2.COLOR_RGBA2RGB, out)
    else:
        _transform(wide, matrix, cv2.INTER_LINEAR, sampling, out)


def nearest(pixels: Pixels, matrix: Floats, sampling: Sampling, out: Pixels) -> None:
    """Takes the nearest pixel; arguments as in `warp`."""
    _transform(pixels, matrix, cv2.INTER_NEAREST, sampling, out)


def _shrink(matrix: Floats, size: Size) -> tuple[float, float]:
    """Returns source pixels per output pixel, along x and y of the source, at the center of the output."""
    a, b, c, d, e, f, g, h, i = matrix.ravel().tolist()
    x, y = size[1] / 2, size[0] / 2
    w = g * x + h * y + i
    u, v = (a * x + b * y + c) / w, (d * x + e * y + f) / w
    return math.hypot(a - u * g, b - u * h) / abs(w), math.hypot(d - v * g, e - v * h) / abs(w)


def _extent(matrix: Floats, size: Size) -> tuple[float, float, float, float] | None:
    """Returns top, bottom, left and right of all places that are fetched; None with perspective."""
    a, b, c, d, e, f, g, h, _ = matrix.ravel().tolist()
    if g or h:
        return None
    height, width = size
    left, right = c + min(0, a * width) + min(0, b * height), c + max(0, a * width) + max(0, b * height)
    top, bottom = f + min(0, d * width) + min(0, e * height), f + max(0, d * width) + max(0, e * height)
    return top, bottom, left, right


def _part(
    pixels: Pixels, matrix: Floats, size: Size, sampling: Sampling, *, margin: int
) -> tuple[Pixels, Floats]:
    """Returns the part of the image that is needed, and the matrix to it: later steps read all they are given."""
    extent = _extent(matrix, size)
    if extent is None:
        return pixels, matrix
    top, bottom = _span(*extent[:2], pixels.shape[0], sampling.fill_mode, margin)
    left, right = _span(*extent[2:], pixels.shape[1], sampling.fill_mode, margin)
    if (bottom - top, right - left) == pixels.shape[:2]:
        return pixels, matrix
    return pixels[top:bottom, left:right], np.array([[1.0, 0, -left], [0, 1, -top], [0, 0, 1]]) @ matrix


def _span(low: float, high: float, side: int, fill_mode: str, margin: int) -> tuple[int, int]:
    """Returns first and last pixel of a side that show between two places."""
    low, high = low - 0.5, high + 0.5  # between the centers of two pixels, both show
    first, last = max(0, math.floor(low) - margin), min(side, math.ceil(high) + margin)
    # Outside is a copy of the inside: of the border pixel, of the mirrored side, or of the other end.
    if fill_mode == "wrap" and (low < 0 or high > side):
        return 0, side
    if low < 0:
        last = max(last, min(side, math.ceil(-low) + margin))
    if high > side:
        first = min(first, max(0, side - math.ceil(high - side) - margin))
    return first, last


def _margins(matrix: Floats, size: Size, pixels: Pixels) -> tuple[int, int, int, int]:
    """Returns how far outside the image pixels are fetched: top, bottom, left, right.

    All are 0 if one is large (copying a border would cost more than it saves), or with perspective.
    """
    extent = _extent(matrix, size)
    if extent is None:
        return 0, 0, 0, 0
    top, bottom, left, right = extent
    outside = (-top, bottom - pixels.shape[0], -left, right - pixels.shape[1])
    margins = [max(0, math.ceil(margin) + 1) for margin in outside]
    return (0, 0, 0, 0) if max(margins) > min(pixels.shape[:2]) / 2 else tuple(margins)  # type: ignore[return-value]


def _transform(pixels: Pixels, matrix: Floats, interpolation: int, sampling: Sampling, out: Pixels) -> None:
    # OpenCV counts from the center of the first pixel, half a pixel inside the image.
    matrix = matrix.copy()
    matrix[:, 2] += 0.5 * (matrix[:, 0] + matrix[:, 1])
    matrix[:2] -= 0.5 * matrix[2]
    flags = interpolation | cv2.WARP_INVERSE_MAP
    value = [sampling.fill_value * unit_of(pixels)] * 4
    border = BORDERS[sampling.fill_mode]
    size = (out.shape[1], out.shape[0])
    if matrix[2, 0] == matrix[2, 1] == 0 and matrix[2, 2] == 1:
        cv2.warpAffine(pixels, matrix[:2], size, out, flags, border, value)
    else:
        cv2.warpPerspective(pixels, matrix, size, out, flags, border, value)


def halvings(ratio: float) -> int:
    """Returns how often a side can be halved that shrinks by a ratio.

    A ratio that is only a rounding error below a power of two counts as that power.
    """
    return max(0, int(ratio * (1 + 1e-9)).bit_length() - 1)


def most_halvings(side: int) -> int:
    """Returns how often a side of some pixels can be halved until one pixel is left."""
    return side.bit_length() - 1


def halve(pixels: Pixels, times: tuple[int, int]) -> Pixels:
    """Averages pairs of rows and pairs of columns, several times. An odd last one is left out.

    Bilinear interpolation, which follows, then uses every pixel. For 460 x 390 pixels to 224 x 224 both
    take 140 microseconds. `cv2.INTER_AREA` takes 950: it has vector instructions only for whole factors
    along both sides.

    Args:
        pixels: uint8 or uint16 (H, W, C).
        times: How often rows, and how often columns are halved.

    Returns:
        (height, width, C) of the same type: `pixels` itself if nothing is to be done; otherwise memory
        of this thread, which is valid until the next call.
    """
    for level in range(max(times)):
        rows, columns = (2 if level < count else 1 for count in times)
        height, width, channels = pixels.shape
        smaller = (height // rows, width // columns)
        out = SCRATCH.take(f"halved {level % 2}", (*smaller, channels), pixels.dtype)
        # In the middle between two pixels, bilinear interpolation is their average.
        pairs = pixels[: smaller[0] * rows, : smaller[1] * columns]
        cv2.resize(pairs, smaller[::-1], dst=out, interpolation=cv2.INTER_LINEAR)
        pixels = out
    return pixels
