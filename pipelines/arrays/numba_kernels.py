"""Loops over pixels, compiled by Numba, where OpenCV has no function or needs several calls.

The loops release the interpreter lock. Each is compiled when it is first called, in less than a
second, and Numba's cache keeps the machine code for later runs. Importing this module imports Numba,
so its users import it late.

Products and sums are not fused, so all processors compute the same numbers.
"""

import math
from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numpy as np
import numpy.typing as npt

from fitfeed.pipelines.arrays.types import Floats
from fitfeed.schemas.payload import Pixels

F = TypeVar("F", bound=Callable[..., Any])

ZERO, BRIGHTEST = np.float32(0), np.float32(255)


def compiled(function: F) -> F:
    """Compiles a function, and caches the machine code if there is a folder to write it to."""
    # Pixels are never NaN, and the sign of zero does not matter: so a minimum is one instruction.
    options: dict[str, Any] = {
        "nogil": True,
        "forceinline": True,
        "error_model": "numpy",
        "fastmath": {"nnan", "nsz"},
    }
    try:
        return numba.njit(cache=True, **options)(function)  # type: ignore[no-any-return]
    except RuntimeError:  # neither the folder of this file nor the user's cache can be written to
        return numba.njit(**options)(function)  # type: ignore[no-any-return]


@compiled
def recolor(
    pixels: Pixels, matrix: Floats, mean: Floats, hue_shift: float, saturation_scale: float, out: Pixels
) -> None:
    """Transforms colors linearly, clips them, shifts their hue and multiplies their saturation.

    Args:
        pixels: uint8 (rows, columns * 3): red, green, blue, red, ...
        matrix: float64 (3, 4), to be multiplied by (red, green, blue, 1).
        mean: float64 (3, 3), to be multiplied by the image's mean color; the product is added.
        hue_shift: Added to the hue, in turns.
        saturation_scale: Multiplies the saturation, >= 0.
        out: uint8 (rows, columns * 3); may be `pixels`.
    """
    sixths = 6 * (hue_shift - math.floor(hue_shift))
    thirds = math.floor(sixths / 2 + 0.5)
    # The hue is shifted by a whole number of thirds of a turn first, which only exchanges channels. The
    # rest is at most one sixth of a turn in either direction, which `_shift_hue` does.
    rotated, about_mean, mixes = np.empty((3, 4), np.float32), False, False
    for i in range(3):
        for j in range(3):
            about_mean |= mean[i, j] != 0
    average = _mean(pixels) if about_mean else np.zeros(3)
    for i in range(3):
        row = (i + thirds) % 3  # by a third of a turn, red becomes green, green blue and blue red
        for j in range(3):
            rotated[row, j] = matrix[i, j]
            mixes |= row != j and matrix[i, j] != 0
        rotated[row, 3] = (
            matrix[i, 3] + mean[i, 0] * average[0] + mean[i, 1] * average[1] + mean[i, 2] * average[2]
        )
    if hue_shift == 0 and saturation_scale == 1 and not mixes:
        _scale_and_round(pixels, rotated, out)
    else:
        _mix_and_shift_hue(pixels, rotated, mixes, sixths - 2 * thirds, saturation_scale, out)


@compiled
def _mean(pixels: Pixels) -> Floats:
    """Returns the mean color, float64 (3,), of pixels uint8 (rows, columns * 3)."""
    height, width = pixels.shape
    totals = np.zeros(3, np.int64)
    for first in range(0, height, 256):  # rows whose sum fits into 16 bits
        sums = np.zeros(width, np.uint16)
        for y in range(first, min(first + 256, height)):
            row = pixels[y]
            for x in range(width):
                sums[x] += row[x]
        for x in range(width):
            totals[x % 3] += sums[x]
    average: Floats = totals / (height * width // 3)
    return average


# Loops that may read and write the same memory are not vectorized. So each row is computed in other memory.


@compiled
def _scale_and_round(pixels: Pixels, matrix: npt.NDArray[np.float32], out: Pixels) -> None:
    """Recolors images whose channels do not mix; see `recolor`. `matrix`: float32 (3, 4)."""
    height, width = pixels.shape
    factors, shifts, rounded = (
        np.empty(width, np.float32),
        np.empty(width, np.float32),
        np.empty(width, np.uint8),
    )
    for x in range(width):
        factors[x], shifts[x] = matrix[x % 3, x % 3], matrix[x % 3, 3]
    for y in range(height):
        source, target = pixels[y], out[y]
        for x in range(width):
            rounded[x] = _rounded(_clipped(np.float32(source[x]) * factors[x] + shifts[x]))
        for x in range(width):
            target[x] = rounded[x]


@compiled
def _mix_and_shift_hue(
    pixels: Pixels,
    matrix: npt.NDArray[np.float32],
    mixes: bool,
    sixths: float,
    saturation_scale: float,
    out: Pixels,
) -> None:
    """Recolors images whose hue is shifted by at most one sixth of a turn; see `recolor`.

    Args:
        pixels: uint8 (rows, columns * 3).
        matrix: float32 (3, 4).
        mixes: Whether channels mix.
        sixths: Added to the hue, in sixths of a turn, from -1 to 1.
        saturation_scale: Multiplies the saturation, >= 0.
        out: uint8 (rows, columns * 3); may be `pixels`.
    """
    m00, m01, m02, m03 = matrix[0, 0], matrix[0, 1], matrix[0, 2], matrix[0, 3]
    m10, m11, m12, m13 = matrix[1, 0], matrix[1, 1], matrix[1, 2], matrix[1, 3]
    m20, m21, m22, m23 = matrix[2, 0], matrix[2, 1], matrix[2, 2], matrix[2, 3]
    changes_hue, columns = sixths != 0 or saturation_scale != 1, pixels.shape[1] // 3
    reds, greens, blues = np.empty((3, columns), np.float32)
    for y in range(pixels.shape[0]):
        source, target = pixels[y], out[y]
        if mixes:
            for x in range(columns):
                r, g, b = (
                    np.float32(source[3 * x]),
                    np.float32(source[3 * x + 1]),
                    np.float32(source[3 * x + 2]),
                )
                reds[x] = _clipped(m00 * r + m01 * g + m02 * b + m03)
                greens[x] = _clipped(m10 * r + m11 * g + m12 * b + m13)
                blues[x] = _clipped(m20 * r + m21 * g + m22 * b + m23)
        else:
            for x in range(columns):
                reds[x] = _clipped(m00 * np.float32(source[3 * x]) + m03)
                greens[x] = _clipped(m11 * np.float32(source[3 * x + 1]) + m13)
                blues[x] = _clipped(m22 * np.float32(source[3 * x + 2]) + m23)
        if changes_hue:
            _shift_hue(reds, greens, blues, sixths, np.float32(saturation_scale))
        for x in range(columns):
            target[3 * x] = _rounded(reds[x])
            target[3 * x + 1] = _rounded(greens[x])
            target[3 * x + 2] = _rounded(blues[x])


@compiled
def _shift_hue(
    reds: npt.NDArray[np.float32],
    greens: npt.NDArray[np.float32],
    blues: npt.NDArray[np.float32],
    sixths: float,
    saturation_scale: np.float32,
) -> None:
    """Changes hue and saturation in place, as HSV defines them, but without converting anything.

    The three channels are float32 (columns,). On the circle of hues they follow each other as red,
    green, blue. Let c be the chroma of a color (largest minus least channel), and t the shift in sixths.
    Each channel then moves by at most c * t toward the channel that precedes it, and never past it. It
    moves by less where it is above the next channel (or below it, moving up): the largest and the least
    channel keep their place for the first part of the way.

    A saturation multiplied by g multiplies the distance of each channel to the largest one by g.
    """
    share = np.float32(abs(sixths))
    for x in range(reds.size):
        red, green, blue = reds[x], greens[x], blues[x]
        value = max(max(red, green), blue)
        most = share * (value - min(min(red, green), blue))
        if sixths < 0:
            red, green, blue = (
                _moved(red, blue, green, most),
                _moved(green, red, blue, most),
                _moved(blue, green, red, most),
            )
        else:
            red, green, blue = (
                _moved(red, green, blue, most),
                _moved(green, blue, red, most),
                _moved(blue, red, green, most),
            )
        reds[x] = max(value - saturation_scale * (value - red), ZERO)
        greens[x] = max(value - saturation_scale * (value - green), ZERO)
        blues[x] = max(value - saturation_scale * (value - blue), ZERO)


@compiled
def _moved(value: np.float32, following: np.float32, preceding: np.float32, most: np.float32) -> np.float32:
    """Moves a channel toward the one that precedes it on the circle of hues, by at most `most`."""
    lead = min(max(value - following, -most), most)
    down = max(lead, ZERO) - most
    return min(max(preceding, value + down), value + (lead - down))


@compiled
def _clipped(value: np.float32) -> np.float32:
    return min(max(value, ZERO), BRIGHTEST)


@compiled
def _rounded(value: np.float32) -> np.uint8:
    return np.uint8(np.int32(np.rint(value)))
