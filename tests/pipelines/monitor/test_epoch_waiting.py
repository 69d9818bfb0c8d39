"""The sums of an epoch."""

import pytest

from fitfeed.pipelines.monitor.epoch_waiting import EpochWaiting, RunningExecution
from fitfeed.pipelines.monitor.step_seconds import StepSeconds


def execution(
    asked: float, ready: float, computed: float | None, *, compiles: bool = False
) -> RunningExecution:
    return RunningExecution(asked, [ready], [8], compiles, computed)


def test_steps_are_added_up_and_those_that_compile_are_left_out() -> None:
    epoch = EpochWaiting()
    epoch.add(execution(0, 0.5, 60, compiles=True))
    epoch.add(execution(61, 64, 66))  # 1 between, 3 waiting, 2 computing
    epoch.add(execution(66, 65, 68))  # 2 computing
    assert epoch.settle() == [StepSeconds(3, 2, 1), StepSeconds(0, 2, 0)]
    result = epoch.result()
    assert (result.steps, result.left_out, result.images) == (2, 1, 16)
    assert (result.waiting, result.computing, result.between, result.total) == (3, 4, 1, 8)
    assert result.share == 3 / 8
    assert epoch.steps == [StepSeconds(3, 2), StepSeconds(0, 2)]


def test_results_that_come_later_are_waited_for_in_order() -> None:
    epoch = EpochWaiting()
    first, second = execution(0, 0, None), execution(1, 2, 7)
    epoch.add(first)
    epoch.add(second)
    assert epoch.settle() == []
    first.computed = 5
    assert epoch.settle() == [StepSeconds(0, 5), StepSeconds(0, 2)]


def test_steps_whose_batches_nobody_saw_are_left_out() -> None:
    epoch = EpochWaiting()
    epoch.add(RunningExecution(0.0, computed=1.0))
    assert epoch.settle() == []
    result = epoch.result()
    assert (result.steps, result.left_out, result.share) == (0, 1, 0.0)


def test_the_course_of_an_epoch_is_means_of_consecutive_steps() -> None:
    epoch = EpochWaiting()
    for step in range(7):
        epoch.add(execution(10 * step, 10 * step + step, 10 * step + 9))
    epoch.settle()
    points = epoch.series(3)
    assert [steps for steps, _, _ in points] == [3, 6, 7]
    assert [waiting for _, waiting, _ in points] == pytest.approx([1, 4, 6])
    assert [computing for _, _, computing in points] == pytest.approx([8, 5, 3])
    assert len(epoch.series(100)) == 7
    assert EpochWaiting().series(3) == []
