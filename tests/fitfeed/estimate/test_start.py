"""What a conversion takes besides its images is measured."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fitfeed.estimate import start
from fitfeed.pipelines import open_dataset
from fitfeed.schemas.processes.child_process import ChildProcess


@pytest.mark.slow
def test_a_whole_conversion_is_timed(tmp_path: Path) -> None:
    found = start.conversion_start(tmp_path / "start")
    assert found.is_measured
    assert found.seconds > 0.2
    assert open_dataset(tmp_path / "start" / "dataset").splits["train"].examples == 1


@pytest.mark.slow
def test_a_module_in_the_current_folder_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fitfeed.py").write_text("raise SystemExit(3)")
    monkeypatch.chdir(tmp_path)
    assert start.conversion_start(tmp_path / "start").is_measured


@pytest.mark.slow
def test_where_the_conversion_fails_the_usual_time_stands_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(start, "encode_png", lambda _: b"damaged")
    assert start.conversion_start(tmp_path / "start") == start.USUAL
    assert capfd.readouterr() == ("", "")


def test_where_no_process_can_be_started_the_usual_time_stands_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OSError

    monkeypatch.setattr(start, "ChildProcess", fail)
    found = start.conversion_start(tmp_path / "start")
    assert (found.seconds, found.is_measured) == (start.USUAL_S, False)


def wait_for_ever(setup: bytes) -> None:
    threading.Event().wait()


def test_after_an_interruption_no_process_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[ChildProcess] = []

    class Interrupted(ChildProcess):
        def __init__(self, function: Callable[..., None], setup: bytes) -> None:
            super().__init__(wait_for_ever, setup)
            started.append(self)

        def wait(self) -> int:
            if self.is_asked_first:
                self.is_asked_first = False
                raise KeyboardInterrupt
            return super().wait()

        is_asked_first = True

    monkeypatch.setattr(start, "ChildProcess", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        start.conversion_start(tmp_path / "start")
    with pytest.raises(ProcessLookupError):
        os.kill(started[0].pid, 0)
