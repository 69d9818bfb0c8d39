"""Which time counts against a limit."""

import time

import pytest

from fitfeed.schemas.processes.running_time import RunningTime


def test_time_in_which_the_process_was_stopped_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    clock = RunningTime(interval_s=1.0)
    passed = []
    for step in (0.0, 0.5, 2.0, 3600.0, 1.0):
        now[0] += step
        passed.append(clock.passed())
    assert passed == [0.0, 0.5, 2.0, 2.0, 1.0]
