"""Ranges of a batch: who asks for them together, and what is said when they cannot be read."""

import gc
import weakref
from collections.abc import Sequence

import pytest

from fitfeed.pipelines.reading import range_reads
from fitfeed.pipelines.reading.range_reads import RangeReads
from fitfeed.schemas.errors import DamagedDatasetError, FeedError
from fitfeed.schemas.storage.place import MAX_SEVERAL, Range


def ranges(count: int, *, shards: int = 1) -> RangeReads:
    memory = memoryview(bytearray(8 * count))
    wanted = [Range(8 * place, memory[8 * place :][:8]) for place in range(count)]
    return RangeReads([place * shards // count for place in range(count)], wanted)


def read(shard: int, wanted: Sequence[Range]) -> list[int]:
    return [len(memory) for _, memory in wanted]


def test_ranges_of_one_shard_are_a_group_up_to_a_number_and_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    one = ranges(50, shards=2)
    groups = list(one.groups())
    assert [place for group in groups for place in group] == list(range(50))
    assert [len(group) for group in groups] == [MAX_SEVERAL, MAX_SEVERAL, 3] * 2
    monkeypatch.setattr(range_reads, "MAX_GROUP_BYTES", 20)
    assert [len(group) for group in one.groups()] == [2] * 12 + [1] + [2] * 12 + [1]
    monkeypatch.setattr(range_reads, "MAX_GROUP_BYTES", 1)
    assert [len(group) for group in one.groups()] == [1] * 50


def test_nothing_to_read_is_read_already() -> None:
    one = RangeReads([], [])
    one.wait()
    assert (one.counts(), one.requests, list(one.groups())) == ([], 0, [])


@pytest.mark.parametrize("cached", [0, 5])
def test_all_are_read_when_the_last_one_is(cached: int) -> None:
    one = ranges(5)
    missing = one.read_cached(lambda shard, wanted: wanted.offset < 8 * cached)
    assert missing == list(range(cached, 5))
    for place in missing:
        assert not one._ended.is_set()
        one.read([place], read)
    one.wait()
    assert (one.counts(), one.requests) == ([8] * 5, 5 - cached)


def fail(one: RangeReads, *errors: Exception) -> None:
    def broken(error: Exception) -> None:
        raise error

    def begin(left: list[Exception]) -> list[int]:
        """Ranges that are under way when the first of them fails."""
        if len(left) > 1:
            one.read([len(left) - 1], lambda *_: begin(left[:-1]))
        broken(left[-1])
        return []

    one.read([len(errors)], lambda *_: begin(list(errors)))


def test_the_first_failure_is_told_unless_a_later_one_says_that_the_dataset_is_damaged() -> None:
    first, second, damaged = FeedError("first"), FeedError("second"), DamagedDatasetError("replaced")
    for errors, told in (
        ((first, second), first),
        ((first, damaged, second), damaged),
        ((damaged, first), damaged),
    ):
        one = ranges(5)
        fail(one, *errors)
        with pytest.raises(type(told)) as raised:
            one.counts()
        assert raised.value is told


def test_a_skipped_range_says_nothing_about_the_network() -> None:
    one = ranges(2)
    fail(one, FeedError("no network"))
    one.read([0], read)
    assert one.least_s == float("inf")


def test_a_batch_that_failed_does_not_stay_in_memory() -> None:
    def broken(shard: int, wanted: Sequence[Range]) -> list[int]:
        msg = "no network"
        raise FeedError(msg)

    one = ranges(1)
    left = weakref.ref(one)
    gc.collect()
    gc.disable()
    try:
        one.read([0], broken)
        with pytest.raises(FeedError, match="no network"):
            one.counts()
        del one
        assert left() is None
    finally:
        gc.enable()
