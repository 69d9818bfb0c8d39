"""Records when each batch of a pipeline was made, so that a monitor can compare that with when it was needed."""

import math
import threading
import time
import weakref
from collections import deque
from typing import NamedTuple

import numpy as np

from fitfeed.pipelines.feed.batch_maker import BatchMaker
from fitfeed.pipelines.order.epoch_counter import EpochCounter

MAX_KEPT = 4096
"""Batches that are remembered: far more than any buffer between the pipeline and the step that takes them has."""


class MadeBatch(NamedTuple):
    """When a batch was there, by `time.monotonic()`, and how many examples it has."""

    ready: float
    examples: int


class Opening(NamedTuple):
    """An iteration of a pipeline: when it was opened, by `time.monotonic()`, its epoch and its first step."""

    opened: float
    epoch: int
    first: int


class MadeBatches:
    """The iterations and batches of a pipeline that were made last. Thread-safe.

    Recording takes two microseconds for a batch, so it is done in every pipeline.

    Attributes:
        steps: Steps per epoch.
        maker: What makes the batches, if that is known.
    """

    def __init__(self, epochs: EpochCounter, maker: BatchMaker | None = None) -> None:
        """Begins with none.

        Args:
            epochs: Says which epoch an iteration is.
            maker: What makes the batches, so that a monitor can measure its stages.
        """
        self.maker = maker
        self._last = -math.inf
        self.steps, self._epochs = epochs.steps, epochs
        self._openings: deque[Opening] = deque(maxlen=MAX_KEPT)
        self._made: dict[tuple[int, int], MadeBatch] = {}
        # TensorFlow makes several batches at once, each in a thread of its own.
        self._recording = threading.Lock()
        with _ADDING:
            _ALIVE.add(self)

    def open(self) -> tuple[np.int64, np.int64]:
        """Returns the epoch and the first step of an iteration that begins, and records it."""
        epoch, first = self._epochs.next()
        with self._recording:
            self._openings.append(Opening(time.monotonic(), int(epoch), int(first)))
        return epoch, first

    def finish(self, epoch: int, step: int, examples: int) -> None:
        """Records that a batch is finished."""
        place = epoch, step
        with self._recording:
            self._made.pop(place, None)  # what was made before becomes the newest again
            self._last = time.monotonic()
            self._made[place] = MadeBatch(self._last, examples)
            while len(self._made) > MAX_KEPT:
                del self._made[next(iter(self._made))]

    def batch(self, epoch: int, step: int) -> MadeBatch | None:
        """Returns when a batch was made; None if it was not, or long ago."""
        with self._recording:
            return self._made.get((epoch, step))

    @property
    def openings(self) -> list[Opening]:
        """The iterations, oldest first."""
        with self._recording:
            return list(self._openings)

    def works_since(self, moment: float) -> bool:
        """Returns whether a batch was finished since a moment, by `time.monotonic()`."""
        return self._last >= moment


def at_work_since(moment: float) -> list[MadeBatches]:
    """Returns the pipelines of this process that have finished a batch since a moment, by `time.monotonic()`."""
    with _ADDING:
        return [made for made in _ALIVE if made.works_since(moment)]


_ALIVE: "weakref.WeakSet[MadeBatches]" = weakref.WeakSet()
_ADDING = threading.Lock()
