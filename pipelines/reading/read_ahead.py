"""Indexed access to shards that are far away: reads the payloads of coming batches, many at once, before they are asked for.

The order is a function of numbers, so it is known which batches come next: the next steps, and after the last one the
first steps of the next epoch. Their payloads are fetched by threads, as long as all that waits has a bounded size.

    request(e, 5)     step 5      6        7        8       9 ...
                      handed out  |-- read, or being read --|  begins when there is room
"""

import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from fitfeed.pipelines.order.batch_request import BatchRequest, Requests
from fitfeed.pipelines.reading.joined_ranges import join_ranges
from fitfeed.pipelines.reading.payload_ranges import payload_ranges
from fitfeed.pipelines.reading.payloads import ReadPayloads
from fitfeed.pipelines.reading.range_readers import RangeReaders
from fitfeed.pipelines.reading.range_reads import RangeReads
from fitfeed.pipelines.reading.records import Records
from fitfeed.pipelines.reading.requests_at_once import RequestsAtOnce
from fitfeed.schemas.storage.place import Range

MAX_WAITING_BYTES = 128 << 20
"""128 MiB of payloads that were read, or are being read, before they are asked for. One batch is always read ahead."""

MAX_WAITING_BATCHES = 64
"""The same for batches of few bytes."""

MAX_BEGUN = 4
"""Batches that one request begins to read, at most. So the first one does not wait until many others have begun."""

MAX_UNUSED = 64
"""Requests after which a batch that none of them was followed by is given up: its iterator went elsewhere."""

RECENT = 4
"""Batches that were handed out last. Several are made at once, and may be asked for in another order."""

Memory = Callable[[int], tuple[npt.NDArray[np.uint8], int | None]]
"""Gives memory of some bytes, and its number if worker processes share it."""


def private_memory(size: int) -> tuple[npt.NDArray[np.uint8], None]:
    """Returns memory of this process."""
    return np.empty(size, np.uint8), None


class ReadAhead:
    """Fills requests with payloads that were read ahead. Thread-safe; not picklable.

    A request is a pure function of epoch and step. What is read ahead changes no bit of a batch.
    """

    def __init__(
        self,
        requests: Requests,
        records: Records,
        *,
        steps: int,
        masks: Sequence[str] = (),
        memory: Memory = private_memory,
    ) -> None:
        """Starts no thread before the first request.

        Args:
            requests: The requests, without payloads.
            records: The source of the payloads.
            steps: Steps of an epoch.
            masks: Names of the labels that are masks, which are read, too.
            memory: Gives the memory for payloads.
        """
        self._requests, self._records, self._steps = requests, records, steps
        self._masks, self._memory = tuple(masks), memory
        self._waiting: dict[tuple[int, int], _Batch] = {}
        self._recent: deque[tuple[int, int]] = deque(maxlen=RECENT)
        self._number = 0
        self._lock = threading.Lock()
        self._at_once = RequestsAtOnce()
        self._readers = RangeReaders(
            records.read_several,
            records.read_cached if records.has_cache else None,
            in_groups=not records.is_raw,  # nothing but the condition would find a raw image of another shard
        )
        weakref.finalize(self, self._readers.close)  # also when the process ends

    def request(self, epoch: int, step: int) -> BatchRequest:
        """Returns the request of this worker for one step, with its payloads.

        Raises:
            DamagedDatasetError: If a shard is missing, or was replaced.
            FeedError: If one cannot be read.
        """
        place = epoch, step
        with self._lock:
            batch = self._waiting.pop(place, None) or self._begin(epoch, step)
            self._recent.append(place)
            self._number += 1
            self._read_on(epoch, step)
        began = time.perf_counter()
        batch.reads.wait()
        self._records.traffic.waited(time.perf_counter() - began)
        with self._lock:
            self._readers.at_once = self._at_once.after(batch.reads.requests, batch.reads.least_s)
        return batch.filled()

    def _read_on(self, epoch: int, step: int) -> None:
        """Begins to read some of the batches after one, as far as there is room; not beyond the next epoch."""
        end, begun = epoch + 1, 0
        for _ in range(MAX_WAITING_BATCHES):
            epoch, step = (epoch, step + 1) if step + 1 < self._steps else (epoch + 1, 0)
            if epoch > end:
                return
            if (epoch, step) in self._recent:
                continue
            batch = self._waiting.get((epoch, step))
            if batch is None:
                self._give_up_unused()
                if begun == MAX_BEGUN or (self._waiting and self._waiting_bytes >= MAX_WAITING_BYTES):
                    return
                batch = self._waiting[epoch, step] = self._begin(epoch, step)
                begun += 1
            batch.wanted = self._number

    @property
    def _waiting_bytes(self) -> int:
        return sum(batch.bytes for batch in self._waiting.values())

    def _give_up_unused(self) -> None:
        for place, batch in list(self._waiting.items()):
            if self._number - batch.wanted > MAX_UNUSED:
                self._waiting.pop(place).reads.cancel()

    def _begin(self, epoch: int, step: int) -> "_Batch":
        batch = _Batch(self._requests.request(epoch, step), self._records, self._masks, self._memory)
        self._readers.begin(batch.reads)
        return batch


class _Batch:
    """A batch whose payloads are being read, by `reads`."""

    def __init__(self, request: BatchRequest, records: Records, masks: Sequence[str], memory: Memory) -> None:
        """Decides what is to be read."""
        self._request, self._masks = request, masks
        shards, offsets, self._lengths = payload_ranges(records.index, request.examples, masks)
        self._joined = join_ranges(shards, offsets, self._lengths)
        self._buffer, self._slot = memory(self._joined.bytes)
        self.bytes, self.wanted = self._joined.bytes, 0
        view = self._buffer.data
        bounds = self._joined.bounds.tolist()
        ranges = zip(self._joined.offsets.tolist(), bounds, bounds[1:], strict=False)
        self.reads = RangeReads(
            self._joined.shards.tolist(), [Range(offset, view[first:stop]) for offset, first, stop in ranges]
        )

    def filled(self) -> BatchRequest:
        """Returns the request with its payloads.

        Raises:
            DamagedDatasetError, FeedError: If a shard could not be read.
        """
        joined = self._joined
        ends = joined.bounds[:-1] + np.array(self.reads.counts(), np.int64)
        starts = np.where(joined.starts + self._lengths <= ends[joined.request], joined.starts, -1)
        parts = 1 + len(self._masks)
        images, *masks = (
            ReadPayloads(self._buffer, start, length, slot=self._slot)
            for start, length in zip(np.split(starts, parts), np.split(self._lengths, parts), strict=True)
        )
        return self._request._replace(payloads=images, masks=dict(zip(self._masks, masks, strict=True)))
