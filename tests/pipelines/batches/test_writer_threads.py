"""Threads that write the places of a batch."""

import threading
import time

import pytest

from fitfeed.pipelines.batches.writer_threads import MAX_BLOCK, WriterThreads, write_places
from fitfeed.schemas.errors import DamagedExampleError


@pytest.mark.parametrize("threads", [1, 3, 8])
@pytest.mark.parametrize("count", [1, 7, 3 * MAX_BLOCK + 1])
def test_every_place_is_written_once(threads: int, count: int) -> None:
    written: list[int] = []
    assert WriterThreads(threads).write(written.append, count) == {}
    assert sorted(written) == list(range(count))


def broken(place: int) -> None:
    if place in (2, 5):
        msg = f"place {place}"
        raise DamagedExampleError(msg)


def test_damaged_examples_are_returned_or_raised() -> None:
    damaged = WriterThreads(4, skips=True).write(broken, 9)
    assert {place: str(error) for place, error in sorted(damaged.items())} == {2: "place 2", 5: "place 5"}
    with pytest.raises(DamagedExampleError, match="place 2"):
        WriterThreads(4).write(broken, 9)
    assert list(write_places(broken, [1, 5], skips=True)) == [5]
    with pytest.raises(DamagedExampleError, match="place 5"):
        write_places(broken, [1, 5], skips=False)


def test_other_errors_are_never_skipped() -> None:
    def fail(_: int) -> None:
        msg = "a bug"
        raise ValueError(msg)

    with pytest.raises(ValueError, match="a bug"):
        WriterThreads(2, skips=True).write(fail, 3)


def test_an_error_is_raised_when_nobody_writes_any_more() -> None:
    """The memory of the batch is used again after the error."""
    slow, ended = threading.Event(), threading.Event()

    def write(place: int) -> None:
        if place == 0:
            slow.set()
            msg = "damaged"
            raise DamagedExampleError(msg)
        slow.wait(600)
        ended.set()

    with pytest.raises(DamagedExampleError):
        WriterThreads(2).write(write, 2)
    assert ended.is_set()


def compute(_: int) -> None:
    for _ in range(1_000_000):
        pass


def test_threads_count_their_own_time_only() -> None:
    threads = WriterThreads(1)
    assert threads.cpu_s == 0
    threads.write(lambda _: time.sleep(0.02), 4)
    waited = threads.cpu_s
    threads.write(compute, 4)
    assert 0 < waited < 0.02 < threads.cpu_s


def test_threads_count_by_who_asks() -> None:
    """A pipeline that is measured may make batches ahead of use meanwhile."""
    threads = WriterThreads(1)
    other = threading.Thread(target=threads.write, args=(compute, 2))
    other.start()
    other.join()
    assert threads.cpu_s == 0
    threads.write(compute, 3)
    assert threads.cpu_s > 0
