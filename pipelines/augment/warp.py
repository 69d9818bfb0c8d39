"""Resampling by a matrix, from places in the output to places in the source, as in `Geometry`."""

import math

import cv2
import numpy as np

from pipelines.augment.base import Floats, Size
from pipelines.augment.sampling import BORDERS, Sampling
from schemas.codec import Pixels


def warp(pixels: Pixels, matrix: Floats, sampling: Sampling, out: Pixels) -> None:
    """Interpolates each output pixel; averages first where a side shrinks to less than half.

    Args:
        pixels: uint8 (H, W, C).
        matrix: float64 (3, 3).
        sampling: What stands outside.
        out: uint8 (*, *, C), where to write.
    """
    shrink = _shrink(matrix, (out.shape[0], out.shape[1]))
    if max(shrink) >= 2:
        height, width = pixels.shape[:2]
        size = (max(1, round(width / max(1, int(shrink[0])))), max(1, round(height / max(1, int(shrink[1])))))
        reduced = np.empty((size[1], size[0], pixels.shape[2]), np.uint8)
        cv2.resize(pixels, size, dst=reduced, interpolation=cv2.INTER_AREA)
        matrix = np.diag([size[0] / width, size[1] / height, 1.0]) @ matrix
        pixels = reduced
    interpolate(pixels, matrix, sampling, out)


def interpolate(pixels: Pixels, matrix: Floats, sampling: Sampling, out: Pixels) -> None:
    """Bilinear interpolation; arguments as in `warp`.

    OpenCV interpolates four channels more than twice as fast as three, and pixels outside the image
    one by one. So colours get a fourth channel, and the image a border where one is needed: copies
    that cost a tenth of what they save.
    """
    border, value = BORDERS[sampling.fill_mode], [sampling.fill_value] * 4
    top, bottom, left, right = _margins(matrix, (out.shape[0], out.shape[1]), pixels)
    colors = pixels.shape[2] == 3
    wide = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2RGBA), np.uint8) if colors else pixels
    if top or bottom or left or right:
        wide = np.asarray(cv2.copyMakeBorder(wide, top, bottom, left, right, border, value=value), np.uint8)
        matrix = np.array([[1.0, 0, left], [0, 1, top], [0, 0, 1]]) @ matrix
    if colors:
        target = np.empty((*out.shape[:2], 4), np.uint8)
        _transform(wide, matrix, cv2.INTER_LINEAR, sampling, target)
        cv2.cvtColor(target, cv2.COLOR_RGBA2RGB, out)
    else:
        _transform(wide, matrix, cv2.INTER_LINEAR, sampling, out)


def pick(pixels: Pixels, matrix: Floats, sampling: Sampling, out: Pixels) -> None:
    """Takes the nearest pixel; arguments as in `warp`."""
    _transform(pixels, matrix, cv2.INTER_NEAREST, sampling, out)


def _shrink(matrix: Floats, size: Size) -> tuple[float, float]:
    """Source pixels per output pixel, along the source's x and y, at the centre of the output."""
    a, b, c, d, e, f, g, h, i = matrix.ravel().tolist()
    x, y = size[1] / 2, size[0] / 2
    w = g * x + h * y + i
    u, v = (a * x + b * y + c) / w, (d * x + e * y + f) / w
    return math.hypot(a - u * g, b - u * h) / abs(w), math.hypot(d - v * g, e - v * h) / abs(w)


def _margins(matrix: Floats, size: Size, pixels: Pixels) -> tuple[int, int, int, int]:
    """How far outside the image pixels are fetched: top, bottom, left, right.

    None where that is far (copying it all would cost more than it saves), or with perspective.
    """
    a, b, c, d, e, f, g, h, _ = matrix.ravel().tolist()
    if g or h:
        return 0, 0, 0, 0
    height, width = size
    left = c + min(0, a * width) + min(0, b * height)
    top = f + min(0, d * width) + min(0, e * height)
    right = c + max(0, a * width) + max(0, b * height) - pixels.shape[1]
    bottom = f + max(0, d * width) + max(0, e * height) - pixels.shape[0]
    margins = [max(0, math.ceil(margin) + 1) for margin in (-top, bottom, -left, right)]
    return (0, 0, 0, 0) if max(margins) > min(pixels.shape[:2]) / 2 else tuple(margins)  # type: ignore[return-value]


def _transform(pixels: Pixels, matrix: Floats, interpolation: int, sampling: Sampling, out: Pixels) -> None:
    # OpenCV counts from the centre of the first pixel, half a pixel inside the image.
    matrix = matrix.copy()
    matrix[:, 2] += 0.5 * (matrix[:, 0] + matrix[:, 1])
    matrix[:2] -= 0.5 * matrix[2]
    flags = interpolation | cv2.WARP_INVERSE_MAP
    value = [sampling.fill_value] * 4
    border = BORDERS[sampling.fill_mode]
    size = (out.shape[1], out.shape[0])
    if matrix[2, 0] == matrix[2, 1] == 0 and matrix[2, 2] == 1:
        cv2.warpAffine(pixels, matrix[:2], size, out, flags, border, value)
    else:
        cv2.warpPerspective(pixels, matrix, size, out, flags, border, value)
