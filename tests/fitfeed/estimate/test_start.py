"""What a conversion takes besides its images is measured."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from fitfeed.estimate import start
from fitfeed.pipelines import open_dataset


@pytest.mark.slow
def test_a_whole_conversion_is_timed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "USUAL_S", 0.0)
    assert start.start_seconds(tmp_path / "start") > 0.2
    assert open_dataset(tmp_path / "start" / "dataset").splits["train"].examples == 1


@pytest.mark.parametrize("error", [OSError(), subprocess.CalledProcessError(2, "fitfeed")])
def test_where_the_command_does_not_run_the_usual_time_stands_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(subprocess, "run", fail)
    assert start.start_seconds(tmp_path / "start") == start.USUAL_S
