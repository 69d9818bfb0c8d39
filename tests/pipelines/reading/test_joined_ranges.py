"""Requests that cover every range, once, with little between them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fitfeed.pipelines.reading import joined_ranges
from fitfeed.pipelines.reading.joined_ranges import JoinedRanges, join_ranges
from tests.effort import tries


def joined(ranges: list[tuple[int, int, int]]) -> JoinedRanges:
    shards, offsets, lengths = np.array(ranges, np.int64).T
    return join_ranges(shards.astype(np.int32), offsets, lengths)


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 200_000), st.integers(1, 30_000)), min_size=1, max_size=30
    ),
    st.sampled_from([1, 50_000, 4 << 20]),
)
@settings(max_examples=tries(100), deadline=None)
def test_each_range_is_where_it_is_said_to_be(ranges: list[tuple[int, int, int]], largest: int) -> None:
    files = np.random.default_rng(0).integers(0, 256, (3, 240_000), np.uint8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(joined_ranges, "MAX_JOINED_BYTES", largest)
        result = joined(ranges)
    memory = np.zeros(result.bytes, np.uint8)
    bounds = result.bounds.tolist()
    for shard, offset, first, stop in zip(result.shards, result.offsets, bounds, bounds[1:], strict=False):
        memory[first:stop] = files[shard, offset : offset + stop - first]
    for place, (shard, offset, length) in enumerate(ranges):
        start, request = int(result.starts[place]), int(result.request[place])
        assert bounds[request] <= start
        assert start + length <= bounds[request + 1]
        assert np.array_equal(memory[start : start + length], files[shard, offset : offset + length])
    # Nothing is requested that is far from all ranges.
    wanted = sum(length for _, _, length in ranges)
    assert result.bytes <= wanted + (len(ranges) - len(result.shards)) * joined_ranges.MAX_GAP


def test_near_ranges_are_one_request_and_far_ones_are_not() -> None:
    gap = joined_ranges.MAX_GAP
    near = joined([(0, 0, 100), (0, 100 + gap, 50), (1, 100, 5)])
    assert (near.shards.tolist(), near.offsets.tolist()) == ([0, 1], [0, 100])
    assert near.bounds.tolist() == [0, 150 + gap, 155 + gap]
    apart = joined([(0, 101 + gap, 50), (0, 0, 100)])
    assert apart.offsets.tolist() == [0, 101 + gap]
    assert apart.starts.tolist() == [100, 0]


def test_the_same_range_twice_is_requested_once() -> None:
    result = joined([(0, 10, 20), (0, 10, 20), (0, 10, 20)])
    assert (result.bytes, result.starts.tolist()) == (20, [0, 0, 0])


def test_large_requests_are_cut_between_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joined_ranges, "MAX_JOINED_BYTES", 250)
    result = joined([(0, place * 100, 100) for place in range(7)])
    assert np.diff(result.bounds).tolist() == [200, 200, 200, 100]
