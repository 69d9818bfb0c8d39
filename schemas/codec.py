"""A stored image payload to pixels: JPEG, PNG or raw bytes.

Both sides use this one decoder: the converter to take statistics of exactly what a reader will
see, the runtime to read. JPEG goes through simplejpeg (libjpeg-turbo, accurate integer DCT, fancy
upsampling), which gives the same pixels as Pillow; PNG goes through Pillow.
"""

import io
from typing import Literal

import numpy as np
import numpy.typing as npt
import simplejpeg
from PIL import Image

Pixels = npt.NDArray[np.uint8]
"""uint8 (height, width, channels), RGB or grey, values 0..255."""

PayloadFormat = Literal["jpeg", "png", "raw"]

JPEG_MAGIC = b"\xff\xd8\xff"
PNG_MAGIC = b"\x89PNG\r\n\x1a\n"


def payload_format(payload: bytes | memoryview) -> PayloadFormat:
    """Tells an encoded payload by its first bytes; anything else is raw pixels."""
    head = bytes(payload[:8])
    if head.startswith(JPEG_MAGIC):
        return "jpeg"
    return "png" if head == PNG_MAGIC else "raw"


def decode_payload(payload: bytes | memoryview, *, channels: int, buffer: Pixels | None = None) -> Pixels:
    """Decodes a JPEG or PNG payload.

    Args:
        payload: The stored bytes.
        channels: 3 for RGB (a grey payload is replicated) or 1 for grey.
        buffer: Memory that a JPEG may be decoded into, uint8 (n,), large enough for it. Fresh pages
            cost a third of the decoding time.

    Returns:
        uint8 (height, width, channels), possibly in `buffer`. Releases the interpreter lock while
        decoding.

    Raises:
        ValueError: If the bytes are not a whole JPEG or PNG image.
    """
    if payload_format(payload) == "jpeg":
        # Strict: what libjpeg only warns about is never stored, so a warning here means damage.
        colorspace = "RGB" if channels == 3 else "GRAY"
        pixels: Pixels = simplejpeg.decode_jpeg(payload, colorspace=colorspace, strict=True, buffer=buffer)
        return pixels
    try:
        with Image.open(io.BytesIO(payload), formats=["PNG"]) as image:
            pixels = np.asarray(image.convert("RGB" if channels == 3 else "L"))
    except Exception as error:  # Pillow raises many types on damaged bytes
        msg = f"not a JPEG or PNG payload ({error})"
        raise ValueError(msg) from error
    return pixels.reshape(*pixels.shape[:2], channels)
