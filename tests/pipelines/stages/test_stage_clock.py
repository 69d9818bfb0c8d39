"""Stages are timed by any two clocks."""

import time

import pytest

from fitfeed.pipelines.stages.stage_clock import StageClock
from fitfeed.pipelines.stages.stage_times import Stage


class FakeClocks:
    """Two clocks that a test moves."""

    def __init__(self) -> None:
        self.cpu_s = self.wall_s = 100.0
        self.blocks = 0

    def work(self, seconds: float) -> None:
        self.cpu_s += seconds
        self.wall_s += seconds

    def wait(self, seconds: float) -> None:
        self.wall_s += seconds
        self.blocks += seconds > 0

    def clock(self) -> StageClock:
        return StageClock(cpu=lambda: self.cpu_s, wall=lambda: self.wall_s, blocks=lambda: self.blocks)


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
