"""Which epoch an iteration is."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fitfeed.schemas.errors import UsageError


class EpochCounter:
    """Counts the iterations of a pipeline. Thread-safe.

    An iteration that is given up early still counts: `next(iter(train))` uses up an epoch number.
    So does Keras under a `tf.distribute` strategy: `fit` takes a batch from an iterator of its own
    to build a model that is not built yet, and trains from the next epoch number on. Build the model
    before `fit` where the first epoch's number, or `start=`, matters; or pass `ResumeTraining`, which
    pins the numbers to those of `fit`.

    Attributes:
        steps: Steps per epoch.
        identity: What decides which examples each step has: dataset, split, seed and so on.
        is_chief: Whether this is the first of the workers that share the dataset.
    """

    def __init__(
        self,
        start: tuple[int, int],
        *,
        steps: int,
        identity: Mapping[str, Any] | None = None,
        is_chief: bool = True,
    ) -> None:
        """Starts the count.

        Args:
            start: (epoch, step) of the first iteration; later ones begin at step 0.
            steps: Steps per epoch.
            identity: As the attribute; plain JSON.
            is_chief: As the attribute.

        Raises:
            UsageError: If an epoch has no such step.
        """
        epoch, step = start
        if step >= steps:
            msg = f"start expects a step below the {steps} of an epoch. Received: start={start}. Use ({epoch + 1}, 0) for the next epoch."
            raise UsageError(msg)
        self.steps, self.identity, self.is_chief = steps, dict(identity or {}), is_chief
        self._next = (epoch, step)
        self._lock = threading.Lock()

    def next(self) -> tuple[np.int64, np.int64]:
        """The number of the epoch that begins now, and the step that it begins at."""
        with self._lock:
            override = _override
            if override is not None:
                override.opened.append(self)
                self._next = override.position
            epoch, step = self._next
            self._next = (epoch + 1, 0)
            return np.int64(epoch), np.int64(step)


@dataclass
class EpochOverride:
    """Where the iterations that are opened meanwhile begin, whatever their own count says.

    Attributes:
        position: (epoch, step).
        opened: The pipelines that were opened there, in order.
    """

    position: tuple[int, int]
    opened: list[EpochCounter] = field(default_factory=list)


_override: EpochOverride | None = None
"""Of the process, because a callback of `fit` never sees the dataset that `fit` was given."""


def set_override(override: EpochOverride | None) -> None:
    """Pins what is opened from now on, or stops that."""
    global _override
    _override = override
