"""Stream access: reads whole chunks in sequence, before their examples are needed.

It is for files in which seeking is slow. The order is a function (`order/stream_order.py`), so it is known
which chunks a step needs, and when. What is kept here are payloads that were read and not yet used.
"""

import threading
import time
import weakref
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor

import numpy as np

from fitfeed.pipelines.order.batch_request import BatchRequest
from fitfeed.pipelines.order.stream_order import INTERLEAVED, StreamEpoch, StreamOrder
from fitfeed.pipelines.reading.records import Records
from fitfeed.schemas.errors import FitfeedError

MAX_SHUFFLE_BYTES = 256 << 20  # 256 MiB of encoded images: some 8,000 of 30 KB
"""Bytes of the examples in the shuffle."""

MAX_EPOCHS = 2
"""Epochs whose payloads are kept: while the last batches of one are made, the next one begins."""


def shuffle_window(records: Records) -> int:
    """Computes how many examples are in the shuffle at a time, from the mean size of a payload."""
    return max(
        1, min(len(records), MAX_SHUFFLE_BYTES // max(1, int(np.asarray(records.index.length).mean())))
    )


FAR_AT_ONCE = 2 * INTERLEAVED
"""Chunks that are read from a store at once, each of some megabytes by one request."""


class StreamReader:
    """Fills requests with payloads that were read in sequence. Thread-safe; not picklable.

    A request is a pure function of epoch and step here, too. If the payload of an example is not there any
    more, because two iterations share an epoch, it is empty, and the example is read alone.
    """

    def __init__(self, records: Records, order: StreamOrder) -> None:
        """Starts the threads that read.

        Args:
            records: The source of the payloads.
            order: What to read.
        """
        self._records, self._order = records, order
        self._bounds = np.cumsum([0, *order.chunks.steps.sizes()])
        self._epochs: dict[int, _EpochReads] = {}
        self._lock = threading.Lock()
        # A disk that reads in sequence is fastest alone. A store answers many at once, each of them late.
        at_once = INTERLEAVED if order.chunks.shuffle else 1
        at_once = FAR_AT_ONCE if records.are_far else at_once
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="fitfeed-reads")
        weakref.finalize(self, self._pool.shutdown, wait=False, cancel_futures=True)

    def request(self, epoch: int, step: int) -> BatchRequest:
        """Returns the request of this worker for one step, with its payloads.

        Raises:
            DamagedDatasetError: If a file is missing.
        """
        first, stop = self._bounds[step : step + 2].tolist()
        reads = self._reads_of(epoch, step)
        examples = reads.order.examples[first:stop]
        if self._records.are_far and step + 1 == len(self._bounds) - 1:
            self._reads_of(epoch + 1, 0).begin_first()
        began = time.perf_counter()
        payloads = reads.take(first, stop)
        self._records.traffic.waited(time.perf_counter() - began)
        return BatchRequest(epoch, step, examples, examples, payloads)

    def _reads_of(self, epoch: int, step: int) -> "_EpochReads":
        with self._lock:
            if epoch not in self._epochs:
                if len(self._epochs) == MAX_EPOCHS:
                    self._epochs.pop(next(iter(self._epochs))).cancel()
                # Two batches are made at once, so the step before may still be asked for.
                first = int(self._bounds[max(0, step - 1)])
                order, window = self._order.of_epoch(epoch), self._order.window
                self._epochs[epoch] = _EpochReads(
                    self._records, order, self._pool, first=first, window=window
                )
            return self._epochs[epoch]


class _EpochReads:
    """The chunks of an epoch that are being read, and those that were read and are still needed."""

    def __init__(
        self, records: Records, order: StreamEpoch, pool: ThreadPoolExecutor, *, first: int, window: int
    ) -> None:
        """Starts without any chunk.

        Args:
            records: The source of the payloads.
            order: The order of the epoch.
            pool: The threads that read.
            first: The first position that is needed. What only positions before it need is not read.
            window: How many examples are in the shuffle at a time.
        """
        self.order = order
        self._records, self._pool, self._window = records, pool, window
        self._left = np.bincount(order.chunk_of[first:], minlength=len(order.chunks))
        self._chunks: dict[int, Future[list[bytes | None]]] = {}
        self._begun = 0
        self._lock = threading.Lock()

    def take(self, first: int, stop: int) -> list[bytes]:
        """Returns the payloads of the positions first to stop - 1, and forgets them."""
        order = self.order
        # The last of these positions chooses among those of its window, which begins with itself.
        entered = int(np.searchsorted(order.enters, stop - 1 + self._window, side="left"))
        self._begin(entered + INTERLEAVED)  # a few more than are needed, so that the disk does not rest
        numbers = order.chunk_of[first:stop]
        places = order.examples[first:stop] - order.chunks[numbers, 0]
        return [
            self._take_one(chunk, place)
            for chunk, place in zip(numbers.tolist(), places.tolist(), strict=True)
        ]

    def begin_first(self) -> None:
        """Begins to read what the first batch needs, while the last ones of the epoch before are made."""
        self._begin(int(np.searchsorted(self.order.enters, self._window, side="left")))

    def cancel(self) -> None:
        """Begins no more reads."""
        with self._lock:
            self._begun = len(self.order.chunks)
            for chunk in self._chunks.values():
                chunk.cancel()
            self._chunks.clear()

    def _begin(self, count: int) -> None:
        """Begins to read the first `count` chunks of the epoch, but for those that are not needed."""
        with self._lock:
            for number in range(self._begun, min(count, len(self.order.chunks))):
                first, stop = self.order.chunks[number].tolist()
                if self._left[number]:
                    self._chunks[number] = self._pool.submit(self._read, first, stop)
                self._begun = number + 1

    def _read(self, first: int, stop: int) -> list[bytes | None]:
        return list(self._records.payloads(first, stop))

    def _forget_failed(self) -> None:
        with self._lock:
            for number, chunk in list(self._chunks.items()):
                if chunk.done() and (chunk.cancelled() or chunk.exception() is not None):
                    del self._chunks[number]

    def _take_one(self, number: int, place: int) -> bytes:
        """Returns a payload; empty if it was taken before, or could not be read."""
        chunk = self._chunks.get(number)
        try:
            payloads = [] if chunk is None else chunk.result()
        except CancelledError:
            payloads = []
        except FitfeedError:  # of a store: who asks again reads the examples alone
            self._forget_failed()
            raise
        with self._lock:
            if not payloads or payloads[place] is None:
                return b""
            payload, payloads[place] = payloads[place], None
            self._left[number] -= 1
            if not self._left[number]:
                self._chunks.pop(number, None)
            return payload or b""
