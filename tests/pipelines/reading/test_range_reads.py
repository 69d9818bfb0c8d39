"""Ranges that threads read: all of them, as many at once as is said, and each failure where the bytes are wanted."""

import threading
import time
from collections.abc import Callable, Sequence

import pytest

from fitfeed.pipelines.reading import range_reads
from fitfeed.pipelines.reading.range_reads import RangeReaders, RangeReads
from fitfeed.schemas.errors import FeedError
from fitfeed.schemas.storage.place import MAX_SEVERAL, Range

CONTENT = bytes(range(256))


def read_one(offset: int, memory: memoryview) -> int:
    """A shard has 256 bytes."""
    data = CONTENT[offset : offset + len(memory)]
    memory[: len(data)] = data
    return len(data)


def read(shard: int, ranges: Sequence[Range]) -> list[int]:
    return [read_one(*wanted) for wanted in ranges]


def ranges(count: int, length: int = 8, *, shards: int = 1) -> tuple[RangeReads, bytearray]:
    """Ranges that follow each other, divided among shards of the same content."""
    memory = bytearray(count * length)
    view = memoryview(memory)
    wanted = [Range(place * length, view[place * length :][:length]) for place in range(count)]
    return RangeReads([place * shards // count for place in range(count)], wanted), memory


def finish(condition: Callable[[], bool]) -> None:
    """Waits for something that other threads do."""
    for _ in range(2000):
        if condition():
            return
        time.sleep(0.005)
    pytest.fail("it does not happen")


def test_all_ranges_are_read_and_short_ones_are_told() -> None:
    readers = RangeReaders(read)
    one, memory = ranges(33)
    readers.begin(one)
    one.wait()
    assert one.counts() == [8] * 32 + [0]
    assert bytes(memory[:256]) == CONTENT
    assert one.requests == 33
    assert 0 < one.least_s < 60
    readers.close()


def test_what_lies_in_one_shard_is_asked_for_together(monkeypatch: pytest.MonkeyPatch) -> None:
    one, _ = ranges(50, shards=2)
    groups = list(one.groups())
    assert [place for group in groups for place in group] == list(range(50))
    assert [len(group) for group in groups] == [MAX_SEVERAL, MAX_SEVERAL, 3] * 2
    asked: list[tuple[int, list[int]]] = []

    def note(shard: int, wanted: Sequence[Range]) -> list[int]:
        asked.append((shard, [offset for offset, _ in wanted]))
        return read(shard, wanted)

    readers = RangeReaders(note)
    readers.begin(one)
    one.wait()
    readers.close()
    assert sorted(asked) == [(group[0] // 25, [8 * place for place in group]) for group in groups]
    monkeypatch.setattr(range_reads, "MAX_GROUP_BYTES", 20)
    assert [len(group) for group in one.groups()] == [2] * 12 + [1] + [2] * 12 + [1]
    monkeypatch.setattr(range_reads, "MAX_GROUP_BYTES", 1)
    assert [len(group) for group in one.groups()] == [1] * 50


@pytest.mark.parametrize("at_once", [1, 3, 100])
def test_as_many_are_read_at_once_as_is_said(at_once: int) -> None:
    entered, gate, lock = [0], threading.Event(), threading.Lock()

    def slow(shard: int, wanted: Sequence[Range]) -> list[int]:
        with lock:
            entered[0] += 1
        gate.wait()
        return read(shard, wanted)

    readers = RangeReaders(slow)
    readers.at_once = at_once
    batches = [ranges(20, shards=20)[0] for _ in range(3)]
    for batch in batches:
        readers.begin(batch)
    expected = min(at_once, 60)
    finish(lambda: entered[0] == expected)
    assert readers._under_way == expected
    gate.set()
    for batch in batches:
        batch.wait()
    finish(lambda: not readers._under_way)
    readers.close()


def test_fewer_are_read_at_once_when_that_is_said() -> None:
    gate = threading.Semaphore(0)

    def slow(shard: int, wanted: Sequence[Range]) -> list[int]:
        gate.acquire()
        return read(shard, wanted)

    readers = RangeReaders(slow)
    readers.at_once = 10
    one, _ = ranges(30, shards=30)
    readers.begin(one)
    assert readers._under_way == 10
    readers.at_once = 4
    gate.release(6)
    finish(lambda: readers._under_way == 4)
    gate.release(100)
    one.wait()
    readers.close()


def test_a_failure_is_raised_where_the_bytes_are_wanted_and_nothing_more_is_read() -> None:
    asked: list[int] = []

    def broken(shard: int, wanted: Sequence[Range]) -> list[int]:
        asked.append(shard)
        if shard == 2:
            msg = "no network"
            raise FeedError(msg)
        return read(shard, wanted)

    readers = RangeReaders(broken)
    readers.at_once = 1
    one, _ = ranges(20, shards=20)
    other, _ = ranges(2, shards=2)
    readers.begin(one)
    readers.begin(other)
    one.wait()
    with pytest.raises(FeedError, match="no network"):
        one.counts()
    other.wait()
    assert other.counts() == [8, 8]
    assert asked == [0, 1, 2, 0, 1]
    readers.close()


def test_what_is_cancelled_is_not_read() -> None:
    asked: list[int] = []

    def note(shard: int, wanted: Sequence[Range]) -> list[int]:
        asked.append(shard)
        return read(shard, wanted)

    one, _ = ranges(5)
    one.cancel()
    readers = RangeReaders(note)
    readers.begin(one)
    one.wait()
    assert not asked
    readers.close()


def test_only_what_the_cache_lacks_is_asked_for() -> None:
    asked: list[list[int]] = []

    def cached(shard: int, wanted: Range) -> bool:
        return wanted.offset % 16 == 0 and read_one(*wanted) > 0

    def far(shard: int, wanted: Sequence[Range]) -> list[int]:
        asked.append([offset for offset, _ in wanted])
        return read(shard, wanted)

    readers = RangeReaders(far, cached)
    one, memory = ranges(6)
    readers.begin(one)
    one.wait()
    assert bytes(memory) == CONTENT[:48]
    assert sorted(asked) == [[8], [24], [40]]
    assert one.requests == 3
    both, _ = ranges(1)
    readers.begin(both)
    both.wait()
    assert (both.counts(), both.requests, both.least_s) == ([8], 0, float("inf"))
    readers.close()


def test_a_cache_that_cannot_be_read_is_an_error_where_the_bytes_are_wanted() -> None:
    def cached(shard: int, wanted: Range) -> bool:
        msg = "this process was forked"
        raise FeedError(msg)

    readers = RangeReaders(read, cached)
    one, _ = ranges(6)
    readers.begin(one)
    one.wait()
    with pytest.raises(FeedError, match="was forked"):
        one.counts()
    readers.close()


def test_threads_end_when_the_readers_are_closed() -> None:
    readers = RangeReaders(read)
    one, _ = ranges(30)
    readers.begin(one)
    one.wait()
    readers.close()
    finish(lambda: not any(thread.name.startswith("fitfeed-reads") for thread in threading.enumerate()))
