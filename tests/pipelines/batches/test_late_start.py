"""When worker processes start, and that nothing but time depends on it."""

import time
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from fitfeed.pipelines import Dataset, RandomFlip, RandomResizedCrop
from fitfeed.pipelines.augment.compiler.program import Program
from fitfeed.pipelines.batches import late_start
from fitfeed.pipelines.batches.late_start import BREAK_EVEN_S, SPARE_S, LateStart
from tests.pipelines.image_loading import Loading

ALL = np.arange(53)
MAX_WAIT_S = 120.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, in an item that can be set."""
    now = [100.0]
    monkeypatch.setattr(late_start, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


@pytest.mark.parametrize(
    ("cpus", "after_s"), [(2, BREAK_EVEN_S), (4, BREAK_EVEN_S), (5, SPARE_S), (64, SPARE_S)]
)
def test_workers_are_due_after_some_work(clock: list[float], cpus: int, after_s: float) -> None:
    late = LateStart(cpus)
    for _ in range(2):
        assert not late.is_due
        with late.working():
            clock[0] += after_s / 2
        clock[0] += 1000  # the model is at work
    assert late.is_due


def test_what_two_threads_do_at_a_time_counts_once(clock: list[float]) -> None:
    late = LateStart(2)
    with late.working():
        for _ in range(2):
            with late.working():
                clock[0] += BREAK_EVEN_S / 3
        assert not late.is_due
        clock[0] += BREAK_EVEN_S / 3 + 0.01
    assert late.is_due


def test_threads_begin_and_workers_go_on_with_the_same_batches(flowers: Dataset) -> None:
    program = Program([RandomResizedCrop(), RandomFlip()], image_size=(20, 30), seed=1)
    ours, threads = Loading(flowers, program, processes=2, late=True), Loading(flowers, program)
    late: Any = ours.loader._late
    epoch = 0
    for epoch in range(2):
        np.testing.assert_array_equal(ours.load(epoch, ALL), threads.load(epoch, ALL))
    assert ours.pids == []
    late._after_s = 0.0
    deadline = time.monotonic() + MAX_WAIT_S
    while not ours.loader._are_ready:
        assert time.monotonic() < deadline
        epoch += 1
        np.testing.assert_array_equal(ours.load(epoch, ALL), threads.load(epoch, ALL))
    assert len(ours.pids) == 2
    for epoch in range(3):
        np.testing.assert_array_equal(ours.load(epoch, ALL), threads.load(epoch, ALL))


def test_workers_that_are_asked_for_start_at_once(flowers: Dataset) -> None:
    ours = Loading(flowers, Program([], image_size=(20, 30), seed=1), processes=1)
    ours.load(0, ALL)
    assert len(ours.pids) == 1
