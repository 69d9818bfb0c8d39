"""Functions of single values, by hand."""

import numpy as np
import pytest

from fitfeed.pipelines.augment.compiler.lookup_table import Histogram, TableAugmentation
from fitfeed.pipelines.augment.ops.tone import AutoContrast, Equalization, RandomPosterization, Solarization

PIXELS = np.array([[[50], [100], [100], [150]]], np.uint8)
VALUES = np.arange(256.0)[:, None]


def becomes(op: TableAugmentation, *parameters: float) -> list[float]:
    """What becomes of the values of the image."""
    table = op.tabulate(VALUES, Histogram(PIXELS), parameters)
    return [round(float(table[value, 0]), 6) for value in PIXELS.ravel()]


@pytest.mark.parametrize(
    ("bits", "values"), [(1, [0, 0, 0, 128]), (3, [32, 96, 96, 128]), (8, [50, 100, 100, 150])]
)
def test_posterization_keeps_the_first_bits(bits: int, values: list[float]) -> None:
    assert becomes(RandomPosterization(4), bits) == values


def test_bits_are_drawn_below_the_upper_bound() -> None:
    uniforms = np.array([[0.0], [0.49], [0.51], [0.999]])
    assert RandomPosterization((3, 5)).sample(uniforms).ravel().tolist() == [3, 3, 4, 4]
    assert RandomPosterization((4, 4)).sample(uniforms).ravel().tolist() == [4, 4, 4, 4]


def test_solarization_adds_and_inverts_what_is_bright() -> None:
    assert becomes(Solarization(), 0, 120) == [50, 100, 100, 105]
    assert becomes(Solarization(), 30, 120) == [80, 125, 125, 75]
    assert becomes(Solarization(), 0, 0) == [205, 155, 155, 105]
    assert Solarization(0.2, (0.0, 1.0)).sample(np.array([[0.5, 0.5]])).tolist() == [[25.5, 127.5]]


def test_contrast_is_stretched_to_both_ends() -> None:
    assert becomes(AutoContrast()) == [0, 127.5, 127.5, 255]
    flat = np.full((2, 2, 1), 9, np.uint8)
    assert AutoContrast().tabulate(VALUES, Histogram(flat), ()).tolist() == VALUES.tolist()


def test_equalization_makes_shares_of_pixels_equal() -> None:
    """Below or at 50, 100, 150: 1, 3, 4 pixels; the first goes to 0, the last to 255."""
    assert becomes(Equalization()) == [0, 170, 170, 255]
