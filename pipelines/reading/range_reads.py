"""Reads byte ranges in threads, many at once.

The task of a thread is to read until nothing is left, and not to read one range. What lies in one shard is asked for together.
So a range costs a place in a queue, and not a task, a future, their locks, and a thread that wakes up for it.
"""

import itertools
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from fitfeed.pipelines.reading.requests_at_once import MAX_AT_ONCE, MIN_AT_ONCE
from fitfeed.schemas.errors import FeedError
from fitfeed.schemas.storage.place import MAX_SEVERAL, Range

MAX_GROUP_BYTES = 1 << 20
"""1 MiB that one thread asks for together. Larger ranges take so long that a thread for each costs nothing."""

ReadSeveral = Callable[[int, Sequence[Range]], list[int]]
"""Reads ranges of one shard; returns how many bytes each has."""

ReadCached = Callable[[int, Range], bool]
"""Reads a range of a shard without asking for it; returns whether that was possible."""


class RangeReads:
    """Ranges that are being read. Thread-safe.

    Attributes:
        requests: How many of them had to be asked for, when all are read.
        least_s: Seconds that the fastest answer took to these; infinite if there are none.
    """

    def __init__(self, shards: Sequence[int], ranges: Sequence[Range]) -> None:
        """Reads nothing: `RangeReaders` does.

        Args:
            shards: The shard of each range, ascending.
            ranges: The ranges.
        """
        self._shards, self._ranges, self._counts = shards, ranges, [0] * len(ranges)
        self._left = self.requests = len(ranges)
        self.least_s = math.inf
        self._error: BaseException | None = None
        self._is_cancelled = False
        self._lock, self._ended = threading.Lock(), threading.Event()

    def __len__(self) -> int:
        """Returns the number of ranges."""
        return len(self._ranges)

    def read_cached(self, read: ReadCached) -> list[int]:
        """Reads what need not be asked for; returns the places of the others. Call it before `read`."""
        missing: list[int] = []
        try:
            for place, (shard, one) in enumerate(zip(self._shards, self._ranges, strict=True)):
                if read(shard, one):
                    self._counts[place] = len(one.memory)
                else:
                    missing.append(place)
        except BaseException as error:  # noqa: BLE001 - raised where the bytes are wanted
            self._error, missing = error, []
        self._left = self.requests = len(missing)
        if not missing:
            self._ended.set()
        return missing

    def groups(self) -> Iterable[list[int]]:
        """Divides the ranges into those that are asked for together: places in one shard."""
        for _, places in itertools.groupby(range(len(self)), self._shards.__getitem__):
            group: list[int] = []
            size = 0
            for place in places:
                size += len(self._ranges[place].memory)
                if group and (len(group) == MAX_SEVERAL or size > MAX_GROUP_BYTES):
                    yield group
                    group, size = [], len(self._ranges[place].memory)
                group.append(place)
            yield group

    def read(self, places: Sequence[int], read: ReadSeveral) -> None:
        """Reads some of the ranges, which are in one shard, if that is still of use."""
        began = time.perf_counter()
        try:
            if self._error is None and not self._is_cancelled:
                counts = read(self._shards[places[0]], [self._ranges[place] for place in places])
                for place, count in zip(places, counts, strict=True):
                    self._counts[place] = count
        except BaseException as error:  # noqa: BLE001 - raised where the bytes are wanted
            self._error = error
        answered_s = (time.perf_counter() - began) / answers(places)
        with self._lock:
            self.least_s = min(self.least_s, answered_s)
            self._left -= len(places)
            if not self._left:
                self._ended.set()

    def cancel(self) -> None:
        """Begins no more reads."""
        self._is_cancelled = True

    def wait(self) -> None:
        """Waits until all ranges are read, or cannot be."""
        self._ended.wait()

    def counts(self) -> list[int]:
        """Returns how many bytes each range has.

        Raises:
            FitfeedError: What reading one of them has raised.
        """
        if self._error is not None:
            raise self._error
        return self._counts


def answers(places: Sequence[int]) -> int:
    """How often ranges that are asked for together wait for an answer: see `OpenFile.read_several`."""
    return min(len(places), 2)


class RangeReaders:
    """Threads that read ranges, in the order in which they were begun. Thread-safe; not picklable.

    Attributes:
        at_once: How many requests are under way, on average; up to `MAX_AT_ONCE`. It may be changed at any time.
    """

    def __init__(self, read: ReadSeveral, read_cached: ReadCached | None = None) -> None:
        """Starts no thread before there is something to read.

        Args:
            read: Reads ranges of a shard, in many threads.
            read_cached: Reads what need not be asked for. None: there is no cache.
        """
        self._read, self._read_cached = read, read_cached
        self.at_once = MIN_AT_ONCE
        self._queue: deque[tuple[RangeReads, list[int]]] = deque()
        self._under_way = 0
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(MAX_AT_ONCE, thread_name_prefix="fitfeed-reads")

    def begin(self, reads: RangeReads) -> None:
        """Begins to read. What a cache has is read by one thread: it waits for nothing, so more would be in each other's way."""
        if self._read_cached is None:
            self._request((reads, group) for group in reads.groups())
        else:
            self._pool.submit(self._begin_cached, reads, self._read_cached)

    def close(self) -> None:
        """Begins no more reads, and lets the threads end."""
        self._queue.clear()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _begin_cached(self, reads: RangeReads, read: ReadCached) -> None:
        # Blocks of the cache are fetched one by one: what is next to a range may be in it.
        self._request((reads, [place]) for place in reads.read_cached(read))

    def _request(self, groups: Iterable[tuple[RangeReads, list[int]]]) -> None:
        with self._lock:
            self._queue.extend(groups)
            begun = list(iter(self._next, None))
        for reads, places in begun:
            self._pool.submit(self._read_on, reads, places)

    def _read_on(self, reads: RangeReads, places: list[int]) -> None:
        """Reads some ranges, and then others, until nothing is left, or others read enough."""
        while True:
            reads.read(places, self._read_unless_ending)
            with self._lock:
                self._under_way -= _requests_of(places)
                following = self._next()
            if following is None:
                return
            reads, places = following

    def _next(self) -> tuple[RangeReads, list[int]] | None:
        """Takes what is to be read next, if there is room; for who has the lock."""
        if not self._queue or self._under_way >= self.at_once:
            return None
        reads, places = self._queue.popleft()
        self._under_way += _requests_of(places)
        return reads, places

    def _read_unless_ending(self, shard: int, ranges: Sequence[Range]) -> list[int]:
        if not threading.main_thread().is_alive():  # the interpreter ends, and waits for all that has begun
            msg = "this process is ending"
            raise FeedError(msg)
        return self._read(shard, ranges)


def _requests_of(places: Sequence[int]) -> int:
    """How many requests are under way for ranges that are asked for together, on average."""
    return -(-len(places) // answers(places))
