"""Filters, against the weights that they stand for."""

import numpy as np
import pytest

from fitfeed.pipelines.augment.ops.filters import RandomGaussianBlur, RandomSharpness, sharpen
from fitfeed.schemas.errors import UsageError

DOT = np.zeros((5, 5, 1), np.uint8)
DOT[2, 2] = 130


def test_smoothing_spreads_a_dot_over_its_neighbors() -> None:
    out = np.empty_like(DOT)
    sharpen(DOT, 0.0, out)
    assert out[1:4, 1:4, 0].tolist() == [[10, 10, 10], [10, 50, 10], [10, 10, 10]]
    assert int(out.sum()) == 130


def test_an_amount_of_1_is_the_image_and_more_sharpens() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (6, 7, 3), np.uint8)
    out = np.empty_like(pixels)
    sharpen(pixels, 1.0, out)
    assert np.array_equal(out, pixels)
    sharpen(DOT, 2.0, out := np.empty_like(DOT))
    assert out[2, 2, 0] == 210
    assert out[1, 1, 0] == 0  # below 0, and cut there


def test_only_images_with_another_factor_are_changed() -> None:
    op = RandomSharpness((0.0, 1.0))
    assert op.changes(op.sample(np.array([[0.0], [0.5], [1.0]]))).tolist() == [True, False, True]


def test_a_narrow_blur_changes_nothing_and_a_wide_one_averages() -> None:
    op = RandomGaussianBlur(kernel_size=3)
    out = np.empty_like(DOT)
    op.filter(DOT, (1.0, 1e-6, 1e-6), out)
    assert np.array_equal(out, DOT)
    op.filter(DOT, (1.0, 1e6, 1e6), out)
    assert set(out[1:4, 1:4].ravel().tolist()) == {14}  # 130 / 9
    op.filter(DOT, (1.0, 1e6, 1e-6), out)
    assert out[2, :, 0].tolist() == [0, 43, 43, 43, 0]  # along x only


def test_half_of_the_images_are_blurred() -> None:
    op = RandomGaussianBlur()
    drawn = op.sample(np.random.default_rng(1).random((4000, op.draws)))
    assert abs(op.changes(drawn).mean() - 0.5) < 0.03
    assert drawn[:, 1:].min() > 0


@pytest.mark.parametrize("size", [2, 0, (3, 4), (3, 3, 3), 1.5])
def test_kernels_have_a_middle(size: object) -> None:
    with pytest.raises(UsageError, match="an odd number of pixels"):
        RandomGaussianBlur(kernel_size=size)  # type: ignore[arg-type]
