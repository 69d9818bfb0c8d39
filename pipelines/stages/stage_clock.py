"""Times stages as they run."""

import resource
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from fitfeed.pipelines.stages.stage_times import STAGES, Stage, StageTime

Clock = Callable[[], float]
"""Seconds since some moment."""


def blocks_of_thread() -> int:
    """Counts how often this thread has given up its CPU because it had to wait. Linux calls it a voluntary switch."""
    return resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw


def queued_of_thread(thread: str = "thread-self") -> float:
    """Seconds in which a thread could have run, and others had the CPUs; 0 where the kernel does not say it.

    Args:
        thread: Its folder in /proc.
    """
    try:
        # Of Linux: nanoseconds that the thread has run, nanoseconds in which it was ready to run, and how often it has run.
        # It takes 4 us to ask.
        with Path("/proc", thread, "schedstat").open("rb", buffering=0) as file:
            return int(file.read().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0


class StageClock:
    """Adds up CPU time and waiting time of stages. Not thread-safe: each thread has its own.

    Only reading has anything to wait for. Other stages take long without CPU time if other programs have the CPU, which says
    nothing about them. So does reading. There a thread has waited only if it has given up its CPU, and not while it was ready
    again:

        |- CPU -|- set aside -|- CPU -|- the disk is slow -|- ready, but no CPU is free -|- CPU -|
                                      |----- waiting ------|
    """

    def __init__(
        self,
        *,
        cpu: Clock = time.thread_time,
        wall: Clock = time.perf_counter,
        blocks: Callable[[], int] = blocks_of_thread,
        queued: Clock = queued_of_thread,
    ) -> None:
        """Starts at 0.

        Args:
            cpu: CPU time of this thread.
            wall: Time as it passes.
            blocks: How often this thread has waited.
            queued: How long this thread was ready, and had no CPU.
        """
        self._cpu, self._wall, self._blocks, self._queued = cpu, wall, blocks, queued
        self._cpu_s, self._wait_s = dict.fromkeys(STAGES, 0.0), 0.0

    @contextmanager
    def time(self, stage: Stage) -> Iterator[None]:
        """Adds what happens inside to a stage; not if it fails."""
        if stage == "read":
            # Queueing is asked for within the time that passes: what comes before or after is not subtracted from it.
            blocks, wall, queued, cpu = self._blocks(), self._wall(), self._queued(), self._cpu()
            yield
            spent = self._cpu() - cpu
            self._cpu_s[stage] += spent
            if self._blocks() > blocks:
                queueing = self._queued() - queued
                self._wait_s += max(0.0, self._wall() - wall - spent - queueing)
        else:
            cpu = self._cpu()
            yield
            self._cpu_s[stage] += self._cpu() - cpu

    def times(self, images: int) -> dict[Stage, StageTime]:
        """Returns what the stages took for each of so many images."""
        return {
            stage: StageTime(
                cpu_s=self._cpu_s[stage] / images,
                wait_s=self._wait_s / images if stage == "read" else 0.0,
            )
            for stage in STAGES
        }


def untimed(stage: Stage) -> AbstractContextManager[None]:
    """Does what `StageClock.time` does where nobody wants to know."""
    return nullcontext()
