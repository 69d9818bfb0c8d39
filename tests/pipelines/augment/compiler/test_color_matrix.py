"""Linear operations on colors, composed, against the same done one by one."""

import numpy as np

from fitfeed.pipelines.augment.compiler.color_matrix import GRAY, Color, ColorPass

MEAN = np.array([100.0, 50.0, 20.0])
X = np.array([10.0, 20.0, 200.0])


def of(color: Color, x: object = X) -> list[float]:
    """What becomes of a color, in an image of that mean."""
    return [round(float(value), 6) for value in color.pixel[0] @ x + color.mean[0] @ MEAN + color.shift[0]]


def one(value: float) -> np.ndarray:
    return np.array([value])


def test_nothing_changes_at_first() -> None:
    color = Color.identity(3)
    assert of(color) == X.tolist()
    assert color.is_diagonal().tolist() == [True, True, True]


def test_adding_and_multiplying_follow_each_other() -> None:
    assert of(Color.identity(1).add(one(5)).multiply(one(2))) == [30, 50, 410]
    assert of(Color.identity(1).multiply(one(2)).add(one(5))) == [25, 45, 405]


def test_stretching_keeps_the_mean_of_the_image_so_far() -> None:
    assert of(Color.identity(1).stretch(one(0.5))) == [55, 35, 110]
    assert of(Color.identity(1).stretch(one(0))) == MEAN.tolist()
    brighter = Color.identity(1).add(one(10))
    assert of(brighter.stretch(one(0))) == (MEAN + 10).tolist()
    assert of(brighter.stretch(one(3)).stretch(one(0))) == (MEAN + 10).tolist()


def test_blending_replaces_by_gray() -> None:
    gray = float(GRAY @ X)
    assert np.allclose(of(Color.identity(1).blend_gray(one(1))), gray)
    assert np.allclose(of(Color.identity(1).blend_gray(one(0.5))), (X + gray) / 2)
    assert Color.identity(1).blend_gray(one(0.5)).is_diagonal().tolist() == [False]


def test_rows_are_taken_out() -> None:
    color = Color.identity(3).add(np.array([1.0, 2.0, 3.0]))[np.array([2, 0])]
    assert color.shift[:, 0].tolist() == [3, 1]


def test_a_pass_writes_the_image_about_its_mean() -> None:
    pixels = np.array([[[10, 20, 200]], [[30, 40, 100]]], np.uint8)  # of mean 20, 30, 150
    half = ColorPass(np.eye(3, 4) * 0.5, np.eye(3) * 0.5)
    out = half.apply(pixels, np.empty_like(pixels))
    assert half.size_of(pixels) == (2, 1)
    assert out.tolist() == [[[15, 25, 175]], [[25, 35, 125]]]


def test_a_gray_pixel_is_three_equal_channels() -> None:
    pixels = np.array([[[10], [100]]], np.uint8)
    matrix = np.array([[0.5, 0.25, 0.25, 7.0]] * 3)
    assert ColorPass(matrix, None).apply(pixels, np.empty_like(pixels)).tolist() == [[[17], [107]]]
