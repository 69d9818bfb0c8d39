"""Payloads that corrupt memory in the versions of decoders that are pinned: they do not reach that code."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from fitfeed.converters.images.decode import decode_image
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.rejects import ImageError
from fitfeed.schemas.payload import DecodeWindow, claimed_size, decode_payload, decode_window, is_animated_png
from tests.deep import chunk, noise, png
from tests.forged import header_chunk

LOSSLESS = Path(__file__).parents[1] / "data" / "nasty" / "jpeg" / "lossless_sof3_8bit.jpg"


def animation(*, depth: int) -> bytes:
    """A PNG of 32 x 16 whose first frame is whole, and whose second has a filter that does not exist."""
    row = bytes(1 + 32 * 3 * depth // 8)
    whole, damaged = zlib.compress(row * 16), zlib.compress(b"\x09" + row[1:] + row * 15)
    control = [chunk(b"fcTL", struct.pack(">IIIIIHHBB", n, 32, 16, 0, 0, 1, 10, 0, 0)) for n in (0, 2)]
    return (
        b"\x89PNG\r\n\x1a\n"
        + header_chunk(16, 32, depth=depth)
        + chunk(b"acTL", struct.pack(">II", 2, 0))
        + chunk(b"IDAT", whole)
        + control[0]
        + chunk(b"fdAT", struct.pack(">I", 1) + damaged)
        + control[1]
        + chunk(b"fdAT", struct.pack(">I", 3) + whole)
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("shrink", [2, 4, 8])
def test_a_lossless_jpeg_is_not_shrunken(shrink: int) -> None:
    """libjpeg-turbo writes it at its full size into simplejpeg's memory for a smaller one."""
    payload = LOSSLESS.read_bytes()
    height, width = size = claimed_size(payload)
    decoded = decode_window(payload, DecodeWindow(24, 41, shrink), size=size, channels=3)
    assert decoded.shrink == 1
    assert np.array_equal(decoded.pixels, decode_payload(payload, size=(height, width), channels=3))


@pytest.mark.parametrize("depth", [8, 16])
def test_opencv_sees_no_animation(depth: int) -> None:
    payload = animation(depth=depth)
    with pytest.raises(ValueError, match="not a PNG payload of 16 bits"):
        decode_payload(payload, size=(16, 32), channels=3, depth=16)


def test_conversion_shows_opencv_no_animation() -> None:
    with pytest.raises(ImageError, match="of a kind that cannot be read here"):
        decode_image(animation(depth=16), ConvertOptions(depth=16))


def test_what_is_an_animation() -> None:
    whole = png(noise(6, 9, 3))
    assert is_animated_png(animation(depth=8))
    assert not is_animated_png(whole)
    assert not is_animated_png(whole[:33] + chunk(b"tEXt", b"acTL acTL") + whole[33:])
    assert not any(is_animated_png(whole[:end]) for end in range(len(whole)))
    assert not is_animated_png(whole[:33] + b"\xff" * 20)
