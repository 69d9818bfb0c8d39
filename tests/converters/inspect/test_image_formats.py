"""Image formats and headers, against what Pillow and OpenCV write."""

import io
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from fitfeed.converters.inspect.image_formats import ImageHeader, image_format, image_header
from tests.converters.inspect.foreign import picture


def test_image_formats_are_told_from_their_bytes() -> None:
    for kind in ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF"):
        assert image_format(picture(kind)) == kind.lower()
    assert image_format(b"BM but a word") is None
    assert image_format(b"") is None


@pytest.mark.parametrize(
    ("mode", "channels", "is_palette"),
    [
        ("L", 1, False),
        ("LA", 2, False),
        ("RGB", 3, False),
        ("RGBA", 4, False),
        ("P", 1, True),
        ("1", 1, False),
    ],
)
def test_headers_of_png(mode: str, channels: int, is_palette: bool) -> None:
    stream = io.BytesIO()
    Image.new(mode, (7, 5)).save(stream, "PNG")
    assert image_header(stream.getvalue()) == ImageHeader(5, 7, channels, 8, is_palette)


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("RGB", 3), ("CMYK", 4)])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"comment": b"x" * 60_000}], ids=str)
def test_headers_of_jpeg(mode: str, channels: int, options: dict[str, Any]) -> None:
    stream = io.BytesIO()
    Image.new(mode, (7, 5)).save(stream, "JPEG", **options)
    assert image_header(stream.getvalue()) == ImageHeader(5, 7, channels, 8)


def test_sixteen_bits() -> None:
    png = cv2.imencode(".png", np.zeros((5, 7, 3), np.uint16))[1].tobytes()
    assert image_header(png) == ImageHeader(5, 7, 3, 16)


def test_what_is_cut_off_has_no_header() -> None:
    for kind in ("PNG", "JPEG"):
        for length in range(20):
            assert image_header(picture(kind)[:length]) is None
    assert image_header(picture("GIF")) is None
