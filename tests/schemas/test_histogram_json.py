"""Histograms of 65,536 bins, and all that follows from them, against NumPy in float64."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fitfeed.schemas.base_model import MAX_COUNT
from fitfeed.schemas.histogram_json import SPARSE_BYTES, histogram_from_json, histogram_to_json
from fitfeed.schemas.statistics import ChannelStatistics, Histogram, add_histograms
from tests.effort import tries

LEVELS = 65_536


def of(pixels: Any) -> Histogram:
    """uint16 (n, channels)."""
    return np.stack([np.bincount(channel, minlength=LEVELS) for channel in pixels.T]).astype(np.int64)


@settings(max_examples=tries(40))
@given(hnp.arrays(np.uint16, st.tuples(st.integers(1, 300), st.sampled_from([1, 3]))), st.floats(0, 100))
def test_statistics_are_exact(pixels: Any, percentage: float) -> None:
    exact = ChannelStatistics(of(pixels))
    wide = pixels.astype(np.float64)
    assert exact.mean == pytest.approx(wide.mean(axis=0), rel=1e-12)
    assert exact.std == pytest.approx(wide.std(axis=0), rel=1e-9, abs=1e-9)
    assert exact.min == wide.min(axis=0).tolist()
    assert exact.max == wide.max(axis=0).tolist()
    assert exact.brightest == 65_535
    expected = np.percentile(pixels, percentage, axis=0, method="inverted_cdf")
    assert exact.percentile(percentage) == expected.tolist()


@settings(max_examples=tries(40))
@given(hnp.arrays(np.uint16, st.tuples(st.integers(0, 300), st.sampled_from([1, 3]))))
def test_json_is_lossless_and_says_only_what_occurs(pixels: Any) -> None:
    histogram = of(pixels)
    content = json.loads(json.dumps(histogram_to_json(histogram)))
    assert np.array_equal(histogram_from_json(content, 16), histogram)
    for text, channel in zip(content, pixels.T, strict=True):
        pairs = {int(pair.split(":")[0]): int(pair.split(":")[1]) for pair in text.split()}
        values, counts = np.unique(channel, return_counts=True)
        assert pairs == dict(zip(values.tolist(), counts.tolist(), strict=True))


def test_the_largest_text_is_as_long_as_planned_for() -> None:
    histogram = np.full((1, LEVELS), 10**10 - 1)
    (text,) = histogram_to_json(histogram)
    assert len(text) < SPARSE_BYTES
    assert np.array_equal(histogram_from_json([text], 16), histogram)


def test_sums_are_of_one_depth() -> None:
    one = of(np.array([[3], [65_535]], np.uint16))
    total = add_histograms([one, one], channels=1, depth=16)
    assert histogram_to_json(total) == ["3:2 65535:2"]
    assert histogram_to_json(add_histograms([], channels=2, depth=16)) == ["", ""]
    with pytest.raises(ValueError, match="broadcast"):
        add_histograms([one], channels=1)


@pytest.mark.parametrize(
    "text",
    [
        "3:1 3:1", "4:1 3:1", "65536:1", "3:0", "-1:1", "3:-1", f"3:{MAX_COUNT} 4:1", "3", "3:1:1", "a:1", "3:1  4:1", "3:1 ",
    ],
)  # fmt: skip
def test_what_is_no_histogram_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="histogram"):
        histogram_from_json([text], 16)


@pytest.mark.parametrize(("content", "depth"), [([[1] * 256], 16), (["3:1"], 8), ([[1] * 255], 8)])
def test_the_kind_follows_from_the_depth(content: Any, depth: Any) -> None:
    with pytest.raises(ValueError, match="histogram"):
        histogram_from_json(content, depth)
