"""A stored image payload to pixels: JPEG, PNG or raw bytes.

Both sides use this one decoder: the converter to take statistics of exactly what a reader will
see, the runtime to read. JPEG goes through simplejpeg (libjpeg-turbo, accurate integer DCT, fancy
upsampling), which gives the same pixels as Pillow; PNG goes through Pillow, and PNG of 16 bits,
whose colours Pillow cuts to 8, through OpenCV.
"""

import contextlib
import io
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import simplejpeg
from PIL import Image

from fitfeed.schemas import magic
from fitfeed.schemas.bit_depth import Depth
from fitfeed.schemas.jpeg_rows import rows_of

Pixels = npt.NDArray[np.uint8 | np.uint16]
"""(height, width, channels), RGB or grey: uint8, values 0..255, or uint16, 0..65535, where the dataset has 16 bits."""

PayloadFormat = Literal["jpeg", "png", "raw"]


class DecodeWindow(NamedTuple):
    """What is needed of a stored image.

    Attributes:
        first: The first row, as stored.
        stop: The row behind the last; None for all.
        shrink: 1, 2, 4 or 8: how many times smaller it may be.
    """

    first: int = 0
    stop: int | None = None
    shrink: int = 1


FULL = DecodeWindow()


class DecodedPayload(NamedTuple):
    """What was decoded of a stored image.

    Attributes:
        pixels: uint8 (rows, columns, channels).
        first: Which row of the stored image is its first.
        shrink: How many times it is smaller than stored: of ceil(side / shrink) pixels.
    """

    pixels: Pixels
    first: int = 0
    shrink: int = 1


def payload_format(payload: bytes | memoryview) -> PayloadFormat:
    """Tells an encoded payload by its first bytes; anything else is raw pixels."""
    head = bytes(payload[:8])
    if head.startswith(magic.JPEG):
        return "jpeg"
    return "png" if head == magic.PNG else "raw"


def decode_payload(
    payload: bytes | memoryview, *, channels: int, depth: Depth = 8, buffer: Pixels | None = None
) -> Pixels:
    """Decodes a JPEG or PNG payload.

    Args:
        payload: The stored bytes.
        channels: 3 for RGB (a grey payload is replicated) or 1 for grey.
        depth: 16 for a PNG payload of 16 bits.
        buffer: Memory that a JPEG may be decoded into, uint8 (n,), large enough for it. Fresh pages
            cost a third of the decoding time.

    Returns:
        uint8 (height, width, channels), possibly in `buffer`, or uint16. Releases the interpreter
        lock while decoding.

    Raises:
        ValueError: If the bytes are not a whole JPEG or PNG image.
    """
    if depth == 16:
        return _decode_16_bit(payload, channels=channels)
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


def _decode_16_bit(payload: bytes | memoryview, *, channels: int) -> Pixels:
    """Decodes a PNG of 16 bits, grey or RGB.

    OpenCV gives all bits, and nothing at all of a file that is cut off or whose checksums are wrong.
    """
    import cv2  # datasets of 8 bits are read without it

    wanted = (2, 3) if channels == 3 else (2,)  # dimensions: grey, colours
    pixels: Any = None
    if payload_format(payload) == "png":
        with contextlib.suppress(cv2.error):  # as for more pixels in a row than it takes
            pixels = cv2.imdecode(np.frombuffer(payload, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.dtype != np.uint16 or pixels.ndim not in wanted or pixels.shape[2:] > (3,):
        msg = f"not a PNG payload of 16 bits with {channels} channels, or not a whole one"
        raise ValueError(msg)
    if channels == 1:
        return np.asarray(pixels[:, :, np.newaxis], np.uint16)
    code = cv2.COLOR_GRAY2RGB if pixels.ndim == 2 else cv2.COLOR_BGR2RGB
    return np.asarray(cv2.cvtColor(pixels, code), np.uint16)


def decode_window(
    payload: bytes | memoryview,
    portion: DecodeWindow,
    *,
    size: tuple[int, int],
    channels: int,
    depth: Depth = 8,
    buffer: Pixels | None = None,
) -> DecodedPayload:
    """Decodes what is needed of a JPEG or PNG payload, and not much more.

    The caller must have compared the payload with its checksum: outside the rows that are needed,
    damage goes unnoticed here.

    Rows are those of the whole image, bit for bit. A shrunken image is made from fewer coefficients
    of each block of 8 x 8 pixels (libjpeg's scaled inverse DCT), which averages over pixels as
    resizing by area does, at a fraction of the time; only JPEG can do that.

    Args:
        payload: The stored bytes.
        portion: What is needed.
        size: Height and width of the whole image, as stored.
        channels: As for `decode_payload`.
        depth: As for `decode_payload`.
        buffer: As for `decode_payload`.

    Returns:
        At least the rows that are needed, and all columns, possibly in `buffer`; at the scale of
        `portion.shrink`, or as stored.

    Raises:
        ValueError: If the bytes are not a JPEG or PNG image.
    """
    if payload_format(payload) != "jpeg":
        return DecodedPayload(decode_payload(payload, channels=channels, depth=depth, buffer=buffer))
    height, width = size
    stop = height if portion.stop is None else min(portion.stop, height)
    cut = None
    if stop - portion.first < height:
        cut = rows_of(payload, portion.first, stop, height=height)
    if cut is None and portion.shrink == 1:
        return DecodedPayload(decode_payload(payload, channels=channels, buffer=buffer))
    data, first, rows = cut or (payload, 0, height)
    # Asked for these minima, simplejpeg takes the scale 1 / shrink, and not one of those between,
    # like 5/8, which would take longer than decoding all.
    pixels: Pixels = simplejpeg.decode_jpeg(
        data,
        colorspace="RGB" if channels == 3 else "GRAY",
        min_height=-(-rows // portion.shrink),
        min_width=-(-width // portion.shrink),
        min_factor=portion.shrink,
        strict=cut is None,
        buffer=buffer,
    )
    return DecodedPayload(pixels, first, portion.shrink)
