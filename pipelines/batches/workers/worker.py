"""The program of a worker process, which writes blocks of batches for a `RenderPool`.

It imports neither TensorFlow nor Keras nor the user's script, only the modules of functions in
`augment`. It has no state, so it may be killed at any moment.
"""

import mmap
import pickle
import socket
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from fitfeed.pipelines.batches.workers.protocol import MAX_MESSAGE_BYTES, NO_SLOT, READY, START, Answer, Task
from fitfeed.pipelines.batches.workers.shared_memory import BatchLayout
from fitfeed.pipelines.batches.writer_threads import Damaged
from fitfeed.pipelines.reading.payloads import Payload, ReadPayloads
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
        payloads: Sequence[Payload] | None = None,
    ) -> Damaged:
        """Writes images; returns those that are damaged, by their place in `out`.

        Args:
            epoch: Number of the epoch.
            examples: int64 (n,), example numbers.
            rng_index: int64 (n,), numbers that augmentations are sampled by.
            out: (n, ...) of the batch's type, to be written.
            payloads: The stored bytes, if they have been read already; empty where reading failed.
        """


class Setup(NamedTuple):
    """What the parent sends to a worker before its first task: what writes images, and their layout.

    `payloads` is the layout of the memory for payloads that are read ahead; None if workers read for themselves.
    """

    rendering: Rendering
    layout: BatchLayout
    payloads: BatchLayout | None = None


class Worker:
    """Writes blocks of batches."""

    def __init__(self, setup: Setup, memory: int, payload_memory: int | None = None) -> None:
        """Stores what all tasks need.

        Args:
            setup: What the parent has sent.
            memory: Descriptor of the file of batches.
            payload_memory: Descriptor of the file of payloads that were read ahead, if there is one.
        """
        self._rendering = setup.rendering
        self._batches = MappedSlots(setup.layout, memory)
        self._payloads: MappedSlots | None = None
        if setup.payloads is not None and payload_memory is not None:
            self._payloads = MappedSlots(setup.payloads, payload_memory)

    def work(self, task: Task) -> Answer:
        """Writes the block of a task."""
        try:
            out = self._batches[task.slot][task.first : task.first + len(task.examples)]
            damaged = self._rendering.render(
                task.epoch, task.examples, task.rng_index, out=out, payloads=self._payloads_of(task)
            )
        except Exception as error:  # noqa: BLE001 - ours, of a user's function, or a bug; the parent raises it
            return Answer(job=task.job, error=ErrorText.of(error))
        return Answer(
            job=task.job, damaged={task.first + place: str(error) for place, error in damaged.items()}
        )

    def _payloads_of(self, task: Task) -> ReadPayloads | None:
        if self._payloads is None or task.payload_slot == NO_SLOT:
            return None
        return ReadPayloads(self._payloads[task.payload_slot], task.payload_starts, task.payload_lengths)


class MappedSlots:
    """The slots of a file that the parent process has made, each mapped when it is first used."""

    def __init__(self, layout: BatchLayout, descriptor: int) -> None:
        """Maps nothing.

        Args:
            layout: Of the slots.
            descriptor: Of the file.
        """
        self._layout, self._descriptor = layout, descriptor
        self._slots: dict[int, mmap.mmap] = {}

    def __getitem__(self, slot: int) -> npt.NDArray[Any]:
        """Returns the full array of a slot."""
        memory = self._slots.get(slot)
        if memory is None:
            memory = self._slots[slot] = self._layout.map(self._descriptor, slot)
        shape, dtype = self._layout
        return np.frombuffer(memory, np.uint8, self._layout.array_bytes).view(dtype).reshape(shape)


def serve(setup: bytes, channel: int, memory: int, payload_memory: int | None = None) -> None:
    """Runs tasks until the channel is closed.

    Args:
        setup: A pickled `Setup`.
        channel: Descriptor of a socket: tasks arrive, answers leave.
        memory: Descriptor of the file of batches.
        payload_memory: Descriptor of the file of payloads that were read ahead, if there is one.
    """
    cv2.setNumThreads(1)  # the processes work in parallel already
    if "numpy.random" in sys.modules:
        # Functions of the user that draw from NumPy's own generator would draw the same in all forked processes.
        np.random.seed()  # noqa: NPY002 - it is that one
    connection = socket.socket(fileno=channel)
    try:
        # This is not data from outside: the parent process has just pickled its own objects.
        worker = Worker(pickle.loads(setup), memory, payload_memory)  # noqa: S301
    except Exception as error:  # noqa: BLE001 - a module that cannot be imported, say; the parent raises it
        connection.send(Answer(job=START, error=ErrorText.of(error)).encode())
        sys.exit(1)
    try:
        connection.send(Answer(job=READY).encode())
        while message := connection.recv(MAX_MESSAGE_BYTES):
            connection.send(worker.work(Task.decode(message)).encode())
    except ConnectionError:
        return  # the parent is gone
