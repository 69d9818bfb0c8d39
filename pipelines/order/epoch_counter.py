"""Counts the epochs of a pipeline: says which epoch an iteration is."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from fitfeed.schemas.errors import UsageError

T = TypeVar("T")


class EpochCounter:
    """Counts the iterations of a pipeline. Thread-safe.

    An iteration that ends early still counts: `next(iter(train))` uses up an epoch number. So does Keras
    under a `tf.distribute` strategy, and in its first `fit` on JAX: `fit` takes a batch from an iterator of its
    own to build the model, even one that is built, and then trains from the next epoch number on. If the
    number of the first epoch, or `start=`, matters, pass `ResumeTraining` (on TensorFlow), which
    sets the numbers to those of `fit`.

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
            start: (epoch, step) of the first iteration. Later iterations begin at step 0.
            steps: Steps per epoch.
            identity: See the attribute; plain JSON.
            is_chief: See the attribute.

        Raises:
            UsageError: If an epoch does not have this step.
        """
        self.steps, self.identity, self.is_chief = steps, dict(identity or {}), is_chief
        self._override: EpochOverride | None = None
        self._lock = threading.Lock()
        self.go_to(start)

    def go_to(self, start: tuple[int, int]) -> None:
        """Sets where the next iteration begins. Iterations that are open already are not affected.

        Args:
            start: Its (epoch, step).

        Raises:
            UsageError: If an epoch does not have this step.
        """
        epoch, step = start
        if step >= self.steps:
            msg = f"start expects a step below the {self.steps} of an epoch. Received: start={(epoch, step)}. Use ({epoch + 1}, 0) for the next epoch."
            raise UsageError(msg)
        with self._lock:
            self._next = (epoch, step)

    @property
    def position(self) -> tuple[int, int]:
        """Where the next iteration begins, (epoch, step)."""
        return self._next

    def differences(self, identity: Mapping[str, Any]) -> tuple[str, str] | None:
        """Compares with the identity of an earlier run.

        Args:
            identity: Of the earlier run, as it was saved.

        Returns:
            What differs, as texts for a message: its values then, and now. None if the order is the same.
        """
        changed = [
            name
            for name in sorted({*identity, *self.identity})
            if identity.get(name) != self.identity.get(name)
        ]
        if not changed:
            return None
        then, now = (
            ", ".join(f"{name}={each.get(name)!r}" for name in changed) for each in (identity, self.identity)
        )
        return then, now

    def next(self) -> tuple[np.int64, np.int64]:
        """Returns the number of the epoch that begins now, and its first step; counts one further."""
        with self._lock:
            override = self._override
            if override is not None:
                override.opened += 1
                self._next = override.position
            epoch, step = self._next
            self._next = (epoch + 1, 0)
            return np.int64(epoch), np.int64(step)

    def run_from(
        self, position: tuple[int, int], function: Callable[..., T], *arguments: Any
    ) -> tuple[T, int]:
        """Calls a function. Iterations of this pipeline that are opened meanwhile begin at a position.

        Counting goes on from there. Other pipelines, and iterations that are open already, are not affected.

        Args:
            position: (epoch, step).
            function: What reads from a new iteration.
            arguments: For the function.

        Returns:
            What it returned, and how many iterations were opened.
        """
        override = EpochOverride(position)
        # In one function, not in a context manager: Ctrl-C cannot come between the call and `finally`.
        try:
            self._override = override
            return function(*arguments), override.opened
        finally:
            self._override = None


@dataclass
class EpochOverride:
    """The position where iterations begin for a moment, instead of their own count.

    Attributes:
        position: (epoch, step).
        opened: How many iterations began there.
    """

    position: tuple[int, int]
    opened: int = 0
