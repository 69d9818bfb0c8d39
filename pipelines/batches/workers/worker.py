"""The program of a worker process, which writes blocks of batches for a `RenderPool`.

It imports neither TensorFlow nor Keras nor the user's script, only the modules of functions in
`augment`. It has no state, so it may be killed at any moment.
"""

import mmap
import pickle
import socket
import sys
from typing import Any, NamedTuple, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from fitfeed.pipelines.batches.workers.protocol import MAX_MESSAGE_BYTES, READY, START, Answer, Task
from fitfeed.pipelines.batches.workers.shared_memory import BatchLayout
from fitfeed.pipelines.batches.writer_threads import Damaged
from fitfeed.schemas.processes.error_text import ErrorText


class Rendering(Protocol):
    """The part of a `Renderer` that a worker uses."""

    def render(
        self,
        epoch: int,
        examples: npt.NDArray[np.int64],
        rng_index: npt.NDArray[np.int64],
        *,
        out: npt.NDArray[Any],
    ) -> Damaged:
        """Writes images; returns those that are damaged, by their place in `out`.

        Args:
            epoch: Number of the epoch.
            examples: int64 (n,), example numbers.
            rng_index: int64 (n,), numbers that augmentations are sampled by.
            out: (n, ...) of the batch's type, to be written.
        """


class Setup(NamedTuple):
    """What the parent sends to a worker before its first task: what writes images, and their layout."""

    rendering: Rendering
    layout: BatchLayout


class Worker:
    """Writes blocks of batches."""

    def __init__(self, setup: Setup, memory: int) -> None:
        """Stores what all tasks need.

        Args:
            setup: What the parent has sent.
            memory: Descriptor of the file of batches.
        """
        self._rendering, self._layout = setup
        self._memory = memory
        self._slots: dict[int, mmap.mmap] = {}

    def work(self, task: Task) -> Answer:
        """Writes the block of a task."""
        try:
            batch = self._batch(task.slot)
            out = batch[task.first : task.first + len(task.examples)]
            damaged = self._rendering.render(task.epoch, task.examples, task.rng_index, out=out)
        except Exception as error:  # noqa: BLE001 - ours, of a user's function, or a bug; the parent raises it
            return Answer(job=task.job, error=ErrorText.of(error))
        return Answer(
            job=task.job, damaged={task.first + place: str(error) for place, error in damaged.items()}
        )

    def _batch(self, slot: int) -> npt.NDArray[Any]:
        memory = self._slots.get(slot)
        if memory is None:
            memory = self._slots[slot] = self._layout.map(self._memory, slot)
        shape, dtype = self._layout
        return np.frombuffer(memory, np.uint8, self._layout.array_bytes).view(dtype).reshape(shape)


def serve(setup: bytes, channel: int, memory: int) -> None:
    """Runs tasks until the channel is closed.

    Args:
        setup: A pickled `Setup`.
        channel: Descriptor of a socket: tasks arrive, answers leave.
        memory: Descriptor of the file of batches.
    """
    cv2.setNumThreads(1)  # the processes work in parallel already
    connection = socket.socket(fileno=channel)
    try:
        # This is not data from outside: the parent process has just pickled its own objects.
        worker = Worker(pickle.loads(setup), memory)  # noqa: S301
    except Exception as error:  # noqa: BLE001 - a module that cannot be imported, say; the parent raises it
        connection.send(Answer(job=START, error=ErrorText.of(error)).encode())
        sys.exit(1)
    try:
        connection.send(Answer(job=READY).encode())
        while message := connection.recv(MAX_MESSAGE_BYTES):
            connection.send(worker.work(Task.decode(message)).encode())
    except ConnectionError:
        return  # the parent is gone
