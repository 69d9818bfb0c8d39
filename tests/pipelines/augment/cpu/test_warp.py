"""Interpolation by a matrix, and averaging before it."""

import numpy as np
import pytest

from fitfeed.pipelines.augment.cpu.interpolation import Sampling
from fitfeed.pipelines.augment.cpu.warp import halve, halvings, nearest, warp
from fitfeed.schemas.payload import Pixels
from tests.pipelines.build_dataset import picture


@pytest.fixture
def pixels() -> Pixels:
    return picture(2, 12, 16)


def shift(y: float, x: float) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
    return np.array([[1.0, 0, x], [0, 1, y], [0, 0, 1]])


@pytest.mark.parametrize(
    ("ratio", "times"), [(0.5, 0), (1.0, 0), (1.9, 0), (2.0, 1), (2 - 1e-12, 1), (3.9, 1), (4.0, 2), (9.0, 3)]
)
def test_how_often_a_side_is_halved(ratio: float, times: int) -> None:
    assert halvings(ratio) == times


def test_halving_takes_the_mean_of_pairs(pixels: Pixels) -> None:
    assert halve(pixels, (0, 0)) is pixels
    wide = pixels.astype(float)
    rows = (wide[0::2] + wide[1::2]) / 2
    assert np.abs(halve(pixels, (1, 0)) - rows).max() <= 0.5
    assert halve(pixels[:11, :15], (1, 1)).shape == (5, 7, 3)  # an odd last one is left out
    assert halve(pixels, (2, 1)).shape == (3, 8, 3)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_shift_by_whole_pixels_copies_them(pixels: Pixels, channels: int) -> None:
    pixels = np.ascontiguousarray(pixels[..., :channels])
    sampling = Sampling("bilinear", "constant", 7)
    for method in (warp, nearest):
        out = np.empty_like(pixels)
        method(pixels, shift(2, -3), sampling, out)
        np.testing.assert_array_equal(out[:-2, 3:], pixels[2:, :-3])
        assert (out[-2:] == 7).all()
        assert (out[:, :3] == 7).all()


def test_what_is_outside(pixels: Pixels) -> None:
    expected = {
        "nearest": np.repeat(pixels[:, :1], 3, axis=1),
        "reflect": pixels[:, 2::-1],
        "wrap": pixels[:, -3:],
    }
    for mode, border in expected.items():
        out = np.empty_like(pixels)
        warp(pixels, shift(0, -3), Sampling("bilinear", mode, 0), out)
        np.testing.assert_array_equal(out[:, :3], border)


def test_half_a_pixel_is_the_mean_of_two(pixels: Pixels) -> None:
    out = np.empty((12, 15, 3), np.uint8)
    warp(pixels, shift(0, 0.5), Sampling("bilinear", "constant", 0), out)
    wide = pixels.astype(float)
    assert np.abs(out - (wide[:, :-1] + wide[:, 1:]) / 2).max() <= 1
