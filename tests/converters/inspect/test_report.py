"""What a report counts, and how it is written."""

import numpy as np

from fitfeed.converters.inspect.report import (
    DISTINCT_LIMIT,
    Numbers,
    image_format,
)
from tests.converters.inspect.foreign import picture


def test_distinct_values_are_counted_up_to_a_limit() -> None:
    numbers = Numbers()
    for start in range(0, 10 * DISTINCT_LIMIT, 500):
        numbers.add(np.arange(start, start + 500))
    assert numbers.distinct == DISTINCT_LIMIT + 1


def test_image_formats_are_told_from_their_bytes() -> None:
    for kind in ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF"):
        assert image_format(picture(kind)) == kind.lower()
    assert image_format(b"BM but a word") is None
    assert image_format(b"") is None
