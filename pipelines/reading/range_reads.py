"""Byte ranges of one batch: which are asked for together, and what became of them."""

import itertools
import math
import threading
import time
from collections.abc import Callable, Iterable, Sequence

from fitfeed.schemas.errors import DamagedDatasetError
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
        self._end(0)

    def __len__(self) -> int:
        """Returns the number of ranges."""
        return len(self._ranges)

    def read_cached(self, read: ReadCached) -> list[int]:
        """Reads what need not be asked for; returns the places of the others. Call it before `read`."""
        missing: list[int] = []
        try:
            for place, (shard, one) in enumerate(zip(self._shards, self._ranges, strict=True)):
                if not self._is_wanted:
                    break
                if read(shard, one):
                    self._counts[place] = len(one.memory)
                else:
                    missing.append(place)
        except BaseException as error:  # noqa: BLE001 - raised where the bytes are wanted
            self._fail(error)
        if not self._is_wanted:
            missing = []
        self.requests = len(missing)
        self._end(len(self) - len(missing))
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
        try:
            if self._is_wanted:
                self._read(places, read)
        except BaseException as error:  # noqa: BLE001 - raised where the bytes are wanted
            self._fail(error)
        self._end(len(places))

    def _read(self, places: Sequence[int], read: ReadSeveral) -> None:
        began = time.perf_counter()
        counts = read(self._shards[places[0]], [self._ranges[place] for place in places])
        answered_s = (time.perf_counter() - began) / answers(places)
        for place, count in zip(places, counts, strict=True):
            self._counts[place] = count
        with self._lock:
            self.least_s = min(self.least_s, answered_s)

    @property
    def _is_wanted(self) -> bool:
        return self._error is None and not self._is_cancelled

    def _fail(self, error: BaseException) -> None:
        """Keeps the first error; or the first that says that the dataset is damaged, as this helps more."""
        with self._lock:
            if self._error is None or (
                isinstance(error, DamagedDatasetError) and not isinstance(self._error, DamagedDatasetError)
            ):
                self._error = error

    def _end(self, count: int) -> None:
        with self._lock:
            self._left -= count
            if self._left <= 0:
                self._ended.set()

    def cancel(self) -> None:
        """Begins no more reads."""
        self._is_cancelled = True

    def give_up(self, error: BaseException) -> None:
        """Lets nobody wait any longer: what is not read yet may never be.

        Args:
            error: What `counts` raises.
        """
        self._fail(error)
        self._ended.set()

    def wait(self) -> None:
        """Waits until all ranges are read, or cannot be."""
        self._ended.wait()

    def counts(self) -> list[int]:
        """Returns how many bytes each range has. To be called once.

        Raises:
            FitfeedError: What reading one of them has raised.
        """
        error, self._error = self._error, None  # it refers to frames, which refer to all this memory
        try:
            if error is not None:
                raise error
        finally:
            del error
        return self._counts


def answers(places: Sequence[int]) -> int:
    """How often ranges that are asked for together wait for an answer: see `OpenFile.read_several`."""
    return min(len(places), 2)
