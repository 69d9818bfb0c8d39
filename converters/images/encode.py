"""Turns pixels into the payload that is stored: resizes them, and encodes them as JPEG, PNG or raw bytes."""

import io

import cv2
import numpy as np
from PIL import Image

from fitfeed.converters.images.decode import DecodedImage
from fitfeed.converters.images.resize import resize
from fitfeed.converters.images.sixteen_bit import encode_png as encode_deep_png
from fitfeed.converters.option_parts.storage import StorageOptions
from fitfeed.converters.rejects import ImageError
from fitfeed.schemas.bit_depth import MAX_DEEP_SIDE, STORED_TYPES
from fitfeed.schemas.payload import Pixels, decode_payload

MAX_JPEG_SIDE = 65_500
"""JPEG_MAX_DIMENSION of libjpeg. The format itself could hold a little more."""


def encode_image(decoded: DecodedImage, data: bytes, options: StorageOptions) -> tuple[bytes, Pixels]:
    """Turns a decoded image into what is stored.

    Args:
        decoded: The decoded file.
        data: The whole file.
        options: How to store it.

    Returns:
        The payload, and the pixels that a reader will decode, uint8 or uint16 (height, width, channels).

    Raises:
        ImageError: If the result would be too large.
    """
    if options.encoding == "keep":
        payload = data if decoded.keepable else _encode_lossless(decoded.pixels)
        return payload, decoded.pixels
    pixels = resize(decoded.pixels, options)
    if options.encoding == "raw":
        return pixels.astype(STORED_TYPES[options.depth], copy=False).tobytes(), pixels
    if options.encoding == "png":
        return _encode_lossless(pixels), pixels
    height, width = pixels.shape[:2]
    if max(height, width) > MAX_JPEG_SIDE:
        detail = f"{width} x {height} pixels as stored is more than the {MAX_JPEG_SIDE} a side that JPEG can have; --encoding png or another --fit takes it"
        raise ImageError("unsupported_format", detail)
    payload = encode_jpeg(pixels, options.quality)
    # JPEG changes pixels, and the statistics must describe those that readers get: so it is decoded again.
    return payload, decode_payload(payload, size=(height, width), channels=options.channels)


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
    """Encodes uint8 (height, width, 1 or 3) as baseline JPEG, with colors at half resolution (4:2:0).

    There is a restart marker before each row of MCUs, so that a reader can leave out all rows above a crop
    (`fitfeed.schemas.jpeg_rows`). It takes 0.4% more bytes, and saves a fifth of the time for decoding random crops.
    """
    gray = pixels.shape[2] == 1
    options = {
        cv2.IMWRITE_JPEG_QUALITY: quality,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR: cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
        cv2.IMWRITE_JPEG_RST_INTERVAL: -(-pixels.shape[1] // (8 if gray else 16)),
    }
    image = pixels if gray else cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)  # OpenCV's order
    _, data = cv2.imencode(".jpg", image, [number for option in options.items() for number in option])
    return data.tobytes()


def encode_png(pixels: Pixels) -> bytes:
    """Encodes uint8 (height, width, 1 or 3) as PNG, losslessly."""
    stream = io.BytesIO()
    Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(stream, "PNG")
    return stream.getvalue()
