"""Decodes stored payloads to pixels: JPEG, PNG or raw bytes.

Conversion and training use this one decoder, so the statistics describe exactly the pixels that training reads. JPEG
is decoded by simplejpeg (libjpeg-turbo, accurate integer DCT, fancy upsampling), which gives the same pixels as Pillow.
PNG is decoded by Pillow, but PNG of 16 bits by OpenCV, because Pillow cuts its colors to 8 bits.

A decoder asks for the memory that a payload's header claims, and 379 bytes can claim 12 GB. So whoever decodes says which
size the index has, and a payload that claims another one is refused before it is decoded.
"""

import contextlib
import io
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import simplejpeg
from PIL.PngImagePlugin import PngImageFile

from fitfeed.schemas import magic
from fitfeed.schemas.bit_depth import Depth
from fitfeed.schemas.jpeg_rows import rows_of
from fitfeed.schemas.png_chunks import png_chunks

Pixels = npt.NDArray[np.uint8 | np.uint16]
"""(height, width, channels), RGB or gray: uint8, values 0..255; or uint16, 0..65535, if the dataset has 16 bits."""

PayloadFormat = Literal["jpeg", "png", "raw"]

IHDR_END = 33
"""Bytes of a PNG up to the end of its header chunk, which is always the first (PNG 1.2, section 4.1.1)."""

ANIMATION_CHUNKS = (b"acTL", b"fcTL", b"fdAT")
LOSSLESS_FRAME = b"\xff\xc3"
"""Start of the frame of a lossless JPEG (T.81, B.1.1.3). These two bytes are never among coded pixels."""

MAX_PAYLOAD_BYTES = 2 << 30
"""2 GiB, the limit of a protobuf message, for the bytes of an encoded image or mask."""


class DecodeWindow(NamedTuple):
    """The part of a stored image that is needed, and at which scale.

    Attributes:
        first: The first row, as stored.
        stop: The row after the last; None for all.
        shrink: 1, 2, 4 or 8: how many times smaller it may be.
    """

    first: int = 0
    stop: int | None = None
    shrink: int = 1


FULL = DecodeWindow()


class DecodedPayload(NamedTuple):
    """The decoded part of a stored image.

    Attributes:
        pixels: uint8 or uint16 (rows, columns, channels).
        first: The row of the stored image that is its first row.
        shrink: How many times smaller than stored it is: a side has ceil(side / shrink) pixels.
    """

    pixels: Pixels
    first: int = 0
    shrink: int = 1


def payload_format(payload: bytes | memoryview) -> PayloadFormat:
    """Recognizes an encoded payload by its first bytes. All others are raw pixels."""
    head = bytes(payload[:8])
    if head.startswith(magic.JPEG):
        return "jpeg"
    return "png" if head == magic.PNG else "raw"


def claimed_size(payload: bytes | memoryview) -> tuple[int, int]:
    """Reads the size that the header of a payload claims. Nothing is decoded: it takes 2 us.

    Args:
        payload: A JPEG or PNG payload.

    Returns:
        Height and width.

    Raises:
        ValueError: If it is neither, or its header is damaged.
    """
    kind = payload_format(payload)
    if kind == "jpeg":
        return _jpeg_size(payload)
    if kind == "png" and bytes(payload[12:16]) == b"IHDR" and len(payload) >= IHDR_END:
        return int.from_bytes(payload[20:24], "big"), int.from_bytes(payload[16:20], "big")
    msg = "not a JPEG or PNG payload"
    raise ValueError(msg)


def _jpeg_size(payload: bytes | memoryview) -> tuple[int, int]:
    # The decoder itself reads the header, so the two cannot disagree about where the size is.
    height, width, *_ = simplejpeg.decode_jpeg_header(payload)
    return height, width


def is_animated_png(data: bytes | memoryview) -> bool:
    """Whether a PNG file has a chunk of an animation. OpenCV 5.0 crashes if its second frame is damaged."""
    return any(kind in ANIMATION_CHUNKS for kind, _, _ in png_chunks(data))


def check_claimed_size(claimed: tuple[int, int], size: tuple[int, int]) -> None:
    """Compares the size that a payload claims with that in the index, each (height, width).

    Raises:
        ValueError: If they are different.
    """
    if claimed != size:
        msg = f"its header says {claimed[0]} x {claimed[1]} pixels, but the index says {size[0]} x {size[1]}"
        raise ValueError(msg)


def decode_payload(
    payload: bytes | memoryview,
    *,
    size: tuple[int, int],
    channels: int,
    depth: Depth = 8,
    buffer: Pixels | None = None,
) -> Pixels:
    """Decodes a JPEG or PNG payload.

    Args:
        payload: The stored bytes.
        size: Height and width that it must have.
        channels: 3 for RGB (a gray payload is replicated) or 1 for gray.
        depth: 16 for a PNG payload of 16 bits.
        buffer: Memory into which a JPEG may be decoded, uint8 (n,), large enough for it. New memory would take a
            third of the decoding time.

    Returns:
        uint8 or, with a depth of 16, uint16 (height, width, channels), possibly in `buffer`. The interpreter lock
        is free meanwhile.

    Raises:
        ValueError: If the bytes are not a whole JPEG or PNG image of this size. One that claims another size is not
            decoded.
    """
    check_claimed_size(claimed_size(payload), size)
    return _decode(payload, size=size, channels=channels, depth=depth, buffer=buffer)


def _decode(
    payload: bytes | memoryview, *, size: tuple[int, int], channels: int, depth: Depth, buffer: Pixels | None
) -> Pixels:
    """Decodes a payload that claims to have this size."""
    if depth == 16:
        return _decode_16_bit(payload, size=size, channels=channels)
    if payload_format(payload) == "jpeg":
        return _decode_jpeg(payload, channels=channels, buffer=buffer)
    return _decode_png(payload, size=size, channels=channels)


def _decode_jpeg(payload: bytes | memoryview, *, channels: int, buffer: Pixels | None) -> Pixels:
    # Strict: what libjpeg only warns about is never stored, so a warning here means damage.
    colorspace = "RGB" if channels == 3 else "GRAY"
    pixels: Pixels = simplejpeg.decode_jpeg(payload, colorspace=colorspace, strict=True, buffer=buffer)
    return pixels


def _decode_png(payload: bytes | memoryview, *, size: tuple[int, int], channels: int) -> Pixels:
    """Decodes a PNG of up to 8 bits to uint8 (height, width, channels)."""
    try:
        # By its class: `Image.open` would apply a limit of Pillow, which is global, to what has been checked here.
        with PngImageFile(io.BytesIO(payload)) as image:
            width, height = image.size  # of the last header, if a forged file has several
            check_claimed_size((height, width), size)
            pixels = np.asarray(image.convert("RGB" if channels == 3 else "L"))
    except Exception as error:  # Pillow raises many types on damaged bytes
        msg = f"not a whole PNG payload ({error})"
        raise ValueError(msg) from error
    return pixels.reshape(*pixels.shape[:2], channels)


def _decode_16_bit(payload: bytes | memoryview, *, size: tuple[int, int], channels: int) -> Pixels:
    """Decodes a PNG of 16 bits, gray or RGB, to uint16 (height, width, channels).

    OpenCV keeps all bits, and refuses a file that is cut off or has a wrong checksum.
    """
    import cv2  # datasets of 8 bits are read without it

    wanted = (size, (*size, 3)) if channels == 3 else (size,)  # shapes: gray, colors
    pixels: Any = None
    if payload_format(payload) == "png" and not is_animated_png(payload):
        with contextlib.suppress(cv2.error):  # raised, for example, for more pixels in a row than it takes
            pixels = cv2.imdecode(np.frombuffer(payload, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.dtype != np.uint16 or pixels.shape not in wanted:
        msg = f"not a PNG payload of 16 bits with {channels} channels, or not a whole one"
        raise ValueError(msg)
    if channels == 1:
        return np.asarray(pixels[:, :, np.newaxis], np.uint16)
    code = cv2.COLOR_GRAY2RGB if pixels.ndim == 2 else cv2.COLOR_BGR2RGB
    return np.asarray(cv2.cvtColor(pixels, code), np.uint16)


def decode_window(
    payload: bytes | memoryview,
    window: DecodeWindow,
    *,
    size: tuple[int, int],
    channels: int,
    depth: Depth = 8,
    buffer: Pixels | None = None,
) -> DecodedPayload:
    """Decodes the part of a JPEG or PNG payload that is needed, and not much more.

    The caller must have compared the payload with its checksum, because damage outside the needed rows is not noticed
    here.

    The rows are equal to those of the whole image, bit for bit. A smaller image is made from fewer coefficients of each
    block of 8 x 8 pixels (libjpeg's scaled inverse DCT). That averages pixels as resizing by area does, in a fraction of
    the time. Only JPEG can do it.

    Args:
        payload: The stored bytes.
        window: The part that is needed.
        size: Height and width of the whole image, as stored.
        channels: As for `decode_payload`.
        depth: As for `decode_payload`.
        buffer: As for `decode_payload`.

    Returns:
        At least the needed rows, and all columns, possibly in `buffer`, at the scale of `window.shrink` or as stored.

    Raises:
        ValueError: If the bytes are not a JPEG or PNG image of this size. One that claims another size is not
            decoded.
    """
    if depth == 16 or payload_format(payload) != "jpeg":
        return DecodedPayload(
            decode_payload(payload, size=size, channels=channels, depth=depth, buffer=buffer)
        )
    check_claimed_size(_jpeg_size(payload), size)
    height, width = size
    # libjpeg-turbo decodes a lossless JPEG at its full size whatever scale is asked for, and simplejpeg 1.9 gives it memory
    # for the scaled size only. No conversion stores one.
    shrink = 1 if window.shrink > 1 and LOSSLESS_FRAME in bytes(payload) else window.shrink
    stop = height if window.stop is None else min(window.stop, height)
    cut = None
    if stop - window.first < height:
        cut = rows_of(payload, window.first, stop, height=height)
    if cut is None and shrink == 1:
        return DecodedPayload(_decode_jpeg(payload, channels=channels, buffer=buffer))
    data, first, rows = cut or (payload, 0, height)
    expected = (-(-rows // shrink), -(-width // shrink), channels)
    # With these minima, simplejpeg takes the scale 1 / shrink. One in between, such as 5/8, would take longer than
    # decoding the whole image.
    pixels: Pixels = simplejpeg.decode_jpeg(
        data,
        colorspace="RGB" if channels == 3 else "GRAY",
        min_height=expected[0],
        min_width=expected[1],
        min_factor=shrink,
        strict=cut is None,
        buffer=buffer,
    )
    if pixels.shape != expected:  # libjpeg passes over bytes in a forged header that `rows_of` does not know
        msg = f"decodes to shape {pixels.shape}, expected {expected}"
        raise ValueError(msg)
    return DecodedPayload(pixels, first, shrink)
