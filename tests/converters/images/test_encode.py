"""Resizing and encoding."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fitfeed.converters.images.decode import decode_image
from fitfeed.converters.images.encode import encode_image, encode_jpeg, encode_png
from fitfeed.converters.images.resize import resize
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.rejects import ImageError


def picture(height: int, width: int, channels: int = 3) -> np.ndarray:
    rng = np.random.default_rng(height * 1000 + width)
    coarse = rng.integers(0, 256, (4, 4, channels), np.uint8)
    return cv2.resize(coarse, (width, height)).reshape(height, width, channels)


SIDES = st.integers(1, 90)


@given(
    SIDES,
    SIDES,
    SIDES,
    SIDES,
    st.sampled_from(["shorter", "cover", "contain", "stretch"]),
    st.sampled_from([1, 3]),
)
def test_shapes(height: int, width: int, to_height: int, to_width: int, fit: str, channels: int) -> None:
    options = ConvertOptions(size=(to_height, to_width), fit=fit, channels=channels)  # type: ignore[arg-type]
    got = resize(picture(height, width, channels), options).shape
    assert got[2] == channels
    if fit != "shorter":
        assert got[:2] == (to_height, to_width)
        return
    assert got[0] >= to_height
    assert got[1] >= to_width
    assert to_height in got[:1] or to_width in got[1:2]  # one side fits exactly


@pytest.mark.parametrize(
    ("shape", "expected"), [((400, 600), (100, 150)), ((600, 400), (150, 100)), ((50, 50), (100, 100))]
)
def test_shorter_keeps_the_aspect_ratio(shape: tuple[int, int], expected: tuple[int, int]) -> None:
    assert resize(picture(*shape), ConvertOptions(size=(100, 100))).shape[:2] == expected


def test_cover_takes_the_center() -> None:
    pixels = np.zeros((10, 30, 3), np.uint8)
    pixels[:, 10:20] = 200
    got = resize(pixels, ConvertOptions(size=(10, 10), fit="cover"))
    assert (got == 200).all()


def test_contain_pads_with_the_background() -> None:
    pixels = np.full((10, 20, 3), 7, np.uint8)
    got = resize(
        pixels,
        ConvertOptions(size=(20, 20), fit="contain", background=(1, 2, 3)),
    )
    assert (got[5:15] == 7).all()
    assert (got[:5] == (1, 2, 3)).all()
    assert (got[15:] == (1, 2, 3)).all()


def test_shrinking_averages() -> None:
    checkers = np.indices((64, 64)).sum(axis=0) % 2 * 255
    pixels = np.repeat(checkers[:, :, np.newaxis].astype(np.uint8), 3, axis=2)
    got = resize(pixels, ConvertOptions(size=(16, 16)))
    assert set(np.unique(got)) <= {127, 128}


def test_same_size_is_untouched() -> None:
    pixels = picture(40, 40)
    for fit in ("shorter", "cover", "contain", "stretch"):
        got = resize(pixels, ConvertOptions(size=(40, 40), fit=fit))
        np.testing.assert_array_equal(got, pixels)


def test_extreme_aspect_ratio_is_refused_before_memory_is_spent() -> None:
    with pytest.raises(ImageError, match="would become") as caught:
        resize(np.zeros((1, 20_000, 3), np.uint8), ConvertOptions(size=(256, 256)))
    assert caught.value.reason == "bomb"


@pytest.mark.parametrize("channels", [1, 3])
def test_png_and_raw_are_lossless(channels: int) -> None:
    pixels = picture(33, 21, channels)
    read = np.asarray(Image.open(io.BytesIO(encode_png(pixels)))).reshape(pixels.shape)
    np.testing.assert_array_equal(read, pixels)


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_quality_matters(channels: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, channels), np.uint8)
    sizes = [len(encode_jpeg(pixels, quality)) for quality in (10, 50, 90)]
    assert sizes == sorted(sizes)
    image = Image.open(io.BytesIO(encode_jpeg(picture(64, 64, channels), 95)))
    assert image.mode == ("L" if channels == 1 else "RGB")
    assert (
        np.abs(np.asarray(image).reshape(64, 64, channels).astype(int) - picture(64, 64, channels)).mean() < 2
    )


@pytest.mark.parametrize("encoding", ["keep", "jpeg", "png"])
def test_pixels_are_what_a_reader_gets(clothing: Path, encoding: str) -> None:
    data = next(clothing.glob("test/*/*.jpg")).read_bytes()
    options = ConvertOptions(encoding=encoding, size=None if encoding == "keep" else (64, 64))  # type: ignore[arg-type]
    payload, pixels = encode_image(decode_image(data, options), data, options)
    read = np.asarray(Image.open(io.BytesIO(payload)))
    np.testing.assert_array_equal(read, pixels)
    assert (payload == data) == (encoding == "keep")
