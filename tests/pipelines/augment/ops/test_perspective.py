"""Corners that move, and where they are then."""

import numpy as np

from fitfeed.pipelines.augment.compiler.geometry import Geometry
from fitfeed.pipelines.augment.ops.perspective import RandomPerspective, to_square


def project(matrix: np.ndarray, x: float, y: float) -> list[float]:
    x_, y_, w = matrix @ [x, y, 1.0]
    return [round(float(x_ / w), 9), round(float(y_ / w), 9)]


def test_a_quadrangle_becomes_the_unit_square() -> None:
    right, lower, opposite = (1.2, 0.1), (-0.1, 0.9), (1.1, 1.3)
    (matrix,) = to_square(*((np.array([x]), np.array([y])) for x, y in (right, lower, opposite)))
    assert project(matrix, 0, 0) == [0, 0]
    assert project(matrix, *right) == [1, 0]
    assert project(matrix, *lower) == [0, 1]
    assert project(matrix, *opposite) == [1, 1]


def test_the_square_itself_stays_exactly() -> None:
    corners = [(np.array([x]), np.array([y])) for x, y in ((1.0, 0.0), (0.0, 1.0), (1.0, 1.0))]
    assert to_square(*corners).tolist() == [np.eye(3).tolist()]


def test_each_corner_pixel_is_shown_where_it_moved_to() -> None:
    parameters = np.array([[0.3, 0.3, -0.2, 0.4, 0.4, -0.1, -0.3, -0.1]])
    moved = RandomPerspective().move(Geometry.whole([11], [21]), parameters, image_size=None)
    for x, y, number in ((0, 0, 0), (20, 0, 2), (0, 10, 4), (20, 10, 6)):
        share_x, share_y = parameters[0, number : number + 2]
        at = (x * (1 + share_x) + 0.5, y * (1 + share_y) + 0.5)
        assert project(moved.matrix[0], *at) == [x + 0.5, y + 0.5]


def test_a_scale_of_0_and_a_single_row_change_nothing() -> None:
    drawn = RandomPerspective((1, 1), scale=0.0).sample(np.full((1, 10), 0.9))
    assert not drawn.any()
    row = Geometry.whole([1], [21])
    moved = RandomPerspective().move(row, np.full((1, 8), 0.3), image_size=None)
    assert np.allclose(moved.matrix, row.matrix)
