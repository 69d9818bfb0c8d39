"""The geometry of one image: crops, flips and sizes, pixel by pixel."""

import numpy as np
import pytest

from fitfeed.pipelines.augment.cpu.resample import CropResize, resample, resample_nearest
from fitfeed.schemas.payload import Pixels
from tests.pipelines.build_dataset import picture


@pytest.fixture
def pixels() -> Pixels:
    return picture(1, 12, 16)


def test_the_whole_image_is_itself(pixels: Pixels) -> None:
    assert np.shares_memory(resample(pixels, CropResize.whole(12, 16)), pixels)
    out = np.empty_like(pixels)
    assert resample(pixels, CropResize.whole(12, 16), out) is out
    np.testing.assert_array_equal(out, pixels)


@pytest.mark.parametrize(
    ("flip", "code", "expected"),
    [
        ((False, False), None, np.s_[:, :]),
        ((True, False), 0, np.s_[::-1, :]),
        ((False, True), 1, np.s_[:, ::-1]),
        ((True, True), -1, np.s_[::-1, ::-1]),
    ],
)
def test_a_crop_of_whole_pixels_is_copied(
    pixels: Pixels, flip: tuple[bool, bool], code: int | None, expected: tuple[slice, slice]
) -> None:
    view = CropResize((2.0, 3.0, 6.0, 8.0), flip, (6, 8))
    assert view.flip_code == code
    assert view.size_of(pixels) == (6, 8)
    np.testing.assert_array_equal(
        view.apply(pixels, np.empty((6, 8, 3), np.uint8)), pixels[2:8, 3:11][expected]
    )
    nearest = resample_nearest(pixels, view, view.sampling)
    np.testing.assert_array_equal(nearest, pixels[2:8, 3:11][expected])


def test_a_half_is_the_mean_of_four_pixels(pixels: Pixels) -> None:
    half = resample(pixels, CropResize((0.0, 0.0, 12.0, 16.0), (False, False), (6, 8)))
    mean = pixels.reshape(6, 2, 8, 2, 3).mean(axis=(1, 3))
    assert np.abs(half - mean).max() <= 1


def test_a_matrix_is_the_same_crop(pixels: Pixels) -> None:
    plain = CropResize((2.0, 3.0, 6.0, 8.0), (False, True), (6, 8))
    matrix = tuple(plain.full_matrix().ravel().tolist())
    warped = CropResize(plain.box, (False, False), plain.size, matrix)
    difference = resample(pixels, warped).astype(int) - resample(pixels, plain)
    assert np.abs(difference).max() <= 1
    np.testing.assert_array_equal(
        resample_nearest(pixels, warped, warped.sampling), resample_nearest(pixels, plain, plain.sampling)
    )


def test_a_part_that_was_decoded_shows_the_same(pixels: Pixels) -> None:
    view = CropResize((4.0, 2.0, 6.0, 10.0), (True, False), (6, 10))
    matrix = tuple(view.full_matrix().ravel().tolist())
    for whole in (view, CropResize(view.box, (False, False), view.size, matrix)):
        part = whole.within(first=3, shrink=1)
        np.testing.assert_allclose(resample(pixels[3:], part), resample(pixels, whole), atol=1)
    smaller = view.within(first=4, shrink=2)
    assert smaller.box == (0.0, 1.0, 3.0, 5.0)
