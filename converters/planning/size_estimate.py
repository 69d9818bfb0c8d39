"""Estimates how many bytes images will take, before any of them is read."""

from fitfeed.converters.option_parts.storage import StorageOptions

JPEG_BYTES_PER_PIXEL = {50: 0.12, 75: 0.2, 90: 0.36, 95: 0.55, 100: 1.2}
"""By quality, of photographs with 256 pixels a side, 4:2:0. Other qualities take the next higher one. Only shard counts depend on it."""


PNG_BYTES_PER_VALUE = 0.6


def expected_bytes(images: int, source_bytes: int, options: StorageOptions) -> int:
    """Estimates the stored size of images, to choose how many shards they fill.

    It is exact for `raw`, and nearly so for `keep`. For `jpeg` and `png` it follows from typical bytes per pixel, or
    from the source's own size if the number of pixels is not known.

    Args:
        images: How many.
        source_bytes: The size of their files together.
        options: How they are stored.
    """
    value_bytes = options.depth // 8
    if options.size is None:
        return source_bytes * 4 * value_bytes if options.encoding == "png" else source_bytes
    height, width = options.size
    pixels = height * width * (4 / 3 if options.fit == "shorter" else 1)  # a photograph's aspect ratio
    if options.encoding == "raw":
        per_image = float(height * width * options.channels * value_bytes)
    elif options.encoding == "png":
        per_image = pixels * options.channels * PNG_BYTES_PER_VALUE * value_bytes
    else:
        quality = min(quality for quality in JPEG_BYTES_PER_PIXEL if quality >= options.quality)
        per_image = pixels * JPEG_BYTES_PER_PIXEL[quality]
    return int(images * per_image)
