"""Look-up tables: composed values, and what they say about an image's histogram."""

import numpy as np

from fitfeed.pipelines.augment.compiler.lookup_table import Histogram, LookupPass
from fitfeed.pipelines.augment.ops.tone import RandomPosterization, Solarization

PIXELS = np.array([[[0, 10], [100, 10]], [[200, 250], [200, 10]]], np.uint8)


def test_a_histogram_counts_each_channel() -> None:
    counts = Histogram(PIXELS).counts
    assert counts.shape == (256, 2)
    assert {value: counts[value, 0] for value in (0, 100, 200)} == {0: 1, 100: 1, 200: 2}
    assert {value: counts[value, 1] for value in (10, 250)} == {10: 3, 250: 1}
    assert counts.sum() == 8


def test_the_mean_behind_a_table_is_that_of_the_changed_image() -> None:
    table = np.stack([np.arange(256.0) * 2, 255 - np.arange(256.0)], axis=1)
    assert Histogram(PIXELS).mean(table).tolist() == [250.0, 185.0]


def test_regrouping_counts_by_bins() -> None:
    bins = np.stack([np.arange(256) // 128] * 2, axis=1)
    assert Histogram(PIXELS).regroup(bins, 3).tolist() == [[2, 3], [2, 1], [0, 0]]


def test_a_chain_is_one_table() -> None:
    one = LookupPass(((Solarization(), (0.0, 128.0)), (RandomPosterization(4), (1.0,))))
    assert one.size_of(PIXELS) == (2, 2)
    table = one.table(PIXELS)
    assert table[[0, 127, 128, 255], 0].tolist() == [
        0,
        0,
        0,
        0,
    ]  # 127 at most is left, of which one bit stays
    one = LookupPass(((RandomPosterization(4), (1.0,)), (Solarization(), (0.0, 128.0))))
    assert one.table(PIXELS)[[0, 127, 128, 255], 0].tolist() == [0, 0, 127, 127]
    out = np.empty_like(PIXELS)
    assert one.apply(PIXELS, out) is out
    assert out[..., 0].tolist() == [[0, 0], [127, 127]]
    assert out[..., 1].tolist() == [[0, 0], [127, 0]]
