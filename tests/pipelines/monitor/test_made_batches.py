"""What a pipeline has made, and where an iterator is in it."""

import threading
import time
import weakref
from collections.abc import Iterator
from typing import Any

from typing_extensions import override

from fitfeed.pipelines.monitor.batch_cursor import BatchCursor
from fitfeed.pipelines.monitor.made_batches import MAX_KEPT, MadeBatches
from fitfeed.pipelines.order.epoch_counter import EpochCounter


def made(steps: int = 3) -> MadeBatches:
    return MadeBatches(EpochCounter((0, 0), steps=steps))


def examples(cursor: BatchCursor, count: int) -> list[int]:
    return [batch.examples for batch in cursor.take(count)]


def test_an_iterator_takes_the_batches_of_its_iteration_in_order() -> None:
    log = made()
    log.open()  # somebody looks at a batch
    log.finish(0, 0, 7)
    since = time.monotonic()
    assert list(map(int, log.open())) == [1, 0]
    for step in (1, 0):  # two threads
        log.finish(1, step, 10 + step)
    cursor = BatchCursor(log, since=since)
    assert examples(cursor, 1) == [10]
    log.finish(1, 2, 12)
    assert examples(cursor, 5) == [11, 12]
    assert examples(cursor, 1) == []


def test_a_repeated_pipeline_goes_on_with_the_next_epoch() -> None:
    log = made(steps=2)
    since = time.monotonic()
    for epoch in range(2):
        log.open()
        for step in range(2):
            log.finish(epoch, step, 10 * epoch + step)
    assert examples(BatchCursor(log, since=since), 4) == [0, 1, 10, 11]


def test_an_iteration_that_was_opened_before_it_was_asked_for_a_batch_is_the_newest() -> None:
    log = made()
    log.open()
    log.open()
    log.finish(1, 0, 5)
    assert examples(BatchCursor(log, since=time.monotonic() + 1), 1) == [5]
    assert BatchCursor(made(), since=0.0).take(1) == []


def test_a_batch_that_is_made_again_counts_from_then() -> None:
    log = made()
    log.finish(0, 0, 8)
    first = log.batch(0, 0)
    log.finish(0, 0, 8)
    second = log.batch(0, 0)
    assert first is not None
    assert second is not None
    assert second.ready >= first.ready


def test_memory_is_bounded() -> None:
    log = made(steps=10**6)
    for step in range(MAX_KEPT + 10):
        log.finish(0, step, 8)
    assert log.batch(0, 9) is None
    assert log.batch(0, 10) is not None
    for _ in range(MAX_KEPT + 10):
        log.open()
    assert len(log.openings) == MAX_KEPT


class Overtaken(dict[Any, Any]):
    """What was made, where another thread finishes a batch between the moments in which the oldest is sought and found."""

    def __init__(self, log: MadeBatches) -> None:
        super().__init__(log._made)
        self.other = threading.Thread(target=log.finish, args=(1, 0, 8))

    @override
    def __iter__(self) -> Iterator[Any]:
        oldest = super().__iter__()
        if self.other.ident is None:
            self.other.start()
            self.other.join(timeout=0.05)  # it waits for this thread, if all is well
        return oldest


def test_two_threads_may_finish_batches_at_once() -> None:
    log = made(steps=10**6)
    for step in range(MAX_KEPT):
        log.finish(0, step, 8)
    log._made = overtaken = Overtaken(log)
    log.finish(0, MAX_KEPT, 8)
    overtaken.other.join()
    assert log.batch(0, 1) is None
    assert log.batch(0, 2) is not None
    assert log.batch(1, 0) is not None


def test_a_cursor_keeps_no_pipeline() -> None:
    log = made()
    since = time.monotonic()
    log.open()
    log.finish(0, 0, 7)
    cursor, gone = BatchCursor(log, since=since), weakref.ref(log)
    del log
    assert gone() is None
    assert cursor.take(1) == []
