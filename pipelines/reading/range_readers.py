"""Threads that read byte ranges, many at once.

The task of a thread is to read until nothing is left, and not to read one range. What lies in one shard is asked for together.
So a range costs a place in a queue, and not a task, a future, their locks, and a thread that wakes up for it.

    begin -> tasks, in order  -- as far as there is room --> ready -> a thread that waits
                              -- the next one of a thread that has ended its own -->

The threads are daemons, as those of a `ThreadPoolExecutor` are not: a process that ends waits for no answer of a store.
"""

import threading
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import NamedTuple

from fitfeed.pipelines.reading.range_reads import RangeReads, ReadCached, ReadSeveral, answers
from fitfeed.pipelines.reading.requests_at_once import MIN_AT_ONCE
from fitfeed.schemas.errors import FeedError


class _Task(NamedTuple):
    """What one thread does.

    Attributes:
        reads: Some ranges.
        places: Those of them to ask for together. Empty: all are looked for in the cache.
        requests: How many requests are under way for that, on average.
    """

    reads: RangeReads
    places: Sequence[int] = ()
    requests: int = 1

    @classmethod
    def to_request(cls, reads: RangeReads, places: Sequence[int]) -> "_Task":
        return cls(reads, places, -(-len(places) // answers(places)))


class RangeReaders:
    """Threads that read ranges, in the order in which they were begun. Thread-safe; not picklable.

    Attributes:
        at_once: How many requests are under way, on average: more while a group begins, fewer while it waits for its last
            range. It may be changed at any time.
    """

    def __init__(
        self, read: ReadSeveral, read_cached: ReadCached | None = None, *, in_groups: bool = True
    ) -> None:
        """Starts no thread before there is something to read.

        Args:
            read: Reads ranges of a shard, in many threads.
            read_cached: Reads what need not be asked for. None: there is no cache.
            in_groups: Whether ranges are asked for together. If not, each is asked for on the condition that it is of the shard
                that was opened.
        """
        self._read, self._read_cached, self._in_groups = read, read_cached, in_groups
        self.at_once = MIN_AT_ONCE
        self._is_closed = False
        self._ready: SimpleQueue[_Task | None] = SimpleQueue()  # None: there will be no more
        # What follows is for who has the lock.
        self._lock = threading.Lock()
        self._tasks: deque[_Task] = deque()
        self._under_way = 0  # requests
        self._threads = self._busy = 0  # busy are those that have a task, or will take one that is ready

    def begin(self, reads: RangeReads) -> None:
        """Begins to read.

        What a cache has of a batch is read by one thread: it waits for little, so more would be in each other's way. If its disk
        is slow, many batches wait for it, each with a thread of its own.

        Raises:
            FeedError: If the system starts no thread.
        """
        with self._lock:
            if self._read_cached is None:
                self._tasks.extend(_Task.to_request(reads, group) for group in self._groups(reads))
            elif len(reads):
                self._tasks.append(_Task(reads))
            self._hand_out()
        if self._is_closed:  # looked at last: what is queued before that, a thread ends
            reads.give_up(_closed())

    def close(self) -> None:
        """Begins no more reads, and lets the threads end. What is queued ends with an error.

        It takes no lock: the interpreter may collect garbage, and call this, wherever a thread has one.
        """
        self._is_closed = True
        self._ready.put(None)

    def _groups(self, reads: RangeReads) -> Iterable[Sequence[int]]:
        return reads.groups() if self._in_groups else ([place] for place in range(len(reads)))

    def _hand_out(self) -> None:
        """Makes tasks ready for threads that wait, as far as there is room; for who has the lock."""
        while self._has_room() and self._has_thread():
            self._ready.put(self._take())

    def _has_room(self) -> bool:
        return bool(self._tasks) and self._under_way < self.at_once and not self._is_closed

    def _has_thread(self) -> bool:
        """Whether a thread waits, or could be started. If not, those that are busy read on.

        Raises:
            FeedError: If none is busy, either. Then nothing is queued any more.
        """
        if self._busy < self._threads:
            return True
        try:
            threading.Thread(target=self._work, name=f"fitfeed-reads-{self._threads}", daemon=True).start()
        except RuntimeError as error:
            if self._threads:
                return False
            self._tasks.clear()
            msg = f"no thread can be started to read from the store: {error}. Let this process have more threads (`ulimit -u`)."
            raise FeedError(msg) from error
        self._threads += 1
        return True

    def _take(self) -> _Task:
        task = self._tasks.popleft()
        self._under_way += task.requests
        self._busy += 1
        return task

    def _work(self) -> None:
        """Does what is ready, until there will be no more."""
        while (task := self._ready.get()) is not None:
            while task is not None:  # so a thread that waits holds no batch
                task = self._do(task)
        self._end()

    def _do(self, task: _Task) -> _Task | None:
        """Does a task; returns another one, if there is room."""
        missing: list[int] = []
        if task.places or self._read_cached is None:
            task.reads.read(task.places, self._read)
        else:
            missing = task.reads.read_cached(self._read_cached)
        with self._lock:
            self._busy -= 1
            self._under_way -= task.requests
            # Blocks of the cache are fetched one by one: what is next to a range may be in it.
            self._tasks.extend(_Task.to_request(task.reads, [place]) for place in missing)
            following = self._take() if self._has_room() else None
            self._hand_out()
        return following

    def _end(self) -> None:
        """Ends what is left, and lets the next thread do so. Who has the lock after this one makes nothing ready."""
        with self._lock:
            left: list[_Task | None] = [*self._tasks]
            self._tasks.clear()
            with suppress(Empty):
                while True:
                    left.append(self._ready.get_nowait())
        for task in left:
            if task is not None:
                task.reads.give_up(_closed())
        self._ready.put(None)


def _closed() -> FeedError:
    return FeedError("what read this dataset was closed")
