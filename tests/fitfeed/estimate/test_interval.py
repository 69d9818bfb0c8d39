"""Intervals of the bootstrap."""

import numpy as np

from fitfeed.estimate.interval import CONFIDENCE, Interval, mean_interval


def test_the_truth_is_in_about_nine_of_ten() -> None:
    drawn = np.random.default_rng(1)
    found = [mean_interval(drawn.gamma(4.0, 2.5, 8).tolist()) for _ in range(300)]
    share = np.mean([each.low <= 10.0 <= each.high for each in found])
    assert CONFIDENCE - 0.1 < share < CONFIDENCE + 0.05


def test_one_part_is_a_point() -> None:
    assert mean_interval([3.0]) == Interval(value=3.0, low=3.0, high=3.0)


def test_equal_parts_leave_no_doubt() -> None:
    assert mean_interval([2.0, 2.0, 2.0]) == Interval(value=2.0, low=2.0, high=2.0)


def test_more_spread_is_a_wider_interval_around_the_mean() -> None:
    narrow, wide = mean_interval([9.0, 10.0, 11.0, 10.0]), mean_interval([5.0, 10.0, 15.0, 10.0])
    assert narrow.value == wide.value == 10.0
    assert wide.low < narrow.low < 10.0 < narrow.high < wide.high


def test_nothing_is_negative() -> None:
    assert mean_interval([0.1, 30.0]).low >= 0.1


def test_arithmetic() -> None:
    interval = Interval(value=4.0, low=2.0, high=8.0)
    assert interval.times(2) == Interval(value=8.0, low=4.0, high=16.0)
    assert interval.plus(1) == Interval(value=5.0, low=3.0, high=9.0)
    assert interval.inverse() == Interval(value=0.25, low=0.125, high=0.5)
