"""Compiled loops against NumPy and the standard library, in float64."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fitfeed.pipelines.arrays import numba_kernels
from fitfeed.schemas.payload import Pixels
from tests.effort import tries
from tests.pipelines.augment.reference import Floats
from tests.pipelines.build_dataset import picture
from tests.pipelines.device.executors import through_hsv

NO_MEAN = np.zeros((3, 3))


def recolored(
    image: Pixels,
    matrix: Floats,
    mean: Floats = NO_MEAN,
    hue_shift: float = 0.0,
    saturation_scale: float = 1.0,
) -> Pixels:
    out = np.full_like(image, 99)
    numba_kernels.recolor(
        image.reshape(len(image), -1), matrix, mean, hue_shift, saturation_scale, out.reshape(len(out), -1)
    )
    return out


def expected(
    image: Pixels, matrix: Floats, mean: Floats, hue_shift: float, saturation_scale: float
) -> Floats:
    """Through HSV, pixel by pixel; a saturation above 1 leaves colours that are clipped."""
    linear = image @ matrix[:, :3].T + mean @ image.mean(axis=(0, 1)) + matrix[:, 3]
    return np.clip(through_hsv(np.clip(linear, 0, 255), hue_shift, saturation_scale), 0, 255)


matrices = st.sampled_from(
    [
        np.eye(3, 4),
        np.array([[1.3, 0, 0, -20], [0, 0.8, 0, 15], [0, 0, 1.1, 0.4]]),
        np.array([[0.5, 0.3, 0.2, 7], [0.1, 0.9, 0, -3], [0.2, 0.2, 0.6, 0]]),
    ]
)
means = st.sampled_from([NO_MEAN, -0.2 * np.eye(3), np.full((3, 3), 0.05)])


@given(
    matrix=matrices,
    mean=means,
    hue_shift=st.floats(-3, 3) | st.sampled_from([n / 6 for n in range(-7, 8)]),
    saturation_scale=st.floats(0, 3) | st.sampled_from([0.0, 1.0, 1e4]),
    size=st.tuples(st.integers(1, 3), st.integers(1, 70)),  # colorsys takes one pixel at a time
)
@settings(max_examples=tries(150))
def test_recolor_rounds_what_float64_gives(
    matrix: Floats, mean: Floats, hue_shift: float, saturation_scale: float, size: tuple[int, int]
) -> None:
    image = picture(1, *size)
    off = np.abs(
        recolored(image, matrix, mean, hue_shift, saturation_scale)
        - expected(image, matrix, mean, hue_shift, saturation_scale)
    )
    # Rounding errors of float32 grow with the gain; where it is large, hardly a value is between 0 and 255.
    assert off.max() <= 0.5 + 1e-4 * max(1, saturation_scale)


@given(
    hue_shift=st.sampled_from([0.0, 0.03, -0.4]),
    saturation_scale=st.sampled_from([1.0, 1.2]),
    matrix=matrices,
)
def test_recolor_in_place_is_recolor(hue_shift: float, saturation_scale: float, matrix: Floats) -> None:
    image = picture(2, 20, 37)
    apart = recolored(image, matrix, -0.1 * np.eye(3), hue_shift, saturation_scale)
    rows = image.reshape(len(image), -1)
    numba_kernels.recolor(rows, matrix, -0.1 * np.eye(3), hue_shift, saturation_scale, rows)
    np.testing.assert_array_equal(image, apart)


def test_means_of_many_bright_rows() -> None:
    """More than fit into a sum of 16 bits."""
    image = np.full((700, 5, 3), 255, np.uint8)
    image[:, :, 1] = 254
    np.testing.assert_array_equal(recolored(image, np.zeros((3, 4)), np.eye(3)), image)


def test_compiles_where_nothing_can_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container without a home, whose packages are read-only."""
    monkeypatch.setattr("numba.core.caching.CacheImpl._locator_classes", [])

    def double(value: int) -> int:
        return 2 * value

    assert numba_kernels.compiled(double)(21) == 42
