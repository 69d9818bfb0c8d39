"""Resizes images. They shrink by averaging areas: each new pixel is the mean of the part that it covers."""

from collections.abc import Callable

import cv2
import numpy as np
from PIL import Image

from fitfeed.converters.images.sixteen_bit import to_luma, to_uint16
from fitfeed.converters.option_parts.storage import StorageOptions
from fitfeed.converters.rejects import ImageError
from fitfeed.schemas.payload import Pixels

cv2.setNumThreads(1)  # there is one process for each CPU, so threads of OpenCV would only compete with them

NUDGE = 1 - 1e-9
"""If a new pixel begins exactly on the border of two old ones, OpenCV may take the previous one, because it rounds. With a
scale that is smaller by this, too little to change a weight, it takes the right one."""


def shrink(pixels: Pixels, height: int, width: int) -> Pixels:
    """Shrinks an image by averaging areas.

    If the result has more than half the size, it takes two steps, for which OpenCV has vector instructions. First it
    enlarges to twice the target by areas: a quarter of a new pixel is inside at most 2 x 2 old ones, so it is a weighted
    mean of these four. Then it takes the mean of every 2 x 2. That is the same average, rounded twice. It is within 1 of the exact one (in 16 bits, too),
    and at 58 dB. `cv2.INTER_AREA` alone is within 0.5 and at 59 dB, but takes 2.5 times as long. After JPEG at quality 90
    both are at 40 dB, and differ by 0.01 dB (means over photographs of 400 x 533 pixels, to 256).

    Args:
        pixels: uint8 or uint16 (height, width, channels).
        height: Height of the result, at most that of the image.
        width: Width of the result, at most that of the image.

    Returns:
        The result, of the same type, (height, width, channels).
    """
    old_height, old_width, channels = pixels.shape
    scaled = pixels
    if height < old_height < 2 * height and width < old_width < 2 * width:
        factors = {"fx": 2 * width / old_width * NUDGE, "fy": 2 * height / old_height * NUDGE}
        scaled = np.asarray(cv2.resize(pixels, None, interpolation=cv2.INTER_AREA, **factors), pixels.dtype)
    scaled = np.asarray(cv2.resize(scaled, (width, height), interpolation=cv2.INTER_AREA), pixels.dtype)
    return scaled.reshape(height, width, channels)  # OpenCV drops the channel axis of gray images


def resize(pixels: Pixels, options: StorageOptions) -> Pixels:
    """Resizes pixels to `options.size`, as `options.fit` says.

    It shrinks by averaging areas, without aliasing, and enlarges by bilinear interpolation.

    Args:
        pixels: uint8 or uint16 (height, width, channels).
        options: How.

    Raises:
        ImageError: If an extreme aspect ratio would make the result larger than `max_pixels`.
    """
    return _fit(pixels, options, _scale, _background(options))


def resize_mask(mask: Pixels, options: StorageOptions) -> Pixels:
    """Resizes a mask as its image, by nearest neighbor, and pads it with 0.

    Args:
        mask: uint8 (height, width, 1).
        options: As for the image.

    Raises:
        ImageError: As for the image.
    """
    return _fit(mask, options, _scale_nearest, (0,))


def _fit(
    pixels: Pixels,
    options: StorageOptions,
    scale_to: Callable[[Pixels, int, int], Pixels],
    color: tuple[int, ...],
) -> Pixels:
    if options.size is None:
        return pixels
    height, width = pixels.shape[:2]
    target_height, target_width = options.size
    if options.fit == "stretch":
        return scale_to(pixels, target_height, target_width)
    ratios = (target_height / height, target_width / width)
    scale = min(ratios) if options.fit == "contain" else max(ratios)
    new_height, new_width = max(1, round(height * scale)), max(1, round(width * scale))
    if new_height * new_width > options.max_pixels:
        detail = f"{width} x {height} pixels would become {new_width} x {new_height}, more than the {options.max_pixels} allowed; --max-pixels {new_height * new_width} or another --fit takes it"
        raise ImageError("bomb", detail)
    scaled = scale_to(pixels, new_height, new_width)
    if options.fit == "cover":
        top, left = (new_height - target_height) // 2, (new_width - target_width) // 2
        return np.ascontiguousarray(scaled[top : top + target_height, left : left + target_width])
    if options.fit == "contain":
        return _pad(scaled, options.size, color)
    return scaled


def _scale(pixels: Pixels, height: int, width: int) -> Pixels:
    if pixels.shape[:2] == (height, width):
        return pixels
    if height <= pixels.shape[0] and width <= pixels.shape[1]:
        return shrink(pixels, height, width)
    scaled = np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LINEAR), pixels.dtype)
    return scaled.reshape(height, width, pixels.shape[2])  # OpenCV drops the channel axis of gray images


def _scale_nearest(pixels: Pixels, height: int, width: int) -> Pixels:
    """Pixel (y, x) gets the source pixel in which its center is: (y + 0.5, x + 0.5), scaled."""
    rows = (2 * np.arange(height) + 1) * pixels.shape[0] // (2 * height)
    columns = (2 * np.arange(width) + 1) * pixels.shape[1] // (2 * width)
    return np.ascontiguousarray(pixels[rows[:, np.newaxis], columns])


def _pad(pixels: Pixels, size: tuple[int, int], color: tuple[int, ...]) -> Pixels:
    height, width = size
    canvas = np.empty((height, width, pixels.shape[2]), pixels.dtype)
    canvas[:] = color
    top, left = (height - pixels.shape[0]) // 2, (width - pixels.shape[1]) // 2
    canvas[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
    return canvas


def _background(options: StorageOptions) -> tuple[int, ...]:
    """The color that `contain` pads with, one value for each channel."""
    if options.depth == 16:
        color = to_uint16(np.array([[options.background]], np.uint8))
        return tuple((color if options.channels == 3 else to_luma(color)).ravel().tolist())
    if options.channels == 3:
        return options.background
    gray = Image.new("RGB", (1, 1), options.background).convert("L")
    return (int(np.asarray(gray)[0, 0]),)
