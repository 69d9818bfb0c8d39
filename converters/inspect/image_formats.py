"""Recognizes image formats by the first bytes of a value, and reads what PNG and JPEG headers say."""

from typing import NamedTuple

from fitfeed.converters.images.segments import jpeg_segments
from fitfeed.schemas import magic
from fitfeed.schemas.jpeg_rows import START_OF_FRAME

HEADER_BYTES = 64 << 10
"""As much of a JPEG is searched for its size: metadata may come before it."""


class ImageHeader(NamedTuple):
    """What the header of an image says.

    Attributes:
        height, width: In pixels.
        channels: 1 to 4; 1 for a palette, whose pixels are numbers.
        bits: Of a sample: 8 or 16. Fewer are stored as 8.
        is_palette: Whether pixels are numbers of colors.
    """

    height: int
    width: int
    channels: int
    bits: int
    is_palette: bool = False


def image_format(value: bytes) -> str | None:
    """The image format that a value begins like; None if it is not an image."""
    if value.startswith(magic.RIFF) and value[8:12] == b"WEBP":
        return "webp"
    if value.startswith(magic.BMP):  # two letters prove little, but the size of the file comes next
        return "bmp" if int.from_bytes(value[2:6], "little") == len(value) else None
    if value[4:8] == b"ftyp":
        return "avif" if value[8:12] in (b"avif", b"avis") else "heic" if value[8:11] == b"hei" else None
    return next((name for starts, name in _IMAGE_STARTS if value.startswith(starts)), None)


def image_header(value: bytes) -> ImageHeader | None:
    """What the header of a PNG or JPEG says; None for other formats, and if it cannot be read.

    Args:
        value: The image, or its beginning.
    """
    if value.startswith(magic.PNG) and value[12:16] == b"IHDR" and len(value) >= 26:
        width, height = int.from_bytes(value[16:20], "big"), int.from_bytes(value[20:24], "big")
        bits, color = value[24], value[25]
        if color in _PNG_CHANNELS:
            return ImageHeader(height, width, _PNG_CHANNELS[color], 16 if bits == 16 else 8, color == 3)
    if value.startswith(magic.JPEG):
        return _jpeg_header(value[:HEADER_BYTES])
    return None


def _jpeg_header(data: bytes) -> ImageHeader | None:
    for marker, start, end in jpeg_segments(data):
        if marker in START_OF_FRAME and start + 6 <= min(end, len(data)):
            height, width = (
                int.from_bytes(data[start + 1 : start + 3]),
                int.from_bytes(data[start + 3 : start + 5]),
            )
            return ImageHeader(height, width, data[start + 5], 8)
    return None


_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Channels by the color type of a PNG. The header chunk is always first (PNG 1.2, section 4.1.1)."""

_IMAGE_STARTS: list[tuple[bytes | tuple[bytes, ...], str]] = [
    (magic.JPEG, "jpeg"),
    (magic.PNG, "png"),
    (magic.GIF, "gif"),
    (magic.TIFF, "tiff"),
    (magic.JPEG_XL, "jxl"),
]
