"""Times stages as they run."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from fitfeed.pipelines.stages.stage_times import STAGES, Stage, StageTime

Clock = Callable[[], float]
"""Seconds since some moment."""


class StageClock:
    """Adds up CPU time and waiting time of stages. Not thread-safe: each thread has its own.

    A measurement costs 1 us, of stages that take 4 us and more.
    """

    def __init__(self, *, cpu: Clock = time.thread_time, wall: Clock = time.perf_counter) -> None:
        """Starts at 0.

        Args:
            cpu: CPU time of this thread.
            wall: Time as it passes.
        """
        self._cpu, self._wall = cpu, wall
        self._spent: dict[Stage, tuple[float, float]] = dict.fromkeys(STAGES, (0.0, 0.0))

    @contextmanager
    def time(self, stage: Stage) -> Iterator[None]:
        """Adds what happens inside to a stage; not if it fails."""
        cpu, wall = self._cpu(), self._wall()
        yield
        self.add(stage, cpu_s=self._cpu() - cpu, wall_s=self._wall() - wall)

    def add(self, stage: Stage, *, cpu_s: float, wall_s: float) -> None:
        """Adds time to a stage."""
        cpu, wall = self._spent[stage]
        self._spent[stage] = cpu + cpu_s, wall + wall_s

    def times(self, images: int, *, waits: bool = False) -> dict[Stage, StageTime]:
        """Returns what the stages took for each of so many images.

        Args:
            images: How many there were.
            waits: Whether reading counts as waiting where it took no CPU time. No other stage has anything to wait for: there
                a thread only waits for other programs on the same CPUs, which CPU time leaves out.
        """
        return {
            stage: StageTime(
                cpu_s=cpu / images,
                wait_s=max(0.0, wall - cpu) / images if waits and stage == "read" else 0.0,
            )
            for stage, (cpu, wall) in self._spent.items()
        }


def untimed(stage: Stage) -> AbstractContextManager[None]:
    """Does what `StageClock.time` does where nobody wants to know."""
    return nullcontext()
