"""Decodes any mask file to class numbers: one channel with the values of the file, never colors."""

import numpy as np
import numpy.typing as npt

from fitfeed.converters.images.decode import load_errors, open_image, orientation_of, upright
from fitfeed.converters.images.encode import encode_png
from fitfeed.converters.images.resize import resize_mask
from fitfeed.converters.option_parts.storage import StorageOptions
from fitfeed.converters.rejects import ImageError
from fitfeed.schemas.payload import Pixels


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
        ImageError: If the bytes are not a whole image, or have several channels (`label_invalid`).
    """
    with open_image(data, options) as image:
        mode = image.mode
        if mode not in ("L", "P", "1") and not mode.startswith("I"):
            detail = f"it has colors or transparency ({image.format} of mode {mode}), and a mask has one channel of class numbers, 0 to 255: save it as gray or palette PNG"
            raise ImageError("label_invalid", detail)
        with load_errors(image, options):
            image.load()
            orientation = orientation_of(image)  # after load, as for images
        values = np.asarray(image)
    if values.dtype != np.bool_ and (values.min() < 0 or values.max() > 255):
        worst = int(values.max()) if values.max() > 255 else int(values.min())
        detail = f"it has the value {worst}, and a mask has class numbers, 0 to 255"
        raise ImageError("label_invalid", detail)
    return upright(values.astype(np.uint8)[:, :, np.newaxis], orientation)


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
