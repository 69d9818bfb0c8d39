"""Counts of pixels are exact, and the brightness of an image is that of NumPy in float64, rounded."""

from array import array

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.converters.images import pixel_counter
from fitfeed.converters.images.pixel_counter import LUMA, PixelCounter
from fitfeed.schemas.bit_depth import Depth, unit_of
from fitfeed.schemas.payload import Pixels

WHITE = 255 * 256


def counted(*images: Pixels) -> PixelCounter:
    depth: Depth = 8 if images[0].dtype == np.uint8 else 16
    counter = PixelCounter(channels=images[0].shape[2], depth=depth)
    for image in images:
        counter.add(image)
    return counter


def brightness(pixels: Pixels) -> tuple[int, int]:
    (mean,), (deviation,) = counted(pixels).brightness()
    return mean, deviation


def exact_brightness(pixels: Pixels) -> tuple[float, float]:
    """By definition, not rounded."""
    weights = np.array(LUMA[pixels.shape[2]]) / 65_536
    values = pixels.reshape(-1, pixels.shape[2]).astype(np.float64) / unit_of(pixels) * 256
    return float((values @ weights).mean()), float(np.sqrt(values.var(axis=0) @ weights))


IMAGES = st.builds(
    lambda height, width, channels, dtype, levels, seed: (
        np.random.default_rng(seed)
        .integers(0, 1 + min(levels, np.iinfo(dtype).max), (height, width, channels))
        .astype(dtype)
    ),
    *(st.integers(1, 30), st.integers(1, 30), st.sampled_from([1, 3])),
    *(st.sampled_from([np.uint8, np.uint16]), st.integers(0, 65_535), st.integers(0, 2**32 - 1)),
)


@given(IMAGES)
def test_brightness_is_that_of_float64_rounded(pixels: Pixels) -> None:
    for got, exact in zip(brightness(pixels), exact_brightness(pixels), strict=True):
        assert abs(got - exact) <= 0.5 + 1e-6


@given(IMAGES)
def test_a_deviation_is_at_least_that_of_luma(pixels: Pixels) -> None:
    luma = pixels.astype(np.float64) @ (np.array(LUMA[pixels.shape[2]]) / 65_536) / unit_of(pixels) * 256
    assert brightness(pixels)[1] >= luma.std() - 0.5 - 1e-6


@given(st.lists(IMAGES, min_size=2, max_size=5), st.integers(1, 3 << 13), st.integers(1, 200))
def test_images_that_are_counted_together_are_as_they_are_alone(
    images: list[Pixels], waiting_bytes: int, pixels_per_call: int
) -> None:
    shape = images[0].shape[2:]
    same = [image for image in images if image.dtype == images[0].dtype and image.shape[2:] == shape]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pixel_counter, "WAITING_BYTES", waiting_bytes)
        patch.setattr(pixel_counter, "MAX_PIXELS_PER_CALL", pixels_per_call)
        counter = counted(*same)
    assert list(zip(*counter.brightness(), strict=True)) == [brightness(image) for image in same]
    levels = counter.histogram().shape[1]
    values = np.concatenate([image.reshape(-1, *shape) for image in same])
    expected = np.stack([np.bincount(channel, minlength=levels) for channel in values.T])
    np.testing.assert_array_equal(counter.histogram(), expected)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_brightest_and_the_most_varied_image(channels: int, dtype: type) -> None:
    pixels: Pixels = np.full((64, 64, channels), np.iinfo(dtype).max, dtype)
    assert brightness(pixels) == (WHITE, 0)
    pixels[::2] = 0
    assert brightness(pixels) == (WHITE // 2, WHITE // 2)


@pytest.mark.parametrize("value", [1, 77, 254])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_flat_image_does_not_vary(value: int, dtype: type) -> None:
    pixels: Pixels = np.full((3001, 2003, 1), value * (1 if dtype is np.uint8 else 257), dtype)
    assert brightness(pixels) == (value * 256, 0)


def test_colors_of_one_luma_vary() -> None:
    pixels = np.zeros((10, 10, 3), np.uint8)
    pixels[:5, :, 0], pixels[5:, :, 2] = 57, 150  # 17.0 and 17.1
    assert brightness(pixels)[1] > 20 * 256


def test_halves_are_rounded_up() -> None:
    pixels = np.zeros((1, 512, 1), np.uint8)
    pixels[0, 0] = 1
    assert brightness(pixels)[0] == 1  # of half a step
    assert brightness(np.concatenate([pixels, pixels[:, -1:]], axis=1))[0] == 0


def test_16_bits_are_as_bright_as_the_8_that_they_are_widened_from() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    assert brightness(pixels.astype(np.uint16) * 257) == brightness(pixels)


def test_counts_are_exact_beyond_float32() -> None:
    pixels = np.full((4100, 4200, 1), 9, np.uint8)  # 17.2 million in one bin; float32 counts to 16.7
    assert counted(pixels).histogram()[0, 9] == 4100 * 4200


def test_nothing_counted() -> None:
    counter = PixelCounter(channels=3, depth=8)
    assert not counter.histogram().any()
    assert counter.brightness() == (array("H"), array("H"))
