"""What a conversion takes besides its images is measured."""

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


@pytest.mark.slow
def test_a_module_in_the_current_folder_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fitfeed.py").write_text("raise SystemExit(3)")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(start, "USUAL_S", 0.0)
    assert start.start_seconds(tmp_path / "start") > 0.2


@pytest.mark.slow
def test_where_the_conversion_fails_the_usual_time_stands_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start, "encode_png", lambda _: b"damaged")
    assert start.start_seconds(tmp_path / "start") == start.USUAL_S


def test_where_no_process_can_be_started_the_usual_time_stands_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OSError

    monkeypatch.setattr(start, "ChildProcess", fail)
    assert start.start_seconds(tmp_path / "start") == start.USUAL_S
