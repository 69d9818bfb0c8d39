"""How many bits a value of an image file has, before anything is converted."""

from PIL import Image

BITS_PER_SAMPLE_TAG = 258
PALETTE = 3
"""Color type of a PNG whose pixels are indices: the colors have 8 bits, however many the indices have."""


def source_depth(data: bytes, image: Image.Image) -> int:
    """Bits per value of an image file.

    Of PNG and TIFF as their header says; Pillow gives 16 bits in RGB as 8. Of other formats as Pillow decodes
    them.

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
