"""Batches that worker processes fill, in shared memory, each with an interpreter lock of its own.

A batch is cut into blocks of images, and whichever worker is free takes the next. Only numbers go to
the workers; images are written where they will be read (docs/adr/0016-worker-processes.md).
"""

import pickle
import threading
import weakref
from typing import Any

import numpy as np
import numpy.typing as npt

from fitfeed.pipelines.batches.renderer import Damaged
from fitfeed.pipelines.batches.workers.protocol import Task
from fitfeed.pipelines.batches.workers.shared_memory import BatchLayout, SharedBuffers
from fitfeed.pipelines.batches.workers.supervisor import WorkerSupervisor
from fitfeed.pipelines.batches.workers.worker import Rendering, Setup

MIN_BLOCK = 16
"""Images per task, at least."""

MAX_BLOCK = 64
"""Images per task, at most: drawing what is random takes 0.3 to 0.6 ms a task, so larger ones are better as
long as there are enough for all."""


def batches_at_once(count: int, batch_size: int) -> int:
    """Batches to be filled at once: so many that each process has a block, and one more, so that none waits.

    Not more than there are processes, even of very small batches: each occupies a thread of TensorFlow.
    """
    return min(1 + -(-count * MIN_BLOCK // batch_size), max(2, count))


class RenderPool:
    """Fills batches in worker processes, which start with the first batch. Thread-safe; not picklable.

    They end when this object is gone, or the process that made it, however it ends.
    """

    def __init__(self, rendering: Rendering, layout: BatchLayout, *, count: int) -> None:
        """Starts nothing yet.

        Args:
            rendering: What fills batches. It is pickled here.
            layout: Of the batches.
            count: How many processes.
        """
        self._setup, self._count = pickle.dumps(Setup(rendering, layout)), count
        # Besides those that are filled, one is ready, and one is with the model.
        self._buffers = SharedBuffers(layout, spare=batches_at_once(count, layout.shape[0]) + 2)
        self._starting = threading.Lock()
        self._supervisor: WorkerSupervisor | None = None

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers; none before the first batch."""
        return [] if self._supervisor is None else self._supervisor.pids

    def render(
        self, epoch: int, examples: npt.NDArray[np.int64], rng_index: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[Any], Damaged]:
        """Fills a batch.

        Args:
            epoch: Number of the epoch.
            examples: int64 (n,), example numbers, n <= batch.
            rng_index: int64 (n,), numbers that augmentations draw by.

        Returns:
            The batch, (n, ...), and which images are damaged, if such are skipped.

        Raises:
            FitfeedError: As the threads of a `Loader` would, if an image cannot be made.
            FeedError: If a worker has died.
            RuntimeError: If a function of the user has failed; with the worker's traceback.
        """
        supervisor = self._started()
        batch, slot = self._buffers.take(len(examples))
        size = min(MAX_BLOCK, max(MIN_BLOCK, len(examples) // self._count))
        blocks = [slice(first, first + size) for first in range(0, len(examples), size)]
        number, pending = supervisor.register(batch, blocks=len(blocks))
        supervisor.send(
            Task(
                job=number,
                slot=slot,
                epoch=epoch,
                first=block.start,
                examples=examples[block],
                rng_index=rng_index[block],
            )
            for block in blocks
        )
        return batch, pending.result()

    def _started(self) -> WorkerSupervisor:
        with self._starting:
            if self._supervisor is None:
                self._supervisor = WorkerSupervisor(
                    self._setup, memory=self._buffers.descriptor, count=self._count
                )
                weakref.finalize(self, self._supervisor.end)  # also when the interpreter exits
            return self._supervisor
