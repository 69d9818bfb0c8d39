"""Writes batches in worker processes, each with an interpreter lock of its own, to shared memory.

A batch is cut into blocks of images, and the next free worker takes the next block. Only numbers are
sent to the workers; they write images where they will be read (docs/adr/0016-worker-processes.md).
"""

import pickle
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fitfeed.pipelines.batches.workers.protocol import NO_SLOT, Task, no_numbers
from fitfeed.pipelines.batches.workers.shared_memory import BatchLayout, SharedBuffers
from fitfeed.pipelines.batches.workers.supervisor import WorkerSupervisor
from fitfeed.pipelines.batches.workers.worker import Rendering, Setup
from fitfeed.pipelines.batches.writer_threads import Damaged
from fitfeed.pipelines.reading.payloads import ReadPayloads

MIN_BLOCK = 16
"""Images per task, at least."""

MAX_BLOCK = 64
"""Images per task, at most. Sampling takes 0.3 to 0.6 ms a task, so larger tasks are better, as long as there
are enough of them for all workers."""


def batches_at_once(count: int, batch_size: int) -> int:
    """Returns how many batches to write at once: enough that each process has a block, and one more.

    It is at most the number of processes, or two, even for very small batches: each batch occupies a
    thread of TensorFlow.

    Args:
        count: Number of worker processes.
        batch_size: Images per batch.
    """
    return min(1 + -(-count * MIN_BLOCK // batch_size), max(2, count))


class RenderPool:
    """Writes batches in worker processes, which start with the first batch. Thread-safe; not picklable.

    The workers end when this object is gone, or when the process that made it ends, in whatever way.
    """

    def __init__(
        self,
        rendering: Rendering,
        layout: BatchLayout,
        *,
        count: int,
        payload_buffers: SharedBuffers | None = None,
        prepare: Sequence[Callable[[], None]] = (),
    ) -> None:
        """Prepares the shared memory; `render` starts the workers.

        Args:
            rendering: Writes the images. It is pickled here.
            layout: Shape and type of the batches.
            count: Number of worker processes.
            payload_buffers: Memory of payloads that are read ahead. None: workers read for themselves.
            prepare: What loads all that the images need, once for all workers: functions or class methods at the top of modules.
        """
        self._prepare = prepare
        payloads = None if payload_buffers is None else payload_buffers.layout
        self._setup, self._count = pickle.dumps(Setup(rendering, layout, payloads)), count
        self._payload_buffers = payload_buffers
        # Besides the batches that are being written, one is ready, and the model uses one.
        self._buffers = SharedBuffers(layout, spare=batches_at_once(count, layout.shape[0]) + 2)
        self._starting = threading.Lock()
        self._supervisor: WorkerSupervisor | None = None

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers; empty before the first batch."""
        return [] if self._supervisor is None else self._supervisor.pids

    def is_ready(self) -> bool:
        """Returns whether all workers can write batches. The first call starts them and does not wait.

        Raises:
            FeedError: If one of them has ended.
        """
        if self._supervisor is None and self._starting.locked():  # another thread starts them
            return False
        return self._started().is_ready

    def render(
        self,
        epoch: int,
        examples: npt.NDArray[np.int64],
        rng_index: npt.NDArray[np.int64],
        payloads: ReadPayloads | None = None,
    ) -> tuple[npt.NDArray[Any], Damaged]:
        """Writes a batch.

        Args:
            epoch: Number of the epoch.
            examples: int64 (n,), example numbers, n <= batch.
            rng_index: int64 (n,), numbers that augmentations are sampled by.
            payloads: Payloads in the shared memory for them. None: workers read for themselves.

        Returns:
            The batch, (n, ...) of the layout's type, and which images are damaged, if they are skipped.

        Raises:
            FitfeedError: If an image cannot be written, as with threads.
            FeedError: If a worker has died.
            RuntimeError: If a function of the user has failed. It has the worker's traceback.
        """
        supervisor = self._started()
        batch, slot = self._buffers.take(len(examples))
        size = min(MAX_BLOCK, max(MIN_BLOCK, len(examples) // self._count))
        blocks = [slice(first, first + size) for first in range(0, len(examples), size)]
        number, pending = supervisor.register(batch, blocks=len(blocks))
        payload_slot, starts, lengths = NO_SLOT, no_numbers(), no_numbers()
        if payloads is not None and payloads.slot is not None:
            payload_slot, starts, lengths = payloads.slot, payloads.starts, payloads.lengths
        supervisor.send(
            Task(
                job=number,
                slot=slot,
                epoch=epoch,
                first=block.start,
                examples=examples[block],
                rng_index=rng_index[block],
                payload_slot=payload_slot,
                payload_starts=starts[block],
                payload_lengths=lengths[block],
            )
            for block in blocks
        )
        return batch, pending.result()

    def _started(self) -> WorkerSupervisor:
        with self._starting:
            if self._supervisor is None:
                buffers = [self._buffers, self._payload_buffers]
                memory = [each.descriptor for each in buffers if each is not None]
                self._supervisor = WorkerSupervisor(
                    self._setup, memory=memory, count=self._count, prepare=self._prepare
                )
                weakref.finalize(self, self._supervisor.end)  # also when the interpreter exits
            return self._supervisor
