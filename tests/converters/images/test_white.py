"""The white of files with more than 8 bits: what they say, what the user says, and exact scaling."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fitfeed.converters.images.decode import DecodedImage, decode_image
from fitfeed.converters.images.white import to_white
from fitfeed.converters.options import ConvertOptions
from fitfeed.schemas.errors import UsageError
from tests.deep import noise, png, tiff
from tests.effort import tries


def decoded(data: bytes, **options: Any) -> DecodedImage:
    return decode_image(data, ConvertOptions(**options))


def by_floats(values: npt.NDArray[Any], white: int) -> npt.NDArray[np.int64]:
    """0..white as 0..65535, in float64."""
    scaled = np.floor(np.minimum(values, white).astype(np.float64) / white * 65_535 + 0.5)
    return np.asarray(scaled, np.int64)


WHITES = st.integers(1, 65_535) | st.sampled_from([1, 255, 256, 1023, 4095, 16_383, 65_534, 65_535])
SEEDS = st.integers(0, 1000)


@given(WHITES, st.integers(1, 4), SEEDS)
@settings(max_examples=tries(200))
def test_scaling_is_exact_and_leaves_alpha_alone(white: int, count: int, seed: int) -> None:
    samples = noise(3, 5, count, seed=seed)
    samples[0, 0], samples[0, 1] = white, 0
    colors = count - 1 if count in (2, 4) else count
    scaled = to_white(samples, white)
    assert scaled.dtype == np.uint16
    expected = by_floats(samples[..., :colors], white)
    # A half that float64 cannot hold may be rounded to either side.
    assert np.abs(scaled[..., :colors] - expected).max() <= (0 if white < 40_000 else 1)
    assert (scaled[0, 0, :colors] == 65_535).all()
    assert (scaled[0, 1, :colors] == 0).all()
    assert np.array_equal(scaled[..., colors:], samples[..., colors:])


def test_large_images_are_scaled_in_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = noise(40, 7, 4)
    at_once = to_white(samples, 4095)
    monkeypatch.setattr("fitfeed.converters.images.white.PIXELS_AT_ONCE", 20)
    assert np.array_equal(to_white(samples, 4095), at_once)


@given(st.sampled_from([9, 10, 12, 14, 16]), st.sampled_from([1, 3]), SEEDS, st.booleans())
@settings(max_examples=tries(100))
def test_no_level_is_lost_however_many_bits_a_camera_has(
    bits: int, count: int, seed: int, as_tiff: bool
) -> None:
    """With the right white, 8 bits are the upper 8 of those that there are, and 16 bits keep every value apart."""
    white = (1 << bits) - 1
    samples = noise(4, 5, count, seed=seed) >> np.uint16(16 - bits)
    data = tiff(samples) if as_tiff else png(samples)
    shallow = decoded(data, white=white)
    assert np.abs(shallow.pixels - (samples >> (bits - 8)).astype(int)).max() <= 1
    deep = decoded(data, white=white, depth=16)
    assert np.array_equal(deep.pixels, np.broadcast_to(by_floats(samples, white), (4, 5, 3)))
    assert deep.facts.largest == samples.max()
    assert not (deep.keepable and bits < 16)


@pytest.mark.parametrize("data", [png(noise(4, 5, 1)), png(noise(4, 5, 3)), tiff(noise(4, 5, 3))])
def test_without_an_option_the_upper_8_bits_are_kept(data: bytes) -> None:
    plain, explicit = decoded(data), decoded(data, white=65_535)
    assert np.array_equal(plain.pixels, explicit.pixels)
    exact = int(decoded(data, depth=16).facts.largest)
    assert 0 <= plain.facts.largest - exact < 256  # colors are decoded to their upper 8 bits only


def test_files_of_8_bits_have_no_other_white() -> None:
    picture = png(noise(4, 5, 3).astype(np.uint8))
    for depth in (8, 16):
        plain, given_white = decoded(picture, depth=depth), decoded(picture, depth=depth, white=100)
        assert np.array_equal(plain.pixels, given_white.pixels)
        assert given_white.facts.largest == 0


def test_values_above_white_are_white_and_known() -> None:
    samples = np.array([[[0], [100], [200], [201], [65_535]]], np.uint16)
    found = decoded(png(samples), white=200, channels=1)
    assert found.pixels.ravel().tolist() == [0, 128, 255, 255, 255]
    assert found.facts.largest == 65_535


def test_where_white_is_zero_the_named_value_is_black() -> None:
    samples = np.array([[[0], [4095], [1000], [5000]]], np.uint16)
    data = tiff(samples, photometric=0)
    assert decoded(data, white=4095, channels=1).pixels.ravel().tolist() == [255, 0, 193, 0]
    assert decoded(data, channels=1).pixels.ravel().tolist() == [255, 240, 252, 236]


@pytest.mark.parametrize("white", [0, -1, 65_536, "4095", 1.5])
def test_other_whites_are_refused(white: Any) -> None:
    with pytest.raises(UsageError, match="white must be a whole number, 1 to 65535"):
        ConvertOptions(white=white)


def test_a_manifest_records_a_white_that_was_given() -> None:
    assert "white" not in ConvertOptions().to_json()
    options = ConvertOptions(white=4095)
    assert options.to_json()["white"] == 4095
    assert ConvertOptions.from_json(options.to_json()) == options
