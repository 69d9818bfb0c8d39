"""The arithmetic of waiting, against steps that are simulated with known lengths."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.pipelines.monitor.step_seconds import Execution, StepSeconds, step_seconds

seconds = st.floats(0, 10)


def simulated(
    asked: float, ready: list[float], computing: float, previous: float | None
) -> tuple[Execution, list[float]]:
    """What a device does: it begins a step when its batch is there and it has nothing else to do."""
    now = asked if previous is None else max(asked, previous)
    waits = []
    for there in ready:
        waits.append(max(0.0, there - now))
        now = max(now, there) + computing
    return Execution(asked, tuple(ready), now), waits


@given(
    asked=seconds,
    ready=st.lists(seconds, min_size=1, max_size=6).map(sorted),
    computing=st.floats(1e-3, 5),
    previous=st.none() | seconds,
)
def test_waiting_and_computing_of_simulated_steps_are_found(
    asked: float, ready: list[float], computing: float, previous: float | None
) -> None:
    execution, waits = simulated(asked, ready, computing, previous)
    times = step_seconds(execution, previous)
    assert [step.waiting for step in times] == pytest.approx(waits, abs=1e-9)
    assert [step.computing for step in times] == pytest.approx([computing] * len(ready), abs=1e-9)


@given(
    asked=seconds,
    ready=st.lists(seconds, min_size=1, max_size=6),
    computed=seconds,
    previous=st.none() | seconds,
)
def test_no_time_is_negative_or_counted_twice(
    asked: float, ready: list[float], computed: float, previous: float | None
) -> None:
    times = step_seconds(Execution(asked, tuple(ready), computed), previous)
    assert min(min(step) for step in times) >= 0
    begin = asked if previous is None else previous
    if computed >= max([begin, asked, *ready]):
        assert sum(step.total for step in times) == pytest.approx(computed - begin, abs=1e-9)


def test_a_batch_that_is_ready_is_not_waited_for() -> None:
    assert step_seconds(Execution(5.0, (2.0,), 7.0), 4.0) == [StepSeconds(0.0, 2.0, 1.0)]


def test_where_the_device_still_computes_nobody_waits_for_the_batch() -> None:
    # Asked at 1, there at 3; but the step before is computed at 2 only.
    assert step_seconds(Execution(1.0, (3.0,), 8.0), 2.0) == [StepSeconds(1.0, 5.0, 0.0)]
    assert step_seconds(Execution(1.0, (3.0,), 8.0), 4.0) == [StepSeconds(0.0, 4.0, 0.0)]
