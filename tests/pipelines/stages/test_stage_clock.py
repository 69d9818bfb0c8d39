"""Stages are timed by any two clocks."""

import time
from pathlib import Path

import pytest

from fitfeed.pipelines.stages.stage_clock import StageClock, queued_of_thread
from fitfeed.pipelines.stages.stage_times import Stage
from tests.programs import run_program


class FakeClocks:
    """Two clocks that a test moves."""

    def __init__(self) -> None:
        self.cpu_s = self.wall_s = 100.0
        self.queued_s = 0.0
        self.blocks = 0

    def work(self, seconds: float) -> None:
        self.cpu_s += seconds
        self.wall_s += seconds

    def wait(self, seconds: float) -> None:
        self.wall_s += seconds
        self.blocks += seconds > 0

    def queue(self, seconds: float) -> None:
        self.wall_s += seconds
        self.queued_s += seconds

    def clock(self) -> StageClock:
        return StageClock(
            cpu=lambda: self.cpu_s,
            wall=lambda: self.wall_s,
            blocks=lambda: self.blocks,
            queued=lambda: self.queued_s,
        )


def test_times_are_of_one_image() -> None:
    clocks = FakeClocks()
    clock = clocks.clock()
    for _ in range(4):
        with clock.time("read"):
            clocks.work(0.25)
            clocks.wait(0.5)
        with clock.time("decode"):
            clocks.work(2.0)
    times = clock.times(4)
    assert (times["read"].cpu_s, times["read"].wait_s) == (0.25, 0.5)
    assert (times["decode"].cpu_s, times["decode"].wait_s) == (2.0, 0.0)
    assert times["batch"].cpu_s == 0


@pytest.mark.parametrize("stage", ["decode", "augment", "normalize", "batch", "hand-over"])
def test_only_reading_waits_for_anything(stage: Stage) -> None:
    clocks = FakeClocks()
    clock = clocks.clock()
    with clock.time(stage):
        clocks.wait(7.0)  # another program had the CPU
    assert clock.times(1)[stage].seconds == 0


def test_a_thread_that_was_only_set_aside_has_not_waited() -> None:
    clocks = FakeClocks()
    clock = clocks.clock()
    with clock.time("read"):
        clocks.wall_s += 7.0
    assert clock.times(1)["read"].wait_s == 0


def test_a_thread_that_waits_is_not_charged_with_what_others_had() -> None:
    clocks = FakeClocks()
    clock = clocks.clock()
    with clock.time("read"):
        clocks.queue(3.0)
        clocks.wait(0.5)
        clocks.queue(7.0)  # the bytes are there, and no CPU is free
    assert clock.times(1)["read"].wait_s == pytest.approx(0.5)


def test_the_kernel_says_how_long_a_thread_had_no_cpu() -> None:
    """Two threads of one CPU, which take turns: what one of them has, the other one misses."""
    program = """
import os, threading, time
from fitfeed.pipelines.stages.stage_clock import queued_of_thread

os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
other = os.fork()
began, wall, cpu = queued_of_thread(), time.perf_counter(), time.thread_time()
while time.thread_time() - cpu < 0.1:
    pass
if other == 0:
    os._exit(0)
passed, queued = time.perf_counter() - wall, queued_of_thread() - began
os.waitpid(other, 0)
missing = passed - (time.thread_time() - cpu) - queued
assert queued > 0.02 and abs(missing) < 0.5 * passed, (passed, queued)
"""
    run_program(program)


def test_where_the_kernel_does_not_say_it_nothing_is_subtracted(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "open", missing)
    assert queued_of_thread() == 0


def test_the_kernel_tells_waiting_from_working() -> None:
    clock = StageClock()
    with clock.time("read"):
        time.sleep(0.02)
    times = clock.times(1)
    assert times["read"].wait_s >= 0.02
    assert times["read"].cpu_s < 0.02


def test_what_fails_is_not_counted() -> None:
    clocks = FakeClocks()
    clock = clocks.clock()

    def fail() -> None:
        with clock.time("decode"):
            clocks.work(1.0)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert clock.times(1)["decode"].cpu_s == 0
