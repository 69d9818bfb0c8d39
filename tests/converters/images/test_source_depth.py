"""Bits per value of files of many kinds, as other programs wrote them."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from fitfeed.converters.images.decode import decode_image
from fitfeed.converters.options import ConvertOptions
from tests.deep import noise, png


def saved(image: Image.Image, format_: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format_, **options)
    return stream.getvalue()


def small_png(bits: int) -> bytes:
    """A gray PNG of 8 x 1 black pixels with few bits for each."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 8, 1, bits, 0, 0, 0, 0)
    pixels = zlib.compress(b"\0" * (1 + bits))
    start = b"\x89PNG\r\n\x1a\n"
    return start + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


COLOR = Image.fromarray(np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8))
DEEP = Image.fromarray(noise(8, 8, 1, seed=1)[:, :, 0])
FILES = {
    "jpeg": (saved(COLOR, "JPEG"), 8),
    "png": (saved(COLOR, "PNG"), 8),
    "palette": (saved(COLOR.quantize(4), "PNG", bits=2), 8),
    "1 bit": (small_png(1), 1),
    "4 bits": (small_png(4), 4),
    "deep color": (png(noise(8, 8, 3, seed=1)), 16),
    "deep gray": (png(noise(8, 8, 1, seed=1)), 16),
    "tiff": (saved(COLOR, "TIFF"), 8),
    "deep tiff": (saved(DEEP, "TIFF"), 16),
    "bilevel tiff": (saved(COLOR.convert("1"), "TIFF"), 1),
    "webp": (saved(COLOR, "WEBP"), 8),
    "gif": (saved(COLOR, "GIF"), 8),
    "jpeg 2000": (saved(DEEP, "JPEG2000"), 16),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("depth", [8, 16])
def test_depth_is_that_of_the_file(name: str, depth: int) -> None:
    data, bits = FILES[name]
    options = ConvertOptions(depth=depth)  # type: ignore[arg-type]
    assert decode_image(data, options).facts.depth == bits
