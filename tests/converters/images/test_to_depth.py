"""From an opened file of any kind to the bits of the dataset: Netpbm, 12 bits, numbers without a white."""

import io
import struct
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fitfeed.converters.images.decode import DecodedImage, decode_image
from fitfeed.converters.images.white import to_white
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.rejects import ImageError
from tests.deep import Samples, noise, tiff
from tests.effort import tries

SEEDS = st.integers(0, 1000)


def decoded(data: bytes, **options: Any) -> DecodedImage:
    return decode_image(data, ConvertOptions(**options))


def netpbm(samples: npt.NDArray[Any], maxval: int) -> bytes:
    """A binary PGM or PPM of 16 bits, as its description says."""
    height, width, count = samples.shape
    head = f"P{6 if count == 3 else 5}\n# {width}\n{width} {height}\n{maxval}\n".encode()
    return head + samples.astype(">u2").tobytes()


def tiff_of_12_bits(samples: Samples) -> bytes:
    """An uncompressed gray TIFF with 12 bits for each value, packed."""
    bits = "".join(f"{value:012b}" for value in samples.ravel())
    pixels = int(bits, 2).to_bytes(len(bits) // 8, "big")
    height, width, _ = samples.shape
    tags = [
        *((256, width), (257, height), (258, 12), (259, 1), (262, 1)),
        *((273, 8), (277, 1), (278, height), (279, len(pixels))),
    ]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return (
        struct.pack("<2sHI", b"II", 42, 8 + len(pixels))
        + pixels
        + struct.pack("<H", len(tags))
        + entries
        + bytes(4)
    )


@given(st.integers(256, 65_535), st.sampled_from([1, 3]), SEEDS)
@settings(max_examples=tries(100))
def test_netpbm_goes_by_the_white_in_its_header(maxval: int, count: int, seed: int) -> None:
    samples = noise(3, 4, count, seed=seed) % np.uint16(maxval) + np.uint16(1)
    found = decoded(netpbm(samples, maxval), depth=16)
    assert np.array_equal(found.pixels, np.broadcast_to(to_white(samples, maxval), (3, 4, 3)))
    assert found.facts.depth == maxval.bit_length()
    assert found.facts.largest == (samples.max() if maxval == 65_535 else 0)
    # As Pillow scales them, but for halves.
    theirs = np.asarray(Image.open(io.BytesIO(netpbm(samples, maxval)))).reshape(3, 4, count)
    if count == 1:
        assert np.abs(found.pixels[..., :1].astype(int) - theirs).max() <= 1
    else:
        assert np.abs(decoded(netpbm(samples, maxval)).pixels.astype(int) - theirs).max() <= 1
    if maxval < 65_535:  # `white` is for files that do not say it
        given_white = decoded(netpbm(samples, maxval), depth=16, white=300)
        assert np.array_equal(given_white.pixels, found.pixels)


@pytest.mark.parametrize("maxval", [4095, 65_535])
def test_netpbm_in_text(maxval: int) -> None:
    text = f"P2 3 1 {maxval}\n0 {maxval} {maxval // 2}\n".encode()
    found = decoded(text, channels=1)
    assert found.pixels.ravel().tolist() == [0, 255, 127]
    assert found.facts.largest == (65_535 if maxval == 65_535 else 0)
    assert decoded(text, channels=1, white=maxval).pixels.ravel().tolist() == [0, 255, 127]


@pytest.mark.parametrize("cut", [-1, -7, 30])
def test_netpbm_that_is_cut_off_is_truncated(cut: int) -> None:
    with pytest.raises(ImageError, match="truncated") as caught:
        decoded(netpbm(noise(3, 4, 3), 4095)[:cut])
    assert caught.value.reason == "truncated"


def test_a_tiff_of_12_bits_says_itself_what_white_is() -> None:
    samples = noise(2, 8, 1) >> np.uint16(4)
    found = decoded(tiff_of_12_bits(samples), channels=1)
    assert np.array_equal(found.pixels, samples >> 4)
    assert (found.facts.depth, found.facts.largest) == (12, 0)


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (Image.fromarray(np.array([[-7, 40_000]], np.int32)), "32-bit integers, here -7 to 40000"),
        (Image.fromarray(np.array([[0.25, 1]], np.float32)), "32-bit floats, here 0.25 to 1"),
    ],
)
def test_numbers_without_a_white_are_named(image: Image.Image, said: str) -> None:
    stream = io.BytesIO()
    image.save(stream, "TIFF")
    with pytest.raises(ImageError, match=said) as caught:
        decoded(stream.getvalue())
    assert caught.value.reason == "unsupported_format"
    assert "unsigned 16-bit PNG or TIFF" in str(caught.value)


def test_signed_numbers_are_named() -> None:
    plain = tiff((noise(3, 4, 1) >> np.uint16(4)) - np.uint16(1024))
    signed = plain.replace(struct.pack("<HHIHH", 284, 3, 1, 1, 0), struct.pack("<HHIHH", 339, 3, 1, 2, 0))
    assert signed != plain
    with pytest.raises(ImageError, match="TIFF of signed 16-bit integers, here -"):
        decoded(signed)
