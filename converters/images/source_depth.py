"""Finds out how many bits a value of an image file has, before anything is converted."""

from PIL import Image

BITS_PER_SAMPLE_TAG = 258
PALETTE = 3
"""Color type of a PNG whose pixels are indices. The colors have 8 bits, for indices of any size."""


def source_depth(data: bytes, image: Image.Image) -> int:
    """Bits per value of an image file.

    For PNG and TIFF the header says it, because Pillow reads RGB of 16 bits as 8. For other formats it is that of the
    pixels that Pillow decodes.

    Args:
        data: The whole file.
        image: The file, opened.

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
    return 16 if image.mode.startswith("I;16") else 8
