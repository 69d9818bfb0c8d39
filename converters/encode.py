"""Pixels to the payload that is stored: resize, then JPEG, PNG or raw bytes."""

import io
from collections.abc import Callable

import cv2
import numpy as np
from PIL import Image

from fitfeed.converters.decode import Decoded, ImageError
from fitfeed.converters.deep import encode_png as encode_deep_png
from fitfeed.converters.deep import grey_of, widen
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.shrink import shrink
from fitfeed.schemas.codec import Pixels, decode_payload
from fitfeed.schemas.depth import MAX_DEEP_SIDE, STORED_TYPES

MAX_JPEG_SIDE = 65_500
"""libjpeg's JPEG_MAX_DIMENSION, a little below what the format itself could hold."""


def encode_image(
    decoded: Decoded, data: bytes, options: ConvertOptions, *, want_pixels: bool
) -> tuple[bytes, tuple[int, int], Pixels | None]:
    """Turns a decoded image into what is stored.

    Args:
        decoded: What the file decodes to.
        data: The whole file.
        options: How to store it.
        want_pixels: Also return the pixels that a reader will decode, for the statistics.

    Returns:
        The payload, its (height, width), and its pixels as stored, uint8 or uint16 (height,
        width, channels), or None.

    Raises:
        ImageError: If it would become too large.
    """
    if options.encoding == "keep":
        payload = data if decoded.keepable else _encode_lossless(decoded.pixels)
        return payload, decoded.pixels.shape[:2], decoded.pixels
    pixels = resize(decoded, options)
    shape = pixels.shape[:2]
    if options.encoding == "raw":
        return pixels.astype(STORED_TYPES[options.depth], copy=False).tobytes(), shape, pixels
    if options.encoding == "png":
        return _encode_lossless(pixels), shape, pixels
    if max(shape) > MAX_JPEG_SIDE:
        detail = f"{shape[1]} x {shape[0]} pixels as stored is more than the {MAX_JPEG_SIDE} a side that JPEG can have; --encoding png or another --fit takes it"
        raise ImageError("unsupported_format", detail)
    payload = encode_jpeg(pixels, options.quality)
    # JPEG changes pixels: the statistics describe what readers get, so decode what was stored.
    return payload, shape, decode_payload(payload, channels=options.channels) if want_pixels else None


def resize(decoded: Decoded, options: ConvertOptions) -> Pixels:
    """Brings pixels to `options.size` in the way that `options.fit` says.

    Shrinking averages areas (no aliasing), enlarging interpolates bilinearly.

    Raises:
        ImageError: If an extreme aspect ratio would make the result larger than `max_pixels`.
    """
    return _fit(decoded.pixels, options, _scale, _background(options))


def resize_mask(mask: Pixels, options: ConvertOptions) -> Pixels:
    """Brings a mask to the size and place of its image: nearest neighbour, padded with 0.

    Args:
        mask: uint8 (height, width, 1).
        options: As for the image.

    Raises:
        ImageError: As for the image.
    """
    return _fit(mask, options, _scale_nearest, (0,))


def _fit(
    pixels: Pixels,
    options: ConvertOptions,
    scale_to: Callable[[Pixels, int, int], Pixels],
    colour: tuple[int, ...],
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
        detail = f"{width} x {height} pixels would become {new_width} x {new_height}, more than the {options.max_pixels} allowed"
        raise ImageError("bomb", detail)
    scaled = scale_to(pixels, new_height, new_width)
    if options.fit == "cover":
        top, left = (new_height - target_height) // 2, (new_width - target_width) // 2
        return np.ascontiguousarray(scaled[top : top + target_height, left : left + target_width])
    if options.fit == "contain":
        return _pad(scaled, options.size, colour)
    return scaled


def _scale(pixels: Pixels, height: int, width: int) -> Pixels:
    if pixels.shape[:2] == (height, width):
        return pixels
    if height <= pixels.shape[0] and width <= pixels.shape[1]:
        return shrink(pixels, height, width)
    scaled = np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LINEAR), pixels.dtype)
    return scaled.reshape(height, width, pixels.shape[2])  # OpenCV drops the channel axis of grey images


def _scale_nearest(pixels: Pixels, height: int, width: int) -> Pixels:
    """Pixel (y, x) shows the source pixel that its centre, (y + 0.5, x + 0.5) scaled, falls into."""
    rows = (2 * np.arange(height) + 1) * pixels.shape[0] // (2 * height)
    columns = (2 * np.arange(width) + 1) * pixels.shape[1] // (2 * width)
    return np.ascontiguousarray(pixels[rows[:, np.newaxis], columns])


def _pad(pixels: Pixels, size: tuple[int, int], colour: tuple[int, ...]) -> Pixels:
    height, width = size
    canvas = np.empty((height, width, pixels.shape[2]), pixels.dtype)
    canvas[:] = colour
    top, left = (height - pixels.shape[0]) // 2, (width - pixels.shape[1]) // 2
    canvas[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
    return canvas


def _background(options: ConvertOptions) -> tuple[int, ...]:
    """What `contain` pads with, a value for each channel."""
    if options.depth == 16:
        colour = widen(np.array([[options.background]], np.uint8))
        return tuple((colour if options.channels == 3 else grey_of(colour)).ravel().tolist())
    if options.channels == 3:
        return options.background
    grey = Image.new("RGB", (1, 1), options.background).convert("L")
    return (int(np.asarray(grey)[0, 0]),)


def _encode_lossless(pixels: Pixels) -> bytes:
    """Encodes uint8 or uint16 (height, width, 1 or 3) as PNG.

    Raises:
        ImageError: If it has more pixels a side than readers of 16-bit PNG take.
    """
    if pixels.dtype != np.uint16:
        return encode_png(pixels)
    height, width = pixels.shape[:2]
    if max(height, width) > MAX_DEEP_SIDE:
        detail = f"{width} x {height} pixels as stored is more than the {MAX_DEEP_SIDE} a side that PNG of 16 bits may have here; --depth 8, --size or --encoding raw take it"
        raise ImageError("unsupported_format", detail)
    return encode_deep_png(pixels)


def encode_jpeg(pixels: Pixels, quality: int) -> bytes:
    """Encodes uint8 (height, width, 1 or 3) as baseline JPEG, colour at half resolution (4:2:0).

    Each row of MCUs begins behind a restart marker, so that a reader can leave out what stands above
    a crop (`fitfeed.schemas.jpeg`): 0.4% more bytes, for a fifth of the decoding time of random crops.
    """
    grey = pixels.shape[2] == 1
    options = {
        cv2.IMWRITE_JPEG_QUALITY: quality,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR: cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
        cv2.IMWRITE_JPEG_RST_INTERVAL: -(-pixels.shape[1] // (8 if grey else 16)),
    }
    image = pixels if grey else cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)  # OpenCV's order
    _, data = cv2.imencode(".jpg", image, [number for option in options.items() for number in option])
    return data.tobytes()


def encode_png(pixels: Pixels) -> bytes:
    """Encodes uint8 (height, width, 1 or 3) as PNG, losslessly."""
    stream = io.BytesIO()
    Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(stream, "PNG")
    return stream.getvalue()
