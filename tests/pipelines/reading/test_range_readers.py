"""Threads that read ranges: all of them, as many at once as is said, whatever ends meanwhile."""

import gc
import os
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Sequence

import pytest

from fitfeed.pipelines.reading.range_readers import RangeReaders
from fitfeed.pipelines.reading.range_reads import RangeReads
from fitfeed.schemas.errors import FeedError
from fitfeed.schemas.storage.open_place import open_place
from fitfeed.schemas.storage.place import MAX_SEVERAL, Range
from tests.servers.network_faults import Rule, Rules
from tests.servers.stores import Store

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


def test_what_lies_in_one_shard_is_asked_for_together() -> None:
    asked: list[tuple[int, list[int]]] = []

    def note(shard: int, wanted: Sequence[Range]) -> list[int]:
        asked.append((shard, [offset for offset, _ in wanted]))
        return read(shard, wanted)

    one, _ = ranges(50, shards=2)
    readers = RangeReaders(note)
    readers.begin(one)
    one.wait()
    readers.close()
    assert sorted(asked) == [(group[0] // 25, [8 * place for place in group]) for group in one.groups()]


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


def test_as_many_are_read_at_once_after_groups_as_before() -> None:
    entered, groups, gate, lock = [0], threading.Event(), threading.Event(), threading.Lock()

    def slow(shard: int, wanted: Sequence[Range]) -> list[int]:
        if shard == 0:
            groups.wait()
            return read(shard, wanted)
        with lock:
            entered[0] += 1
        gate.wait()
        return read(shard, wanted)

    readers = RangeReaders(slow)
    readers.at_once = 24
    memory = memoryview(bytearray(8))
    shards = [0] * 4 * MAX_SEVERAL + list(range(1, 60))
    one = RangeReads(shards, [Range(0, memory)] * len(shards))
    readers.begin(one)
    assert (readers._under_way, readers._threads) == (24, 4)
    groups.set()
    finish(lambda: entered[0] == 24)
    gate.set()
    one.wait()
    assert one.counts() == [8] * len(shards)
    readers.close()


class Threads:
    """Lets only so many threads start."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
        self.left = count
        start = threading.Thread.start

        def start_some(thread: threading.Thread) -> None:
            if thread.name.startswith("fitfeed-reads"):
                self.left -= 1
                if self.left < 0:
                    msg = "can't start new thread"
                    raise RuntimeError(msg)
            start(thread)

        monkeypatch.setattr(threading.Thread, "start", start_some)


@pytest.mark.parametrize("has_cache", [False, True])
def test_the_threads_that_start_read_all(monkeypatch: pytest.MonkeyPatch, has_cache: bool) -> None:
    Threads(monkeypatch, 2)
    readers = RangeReaders(read, (lambda *_: False) if has_cache else None)
    for _ in range(3):
        one, _ = ranges(32, shards=32)
        readers.begin(one)
        one.wait()
        assert one.counts() == [8] * 32
    finish(lambda: readers._under_way == readers._busy == 0)
    assert readers._threads <= 2
    readers.close()


def test_no_thread_at_all_is_an_error_and_reading_goes_on_when_one_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    threads = Threads(monkeypatch, 0)
    readers = RangeReaders(read)
    with pytest.raises(FeedError, match="no thread can be started"):
        readers.begin(ranges(20, shards=20)[0])
    assert not readers._under_way
    threads.left = 1
    one, _ = ranges(20, shards=20)
    readers.begin(one)
    one.wait()
    assert one.counts() == [8] * 20
    readers.close()


def test_who_waits_for_what_is_queued_is_told_that_the_readers_were_closed() -> None:
    gate, asked = threading.Event(), []

    def slow(shard: int, wanted: Sequence[Range]) -> list[int]:
        asked.append(shard)
        gate.wait()
        return read(shard, wanted)

    readers = RangeReaders(slow)
    readers.at_once = 1
    one, _ = ranges(20, shards=20)
    other, _ = ranges(2)
    readers.begin(one)
    readers.begin(other)
    finish(lambda: bool(asked))
    readers.close()
    gate.set()
    late, _ = ranges(2)
    readers.begin(late)
    for reads in (one, other, late):
        reads.wait()
        with pytest.raises(FeedError, match="was closed"):
            reads.counts()
    assert asked == [0]


def test_readers_may_be_closed_wherever_garbage_is_collected(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also while a thread starts, which holds locks."""
    readers = RangeReaders(read)
    start = threading.Thread.start

    def close_and_start(thread: threading.Thread) -> None:
        if thread.name.startswith("fitfeed-reads"):
            readers.close()
        start(thread)

    one, _ = ranges(20, shards=20)
    begins = threading.Thread(target=readers.begin, args=(one,), daemon=True)
    begins.start()
    monkeypatch.setattr(threading.Thread, "start", close_and_start)
    begins.join(30)
    assert not begins.is_alive()
    one.wait()


def test_threads_that_wait_hold_no_batch() -> None:
    readers = RangeReaders(read)
    one, _ = ranges(32, shards=32)
    left = weakref.ref(one)
    gc.collect()
    gc.disable()
    try:
        readers.begin(one)
        one.wait()
        del one
        finish(lambda: left() is None)
    finally:
        gc.enable()
    readers.close()


SCRIPT = """
import sys, time
from fitfeed.pipelines.reading.range_readers import RangeReaders
from fitfeed.pipelines.reading.range_reads import RangeReads
from fitfeed.schemas.storage.open_place import open_place
from fitfeed.schemas.storage.place import Range

file = open_place(sys.argv[1], "DATASET").open("shard")
readers = RangeReaders(lambda shard, ranges: file.read_several(ranges))
ranges = [Range(place % 200 * 50, memoryview(bytearray(40))) for place in range(int(sys.argv[3]))]
batches = [RangeReads([place // 3 for place in range(len(ranges))], ranges) for _ in range(20)]
for batch in batches:
    readers.begin(batch)
time.sleep(float(sys.argv[2]))
sys.exit(all(batch._ended.is_set() for batch in batches))
"""


def end_in_the_middle(store: Store, *, after_s: float, count: int) -> None:
    open_place(f"{store.address}/some", "DATASET").write("shard", CONTENT * 40)
    command = [sys.executable, "-c", SCRIPT, f"{store.address}/some", str(after_s), str(count)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **store.environment},
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_process_that_ends_waits_for_no_answer(store: Store) -> None:
    with store.proxy.faults(Rules(Rule(fault="stalled", method="GET", times=None))):
        end_in_the_middle(store, after_s=0.2, count=400)


@pytest.mark.slow
def test_a_process_ends_quietly_while_answers_come(store: Store) -> None:
    for number in range(20):
        end_in_the_middle(store, after_s=number / 400, count=2000)


def test_threads_end_when_the_readers_are_closed() -> None:
    readers = RangeReaders(read)
    one, _ = ranges(30)
    readers.begin(one)
    one.wait()
    readers.close()
    finish(lambda: not any(thread.name.startswith("fitfeed-reads") for thread in threading.enumerate()))
