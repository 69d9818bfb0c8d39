"""Rotation, zoom, shear and translation: where a place of the output comes from."""

import math

import numpy as np
import pytest

from fitfeed.pipelines.augment.compiler.geometry import GeometricAugmentation, Geometry
from fitfeed.pipelines.augment.ops.affine import (
    RandomRotation,
    RandomShear,
    RandomTranslation,
    RandomZoom,
    rotation,
    shear,
)


def source_of(op: GeometricAugmentation, parameters: list[float], x: float, y: float) -> list[float]:
    """Where a place of the output is in an image of 10 x 20 pixels."""
    moved = op.move(Geometry.whole([10], [20]), np.array([parameters]), image_size=None)
    return [round(float(value), 9) for value in (moved.matrix[0] @ [x, y, 1.0])[:2]]


def test_a_quarter_turn_is_counter_clockwise() -> None:
    """What is shown at the top was at the right."""
    assert source_of(RandomRotation(0.5), [0.25], 10, 0) == [15, 5]
    assert source_of(RandomRotation(0.5), [0.25], 10, 5) == [10, 5]


def test_zooming_shows_more_or_less_about_the_center() -> None:
    assert source_of(RandomZoom(0.5), [1.2, 1.0], 0, 0) == [0, -1]
    assert source_of(RandomZoom(0.5), [1.0, 0.5], 0, 0) == [5, 0]


def test_one_factor_keeps_the_aspect_ratio() -> None:
    drawn = RandomZoom((0.1, 0.3)).sample(np.array([[0.5, 0.0]]))
    assert drawn.tolist() == [[1.2, 1.2]]
    assert RandomZoom((0.1, 0.3), (0.0, 0.0)).sample(np.array([[0.5, 0.0]])).tolist() == [[1.2, 1.0]]


def test_a_shift_is_a_share_of_the_sides() -> None:
    """Down by 1 and to the right by 10: the first pixel shown comes from outside."""
    assert source_of(RandomTranslation(0.5, 0.5), [0.1, 0.5], 0, 0) == [-10, -1]


def test_shearing_begins_at_the_first_pixel() -> None:
    assert source_of(RandomShear(0.5), [0.5, 0.0], 0.5, 0.5) == [0.5, 0.5]
    assert source_of(RandomShear(0.5), [0.5, 0.0], 0.5, 4.5) == [2.5, 4.5]


@pytest.mark.parametrize(("uniform", "sign"), [(0.2, 1), (0.8, -1)])
def test_both_factors_of_a_shear_have_one_sign(uniform: float, sign: int) -> None:
    drawn = RandomShear((0.1, 0.1), (0.2, 0.2)).sample(np.array([[uniform, 0.5, 0.5]]))
    assert np.allclose(drawn, [[sign * 0.1, sign * 0.2]])


def test_matrices() -> None:
    assert np.allclose(rotation(np.array([math.pi / 2])), [[[0, -1, 0], [1, 0, 0], [0, 0, 1]]])
    assert shear(np.array([2.0]), np.array([3.0])).tolist() == [[[1, 2, 0], [3, 1, 0], [0, 0, 1]]]
