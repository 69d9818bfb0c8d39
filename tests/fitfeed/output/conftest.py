"""What tests of progress share."""

import time

import pytest

from fitfeed.output import progress_display


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that is set by hand, and no thread that looks at it."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(progress_display, "TICK_S", 3600.0)
    monkeypatch.setattr(progress_display, "QUIET_S", 2.0)
    return now
