"""Geometry as matrices: where the pixels of an output come from."""

from typing import Any

import numpy as np
import pytest

from fitfeed.pipelines.augment.compiler.geometry import Geometry, about_center, diagonal, matrices, move


def place(geometry: Geometry, x: float, y: float) -> list[float]:
    """Where a place of the first output is in its source."""
    x_, y_, w = geometry.matrix[0] @ [x, y, 1.0]
    return [float(x_ / w), float(y_ / w)]


def whole(height: int = 10, width: int = 20) -> Geometry:
    return Geometry.whole([height], [width])


def test_whole_images_are_where_they_are() -> None:
    assert place(whole(), 3, 4) == [3, 4]
    assert whole().size.tolist() == [[10, 20]]
    assert whole().box.tolist() == [[0, 0, 10, 20]]


def test_a_crop_begins_elsewhere() -> None:
    one = np.array([1])
    cropped = whole().crop(2 * one, 5 * one, 6 * one, 8 * one)
    assert place(cropped, 0, 0) == [5, 2]
    assert cropped.size.tolist() == [[6, 8]]
    assert cropped.box.tolist() == [[2, 5, 6, 8]]


def test_resizing_scales_the_places() -> None:
    resized = whole().resize(5, 40)
    assert place(resized, 40, 5) == [20, 10]
    assert place(resized, 10, 1) == [5, 2]
    assert resized.size.tolist() == [[5, 40]]


def test_mirrors_look_from_the_other_side() -> None:
    yes, no = np.array([True]), np.array([False])
    assert place(whole().mirror(no, yes), 0, 3) == [20, 3]
    assert place(whole().mirror(yes, no), 4, 0) == [4, 10]
    assert place(whole().mirror(no, no), 4, 1) == [4, 1]


def test_operations_follow_each_other() -> None:
    """Of the left half, mirrored and twice as large: its right edge is the output's left one."""
    one = np.array([1])
    shown = whole().crop(0 * one, 0 * one, 10 * one, 10 * one)
    shown = shown.mirror(np.array([False]), np.array([True])).resize(20, 20)
    assert place(shown, 0, 0) == [10, 0]
    assert place(shown, 20, 20) == [0, 10]


def test_between_pixel_numbers_the_center_of_the_first_is_0() -> None:
    scaled = whole().transform_pixels(diagonal(2.0, 2.0))
    assert place(scaled, 0.5, 0.5) == [0.5, 0.5]
    assert place(scaled, 1.5, 0.5) == [2.5, 0.5]


def test_the_center_stays() -> None:
    turned = whole().transform(about_center(whole(), diagonal(3.0, 3.0)))
    assert place(turned, 10, 5) == [10, 5]
    assert place(turned, 11, 5) == [13, 5]


@pytest.mark.parametrize("x", [2.0, np.array([2.0, 3.0])])
def test_matrices_from_numbers_and_arrays(x: Any) -> None:
    made = move(x, 7)
    assert made.shape == (*np.shape(x), 3, 3)
    assert made[..., 0, 2].tolist() == np.asarray(x).tolist()
    assert np.all(made[..., 1, 2] == 7)
    assert matrices(1, 2, 3, 4, 5, 6, 7, 8, 9).tolist() == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
