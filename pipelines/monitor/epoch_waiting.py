"""Adds up the steps of an epoch: how long it waited for its input, and how long it computed."""

import math
import threading
from array import array
from collections import deque
from dataclasses import dataclass, field

from fitfeed.pipelines.monitor.step_seconds import Execution, StepSeconds, step_seconds


@dataclass(frozen=True, kw_only=True)
class InputWaiting:
    """Seconds of an epoch. What was left out is not in them: the first step, which compiles, and others that do.

    Attributes:
        steps: Steps that were measured.
        left_out: Steps that were not: those that compiled, and those whose batches no pipeline of fitfeed made.
        images: Examples of the measured steps.
        waiting: Seconds in which nothing was computed because the next batch was not there.
        computing: Seconds in which steps were computed.
        between: Seconds between steps that were neither, such as those of callbacks.
    """

    steps: int
    left_out: int
    images: int
    waiting: float
    computing: float
    between: float

    @property
    def total(self) -> float:
        """Seconds that the measured steps took."""
        return self.waiting + self.computing + self.between

    @property
    def share(self) -> float:
        """Share of an average step that is waiting, 0..1. Not a number (NaN) if no step was measured."""
        if not self.steps:
            return math.nan
        return self.waiting / self.total if self.total else 0.0

    @property
    def need(self) -> float | None:
        """Images per second that these steps would take if they never waited; None if nobody can say."""
        busy = self.computing + self.between
        return self.images / busy if self.images and busy > 0 else None


@dataclass
class RunningExecution:
    """An execution whose moments become known one after the other.

    Attributes:
        asked: When it asked for its first batch.
        ready: When each of its batches was there.
        examples: Examples of each batch.
        compiles: Whether it compiles, and so says nothing about later steps.
        computed: When its results were there; None as long as they are not.
    """

    asked: float
    ready: list[float] = field(default_factory=list)
    examples: list[int] = field(default_factory=list)
    compiles: bool = False
    computed: float | None = None


class EpochWaiting:
    """Collects the executions of an epoch, in order. Thread-safe."""

    def __init__(self) -> None:
        """Begins with no step."""
        self._running: deque[RunningExecution] = deque()
        self._previous: float | None = None
        self._left_out = self._images = 0
        # 32 bytes a step: an epoch of a million steps has 32 MB.
        self._waiting, self._computing, self._between = array("d"), array("d"), array("d")
        self._numbers = array("q")  # of the measured steps, in the epoch, from 1
        self._lock = threading.Lock()

    def add(self, execution: RunningExecution) -> None:
        """Adds the execution that began last. Its results may be there later."""
        with self._lock:
            self._running.append(execution)

    def settle(self) -> list[StepSeconds]:
        """Adds up the executions whose results are there; returns their steps, without those left out."""
        settled: list[StepSeconds] = []
        with self._lock:
            while self._running and self._running[0].computed is not None:
                settled += self._settle(self._running.popleft())
        return settled

    def _settle(self, execution: RunningExecution) -> list[StepSeconds]:
        previous, self._previous = self._previous, execution.computed
        if execution.compiles or not execution.ready or execution.computed is None:
            self._left_out += max(1, len(execution.ready))
            return []
        moments = Execution(execution.asked, tuple(execution.ready), execution.computed)
        times = step_seconds(moments, previous)
        for step in times:
            self._waiting.append(step.waiting)
            self._computing.append(step.computing)
            self._between.append(step.between)
            self._numbers.append(len(self._numbers) + self._left_out + 1)
        self._images += sum(execution.examples)
        return times

    def result(self) -> InputWaiting:
        """Returns the sums of what was settled."""
        return InputWaiting(
            steps=len(self._waiting),
            left_out=self._left_out,
            images=self._images,
            waiting=sum(self._waiting),
            computing=sum(self._computing),
            between=sum(self._between),
        )

    @property
    def steps(self) -> list[StepSeconds]:
        """The steps that were settled."""
        return list(map(StepSeconds, self._waiting, self._computing, self._between))

    def series(self, points: int) -> list[tuple[int, StepSeconds]]:
        """Returns the course of the epoch in at most `points` means of consecutive steps.

        Returns:
            The number of the last step of each point in the epoch, from 1, and the mean seconds of its steps. Steps that were
            left out have a number, too.
        """
        steps = len(self._waiting)
        each = max(1, -(-steps // points))
        bounds = [(first, min(first + each, steps)) for first in range(0, steps, each)]
        return [(self._numbers[last - 1], self._mean(first, last)) for first, last in bounds]

    def _mean(self, first: int, last: int) -> StepSeconds:
        parts = (self._waiting, self._computing, self._between)
        return StepSeconds(*(sum(part[first:last]) / (last - first) for part in parts))
