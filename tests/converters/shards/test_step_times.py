"""Laps of a shard."""

import time

import pytest

from fitfeed.converters.shards.step_times import StepTimes


def test_every_moment_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0]
    monkeypatch.setattr(time, "perf_counter_ns", lambda: now[0])
    times = StepTimes()
    for step, spent in (("read", 5), ("decode", 60), ("write", 7), ("read", 5), ("decode", 40), ("write", 3)):
        now[0] += spent * 1_000_000 + 400_000
        times.lap(step)  # type: ignore[arg-type]
    assert times.milliseconds() == {"read": 10, "decode": 100, "write": 10}
    assert sum(times.milliseconds().values()) <= now[0] / 1_000_000
