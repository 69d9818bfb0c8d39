"""Exact statistics against NumPy float64."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fitfeed.schemas.statistics import ChannelStatistics, add_histograms, class_weights

IMAGES = hnp.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 3)))


def histogram_of(values: np.ndarray) -> np.ndarray:
    return np.stack([np.bincount(values[:, channel], minlength=256) for channel in range(values.shape[1])])


@given(IMAGES)
def test_agrees_with_numpy(values: np.ndarray) -> None:
    statistics = ChannelStatistics(histogram_of(values))
    wide = values.astype(np.float64)
    np.testing.assert_allclose(statistics.mean, wide.mean(axis=0), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(statistics.std, wide.std(axis=0), rtol=1e-9, atol=1e-6)
    assert statistics.min == values.min(axis=0).tolist()
    assert statistics.max == values.max(axis=0).tolist()
    assert statistics.pixels == len(values)


@given(IMAGES, st.floats(0, 100))
def test_percentiles_agree_with_numpy(values: np.ndarray, p: float) -> None:
    ours = ChannelStatistics(histogram_of(values)).percentile(p)
    assert ours == np.percentile(values, p, axis=0, method="inverted_cdf").tolist()


def test_does_not_lose_precision_over_a_trillion_pixels() -> None:
    histogram = np.zeros((1, 256), np.int64)
    histogram[0, [100, 101]] = 10**12, 1
    statistics = ChannelStatistics(histogram)
    # float64 sums of squares would answer 0 or noise here
    assert statistics.std[0] == pytest.approx(1e-6, rel=1e-9)


@given(st.lists(IMAGES.filter(lambda image: image.shape[1] == 3), min_size=1, max_size=6), st.randoms())
def test_sums_do_not_depend_on_order(images: list[np.ndarray], shuffler) -> None:  # type: ignore[no-untyped-def]
    histograms = [histogram_of(image).astype(np.int64) for image in images]
    whole = add_histograms(histograms, channels=3)
    shuffler.shuffle(histograms)
    np.testing.assert_array_equal(add_histograms(histograms, channels=3), whole)
    np.testing.assert_array_equal(whole, histogram_of(np.concatenate(images)))


def test_constant_channel_has_no_deviation() -> None:
    assert ChannelStatistics(histogram_of(np.full((50, 1), 7, np.uint8))).std == [0.0]


@pytest.mark.parametrize(
    "histogram",
    [
        np.zeros((3, 256), int),
        np.ones((3, 255), int),
        np.ones(256, int),
        np.ones((1, 256)),
        -np.ones((1, 256), int),
    ],
)
def test_refuses_what_is_no_histogram(histogram: np.ndarray) -> None:
    with pytest.raises(ValueError, match="Received"):
        ChannelStatistics(histogram)


def test_unequal_channels_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\[256, 512\]"):
        ChannelStatistics(np.stack([np.ones(256, int), np.full(256, 2)]))


@pytest.mark.parametrize("p", [-1, 100.5])
def test_percentile_range(p: float) -> None:
    with pytest.raises(ValueError, match=f"p={p}"):
        ChannelStatistics(np.ones((1, 256), int)).percentile(p)


def test_class_weights_balance() -> None:
    counts = [10, 30, 0, 60]
    weights = class_weights(counts)
    assert weights[2] == 0
    assert [weights[label] * count for label, count in enumerate(counts) if count] == pytest.approx(
        [25, 25, 25]
    )
