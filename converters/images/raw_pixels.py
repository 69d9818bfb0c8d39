"""Decodes what was read of a source, also where a dataset has stored plain pixels, which no header describes."""

import dataclasses
import io
import math

import numpy as np
from PIL import Image

from fitfeed.converters.images.decode import DecodedImage, decode_image
from fitfeed.converters.images.masks import decode_mask
from fitfeed.converters.images.sixteen_bit import encode_png as encode_deep_png
from fitfeed.converters.option_parts.storage import StorageOptions
from fitfeed.converters.rejects import ImageError
from fitfeed.converters.source_file import RawPixels, SourceRoot
from fitfeed.schemas.bit_depth import MAX_DEEP_SIDE, STORED_TYPES, native
from fitfeed.schemas.payload import Pixels

RAW_FORMAT = "raw"
"""What the index calls the format of plain pixels."""


def decode_source(data: bytes, root: SourceRoot, options: StorageOptions) -> DecodedImage:
    """Decodes an image of a source: a whole file, or the plain pixels of a dataset.

    Raises:
        ImageError: If the bytes are not a whole image, or one that `options` refuse.
    """
    if root.raw is None:
        return decode_image(data, options)
    # As a file, pixels go through the one decoder, so that every option means what it means for files.
    decoded = decode_image(_as_png(_shaped(data, root.raw)), options)
    return dataclasses.replace(decoded, keepable=False, facts=decoded.facts._replace(format=RAW_FORMAT))


def decode_source_mask(data: bytes, root: SourceRoot, options: StorageOptions) -> Pixels:
    """Decodes a mask of a source: uint8 (height, width, 1). `decode_source` is for images.

    Raises:
        ImageError: If the bytes are not a whole mask.
    """
    if root.raw is None:
        return decode_mask(data, options)
    return _shaped(data, root.raw._replace(channels=1, depth=8))


def _shaped(data: bytes, raw: RawPixels) -> Pixels:
    """Plain pixels as an array, uint8 or uint16 (height, width, channels)."""
    stored = np.dtype(STORED_TYPES[raw.depth])
    shape = (raw.height, raw.width, raw.channels)
    if len(data) != math.prod(shape) * stored.itemsize:
        detail = f"{len(data)} bytes are not {raw.width} x {raw.height} pixels with {raw.channels} channels of {raw.depth} bits"
        raise ImageError("corrupt", detail)
    return native(np.frombuffer(data, stored).reshape(shape))


def _as_png(pixels: Pixels) -> bytes:
    if pixels.dtype == np.uint16:
        if max(pixels.shape) > MAX_DEEP_SIDE:
            detail = f"more than the {MAX_DEEP_SIDE} pixels a side that images of 16 bits may have here"
            raise ImageError("unsupported_format", detail)
        return encode_deep_png(pixels)
    stream = io.BytesIO()
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    image.save(stream, "PNG", compress_level=0)  # nobody keeps it
    return stream.getvalue()
