"""Decodes any mask file to class numbers: one channel with the values of the file, never colors."""

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from fitfeed.converters.images.decode import load_errors, open_image, orientation_of, upright
from fitfeed.converters.images.encode import encode_png
from fitfeed.converters.images.resize import resize_mask
from fitfeed.converters.images.source_depth import netpbm_pixels
from fitfeed.converters.option_parts.storage import StorageOptions
from fitfeed.converters.rejects import ImageError
from fitfeed.schemas.payload import Pixels

CODING_STYLE = b"\xff\x52\x00"
"""Begin of the segment COD of JPEG 2000 (T.800, A.6.1)."""

WAVELET_PLACE = 13
"""Offset in it of the wavelet transform."""

IRREVERSIBLE = b"\0"


def decode_mask(data: bytes, options: StorageOptions) -> Pixels:
    """Decodes a mask.

    A palette image gives its indices, and a bilevel image 0 and 1. Values of 16 bits are taken if all of them fit into
    8 bits. The EXIF orientation of the file is applied.

    Args:
        data: The whole file.
        options: `max_pixels` and `frames` hold for masks as they do for images.

    Returns:
        uint8 (height, width, 1), 0..255.

    Raises:
        ImageError: If the bytes are not a whole image, have several channels, or are of a lossy file, unless
            `lossy_masks` accepts it (`label_invalid`).
    """
    with open_image(data, options) as image:
        mode, netpbm = image.mode, netpbm_pixels(image)
        if mode not in ("L", "P", "1") and not mode.startswith("I"):
            detail = f"it has colors or transparency ({image.format} of mode {mode}), and a mask has one channel of class numbers, 0 to 255: save it as gray or palette PNG"
            raise ImageError("label_invalid", detail)
        if options.lossy_masks == "refuse" and (kind := lossy_kind(data, image)):
            detail = f"{kind} changes values, so its class numbers are not those that were drawn: save masks as PNG, or take the values as they are with --lossy-masks accept"
            raise ImageError("label_invalid", detail)
        with load_errors(image, options):
            image.load()
            orientation = orientation_of(image)  # after load, as for images
        values = np.asarray(image)
        if netpbm is not None:
            values = _unscaled(values, netpbm.maxval)
    if values.dtype != np.bool_ and (values.min() < 0 or values.max() > 255):
        worst = int(values.max()) if values.max() > 255 else int(values.min())
        detail = f"it has the value {worst}, and a mask has class numbers, 0 to 255"
        raise ImageError("label_invalid", detail)
    return upright(values.astype(np.uint8)[:, :, np.newaxis], orientation)


def lossy_kind(data: bytes, image: Image.Image) -> str | None:
    """What a file with lossy compression is called; None if its values are those that were saved.

    Args:
        data: The whole file.
        image: The file, opened. Lossy WebP and AVIF have colors, and cannot be masks anyway.
    """
    if image.format in ("JPEG", "MPO"):
        return "JPEG"
    if image.format == "TIFF" and image.info.get("compression") in ("jpeg", "tiff_jpeg"):
        return "TIFF with JPEG compression"
    place = data.find(CODING_STYLE) + WAVELET_PLACE
    if image.format == "JPEG2000" and data[place : place + 1] == IRREVERSIBLE:
        return "lossy JPEG 2000"
    return None


def _unscaled(values: npt.NDArray[Any], maxval: int) -> npt.NDArray[np.int64]:
    """The numbers in a PGM. Pillow has scaled them so that the brightest value, `maxval`, is 255 or 65535."""
    white = 255 if values.dtype == np.uint8 else 65_535
    return (2 * values.astype(np.int64) * maxval + white) // (2 * white)


def count_values(mask: Pixels) -> npt.NDArray[np.int64]:
    """How many pixels of a mask, uint8 (height, width, 1), have each value: int64 (256,)."""
    return np.bincount(mask.ravel(), minlength=256)


def encode_mask(mask: Pixels, image_size: tuple[int, int], options: StorageOptions) -> tuple[bytes, Pixels]:
    """Turns a mask into what is stored, without loss: PNG, or plain pixels if images are `raw`.

    Args:
        mask: uint8 (height, width, 1), upright.
        image_size: (height, width) of its image, upright, before resizing.
        options: How its image is stored.

    Returns:
        The payload, and its pixels, uint8 (height, width, 1).

    Raises:
        ImageError: If its size is not that of its image (`mask_mismatch`).
    """
    size = mask.shape[:2]
    if size != image_size:
        detail = f"it is {size[1]} x {size[0]} pixels, and its image {image_size[1]} x {image_size[0]}, both upright"
        raise ImageError("mask_mismatch", detail)
    resized = resize_mask(mask, options)
    return resized.tobytes() if options.encoding == "raw" else encode_png(resized), resized
