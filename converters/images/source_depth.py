"""Finds out how many bits a value of an image file has, before anything is converted."""

from typing import Any, NamedTuple

from PIL import Image

BITS_PER_SAMPLE_TAG = 258
PALETTE = 3
"""Color type of a PNG whose pixels are indices. The colors have 8 bits, for indices of any size."""

CODESTREAM = b"\xff\x4f\xff\x51"
"""Begin of the codestream of JPEG 2000, and of the segment SIZ (T.800, A.5.1)."""

PRECISION_PLACE = 42
"""Offset in the codestream of the first component's precision, less 1; the upper bit says whether it has a sign."""


def source_depth(data: bytes, image: Image.Image) -> int:
    """Bits per value of an image file.

    For PNG and TIFF the header says it, because Pillow reads RGB of 16 bits as 8. For other formats it is that of the
    pixels that Pillow decodes.

    Args:
        data: The whole file.
        image: The file, opened. Of PGM and PPM not loaded yet, for Pillow forgets the header then.

    Returns:
        1 to 16.
    """
    if image.format == "PNG":
        bit_depth, color_type = data[24], data[25]  # in IHDR, always the first chunk
        return 8 if color_type == PALETTE else bit_depth
    if image.format == "TIFF" and image.mode != "P":
        bits = getattr(image, "tag_v2", {}).get(BITS_PER_SAMPLE_TAG, (1,))
        return min(16, max(1, *(each for each in bits if isinstance(each, int))))
    if image.mode == "1":
        return 1
    netpbm = deep_netpbm(image)
    if netpbm is not None:
        return netpbm.maxval.bit_length()
    if image.format == "JPEG2000" and image.mode.startswith("I;16"):
        return _jpeg_2000_precision(data)
    return 16 if image.mode.startswith("I;16") else 8


class NetpbmPixels(NamedTuple):
    """Where the pixels of a PGM or PPM are, as Pillow reads its header.

    Attributes:
        start: Offset of the first one.
        maxval: The brightest value, 1 to 65535.
        is_text: Whether values are written as decimal numbers.
    """

    start: int
    maxval: int
    is_text: bool


def netpbm_pixels(image: Image.Image) -> NetpbmPixels | None:
    """Where the pixels of a PGM or PPM are; None for any other file.

    Args:
        image: The file, opened and not loaded.
    """
    tiles: Any = getattr(image, "tile", None)
    if image.format != "PPM" or image.mode not in ("I", "L", "RGB") or not tiles:
        return None
    codec, _, start, arguments = tiles[0]
    maxval = 65_535 if arguments == "I;16B" else 255  # Pillow's names for values that need no scaling
    if isinstance(arguments, tuple):
        maxval = int(arguments[1])
    return NetpbmPixels(start, maxval, codec == "ppm_plain")


def deep_netpbm(image: Image.Image) -> NetpbmPixels | None:
    """The same of one with more than 8 bits; None for any other file."""
    pixels = netpbm_pixels(image)
    return pixels if pixels is not None and pixels.maxval > 255 else None


def _jpeg_2000_precision(data: bytes) -> int:
    place = data.find(CODESTREAM) + PRECISION_PLACE
    precision = (data[place] & 0x7F) + 1 if PRECISION_PLACE <= place < len(data) else 16
    return min(16, max(9, precision))
