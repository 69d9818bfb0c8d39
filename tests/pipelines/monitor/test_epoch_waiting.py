"""The sums of an epoch."""

import math

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
    assert result.need == 16 / 5
    assert epoch.steps == [StepSeconds(3, 2, 1), StepSeconds(0, 2, 0)]


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
    assert (result.steps, result.left_out) == (0, 1)
    assert math.isnan(result.share)  # 0 would say that nothing waited


def test_the_course_of_an_epoch_is_means_of_consecutive_steps() -> None:
    epoch = EpochWaiting()
    for step in range(7):
        epoch.add(execution(10 * step, 10 * step + step, 10 * step + 9))
    epoch.settle()
    points = epoch.series(3)
    assert [step for step, _ in points] == [3, 6, 7]
    assert [mean.waiting for _, mean in points] == pytest.approx([1, 4, 6])
    assert [mean.computing for _, mean in points] == pytest.approx([8, 5, 3])
    assert [mean.between for _, mean in points] == pytest.approx([2 / 3, 1, 1])
    assert len(epoch.series(100)) == 7
    assert EpochWaiting().series(3) == []


def test_the_course_has_the_share_of_the_epoch_and_numbers_of_its_steps() -> None:
    epoch = EpochWaiting()
    for step in range(5):
        epoch.add(execution(10 * step, 10 * step + 4, 10 * step + 8, compiles=step in (0, 3)))
    epoch.settle()
    assert [step for step, _ in epoch.series(100)] == [2, 3, 5]
    ((last, mean),) = epoch.series(1)
    assert last == 5
    assert mean.share == pytest.approx(epoch.result().share) == pytest.approx(0.4)


@pytest.mark.parametrize(("ready", "computed", "examples"), [(2.0, 2.0, 8), (2.0, 3.0, 0)])
def test_nobody_can_say_what_a_loop_needs_that_computes_nothing_or_of_no_images(
    ready: float, computed: float, examples: int
) -> None:
    epoch = EpochWaiting()
    epoch.add(RunningExecution(1.0, [ready], [examples], computed=computed))
    epoch.settle()
    assert epoch.result().share > 0
    assert epoch.result().need is None
