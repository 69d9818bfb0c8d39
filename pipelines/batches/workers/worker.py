"""The program of a worker process, which writes blocks of batches for a `RenderPool`.

It imports neither TensorFlow nor Keras nor the user's script, only the modules of functions in
`augment`. It has no state, so it may be killed at any moment.
"""

import mmap
import os
import pickle
import socket
import sys
import threading
import time
import traceback
from typing import Any, NamedTuple, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from fitfeed.pipelines.batches.workers.protocol import MAX_MESSAGE_BYTES, START, Answer, Task
from fitfeed.pipelines.batches.workers.shared_memory import BatchLayout
from fitfeed.pipelines.batches.writer_threads import Damaged
from fitfeed.schemas.errors import FitfeedError

PARENT_S = 1.0
"""Seconds between two checks that the parent is alive."""


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
        except FitfeedError as error:
            return Answer(job=task.job, error=(type(error).__name__, str(error)))
        except Exception as error:  # noqa: BLE001 - of a user's function, or a bug; the parent raises it
            return Answer(job=task.job, error=(type(error).__name__, traceback.format_exc()))
        return Answer(
            job=task.job, damaged={task.first + place: str(error) for place, error in damaged.items()}
        )

    def _batch(self, slot: int) -> npt.NDArray[Any]:
        memory = self._slots.get(slot)
        if memory is None:
            memory = self._slots[slot] = self._layout.map(self._memory, slot)
        shape, dtype = self._layout
        return np.frombuffer(memory, np.uint8, self._layout.array_bytes).view(dtype).reshape(shape)


def main(parent: int, channel: int, memory: int, setup: int) -> None:
    """Runs tasks until the channel is closed or the parent is gone.

    Args:
        parent: Process id of the parent.
        channel: Descriptor of a socket: tasks arrive, answers leave.
        memory: Descriptor of the file of batches.
        setup: Descriptor of a file with a pickled `Setup`.
    """
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    cv2.setNumThreads(1)  # the processes work in parallel already
    connection = socket.socket(fileno=channel)
    try:
        # This is not data from outside: the parent process has just pickled its own objects.
        worker = Worker(pickle.loads(os.pread(setup, os.fstat(setup).st_size, 0)), memory)  # noqa: S301
    except Exception as error:  # noqa: BLE001 - a module that cannot be imported, say; the parent raises it
        connection.send(Answer(job=START, error=(type(error).__name__, traceback.format_exc())).encode())
        sys.exit(1)
    os.close(setup)
    try:
        while message := connection.recv(MAX_MESSAGE_BYTES):
            connection.send(worker.work(Task.decode(message)).encode())
    except ConnectionError:
        return  # the parent is gone


def _end_with(parent: int) -> None:
    """Ends this process when the parent is gone, even in the middle of a block.

    The channel closes then, too. But that does not help while a function of the user hangs, or while
    children that the parent has forked keep its end open.
    """
    while os.getppid() == parent:
        time.sleep(PARENT_S)
    os._exit(1)
