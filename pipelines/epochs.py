"""Which epoch an iteration is."""

import itertools
import threading

import numpy as np

from schemas.errors import UsageError


class Epochs:
    """Counts the iterations of a pipeline. Thread-safe.

    An iteration that is given up early still counts: `next(iter(train))` uses up an epoch number.
    So does Keras under a `tf.distribute` strategy: `fit` takes a batch from an iterator of its own
    to build a model that is not built yet, and trains from the next epoch number on. Build the model
    before `fit` where the first epoch's number, or `start=`, matters.
    """

    def __init__(self, start: tuple[int, int], *, steps: int) -> None:
        """Starts the count.

        Args:
            start: (epoch, step) of the first iteration; later ones begin at step 0.
            steps: Steps per epoch.

        Raises:
            UsageError: If an epoch has no such step.
        """
        epoch, step = start
        if step >= steps:
            msg = f"start expects a step below the {steps} of an epoch. Received: start={start}. Use ({epoch + 1}, 0) for the next epoch."
            raise UsageError(msg)
        self._epochs = itertools.count(epoch)
        self._first_steps = itertools.chain([step], itertools.repeat(0))
        self._lock = threading.Lock()

    def take(self) -> tuple[np.int64, np.int64]:
        """The number of the epoch that begins now, and the step that it begins at."""
        with self._lock:
            return np.int64(next(self._epochs)), np.int64(next(self._first_steps))
