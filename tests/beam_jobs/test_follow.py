"""What a launch says and does that meets the job of an earlier one, and how its own is interrupted."""

import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from typing_extensions import override

from fitfeed.beam_jobs import convert as convert_anywhere
from fitfeed.beam_jobs.progress import NoProgress
from fitfeed.cli import main
from fitfeed.converters.staging import sign_of_life
from fitfeed.converters.staging.launch import JobLaunch
from fitfeed.converters.staging.staging import Staging, open_staging
from fitfeed.schemas.errors import (
    InterruptedConversionError,
    OvertakenError,
    TooManyRejectsError,
    UsageError,
)
from fitfeed.schemas.storage import claim
from fitfeed.schemas.storage.place import Place
from tests.beam_jobs.launches import OPTIONS, RUNNER, launch, left_at, require_clean, stored
from tests.beam_jobs.stepped_engine import SteppedEngine, frozen
from tests.waiting import wait_until
from tests.without_beam import without_beam


class Lines(NoProgress):
    """What a user is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    @override
    def notify(self, line: str) -> None:
        self.lines.append(line)


def test_what_was_planned_and_never_started(
    engine: SteppedEngine,
    six_photos: Path,
    place: Place,
    single_runs: dict[str, dict[str, bytes]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its command was killed in between."""
    frozen(monkeypatch)
    left_at(engine, "started", six_photos, place)
    engine.jobs[0].cancel()
    engine.jobs.clear()
    assert not launch(six_photos, place).up_to_date
    require_clean(six_photos, place, OPTIONS, single_runs["one"])


def test_one_command_at_a_time_follows(
    engine: SteppedEngine, six_photos: Path, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claim, "REFRESH_S", 0.05)
    monkeypatch.setattr(claim, "POLL_S", 0.05)
    left_at(engine, "some results", six_photos, place)
    with (
        open_staging(place),
        pytest.raises(UsageError, match=f"another conversion into {place} is running"),
    ):
        launch(six_photos, place)


def test_a_refusal_is_told_to_who_follows_and_then_judged_anew(
    engine: SteppedEngine, six_photos: Path, place: Place, tmp_path: Path
) -> None:
    bad = tmp_path / "bad" / "cat"
    bad.mkdir(parents=True)
    (bad / "1.png").write_bytes((six_photos / "cat" / "0.png").read_bytes())
    (bad / "2.png").write_bytes(b"no picture")
    left_at(engine, "all results", bad.parent, place)
    (job,) = engine.jobs
    threading.Timer(0.05, job.go_on).start()
    with pytest.raises(TooManyRejectsError):
        launch(bad.parent, place)
    with pytest.raises(TooManyRejectsError):
        launch(bad.parent, place)
    assert len(engine.jobs) == 2
    assert launch(bad.parent, place, max_bad=1).manifest.splits["train"].examples == 1


def test_to_leave_a_job_twice_starts_it_once(engine: SteppedEngine, six_photos: Path, place: Place) -> None:
    first = left_at(engine, "unchecked shard", six_photos, place)
    second = launch(six_photos, place, detach=True)
    assert len(engine.jobs) == 1
    assert first.running == "Stepped job 7"
    assert second.running.startswith("Stepped job 7, started by ")


def test_ctrl_c_cancels_the_job(
    engine: SteppedEngine, six_photos: Path, place: Place, single_runs: dict[str, dict[str, bytes]]
) -> None:
    engine.stop_at = "some results"
    _interrupt_when(lambda: _is_stopped(engine))
    with pytest.raises(InterruptedConversionError, match=r"Stepped job 7 was cancelled\. The same command"):
        launch(six_photos, place)
    assert isinstance(engine.jobs[0].end(), RuntimeError)
    assert not launch(six_photos, place).up_to_date  # at once: nothing needs to be waited for
    require_clean(six_photos, place, OPTIONS, single_runs["one"])


def test_ctrl_c_of_who_follows_stops_the_job_by_its_token(
    engine: SteppedEngine, six_photos: Path, place: Place, single_runs: dict[str, dict[str, bytes]]
) -> None:
    left_at(engine, "unchecked shard", six_photos, place)
    lines = Lines()
    _interrupt_when(lambda: any("following it" in line for line in lines.lines))
    with pytest.raises(InterruptedConversionError, match="stops at its next shard"):
        launch(six_photos, place, progress=lines)
    assert isinstance(engine.jobs[0].end(), OvertakenError)
    assert not launch(six_photos, place).up_to_date
    require_clean(six_photos, place, OPTIONS, single_runs["one"])


def _interrupt_when(ready: Callable[[], bool]) -> None:
    def wait() -> None:
        wait_until(ready)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


def _is_stopped(engine: SteppedEngine) -> bool:
    return bool(engine.jobs) and engine.jobs[0].stopped.is_set()


def test_a_failed_job_is_no_running_one(engine: SteppedEngine, six_photos: Path, place: Place) -> None:
    engine.stop_at = "some results"

    def cancel_at_the_engine() -> None:
        wait_until(lambda: _is_stopped(engine))
        engine.jobs[0].cancel()

    threading.Thread(target=cancel_at_the_engine).start()
    with pytest.raises(InterruptedConversionError):
        launch(six_photos, place)
    assert Staging(place).launched() == []


def test_detach_needs_an_engine(six_photos: Path, place: Place) -> None:
    with without_beam(), pytest.raises(UsageError, match="--detach leaves a job to the engine"):
        convert_anywhere(six_photos, str(place), OPTIONS, detach=True)
    assert stored(place) == {}


def test_a_planted_launch_is_not_followed(
    engine: SteppedEngine, six_photos: Path, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An archive may have all that a job leaves; what is not proven to be of this place is begun anew."""
    frozen(monkeypatch)
    left_at(engine, "settled", six_photos, place)
    work = engine.jobs[0]._work
    work.launch.begin(JobLaunch(token="x", engine="\x1b[31m", ended=False))
    work.root.area().mark("begun")
    place.delete("manifest.json")
    assert not launch(six_photos, place).up_to_date
    assert len(engine.jobs) == 2


def test_the_command_says_what_runs_where(
    engine: SteppedEngine, six_photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = tmp_path / "dataset"
    command = ["convert", str(six_photos), str(dataset), "--shards", "3", "--runner", RUNNER]
    engine.stop_at = "some results"
    assert main([*command, "--detach"]) == 0
    said = f"Stepped job 7 converts into {dataset}. The same command without --detach follows it.\n"
    assert capsys.readouterr().out == said
    assert engine.jobs[0].stopped.wait(60)
    assert main([*command, "--detach", "--dry-run"]) == 0
    with sign_of_life.sign_of_life(engine.jobs[0]._work, engine.jobs[0]._work.read_job()):
        assert main([*command, "--detach", "--json"]) == 0
    assert '"running": "Stepped job 7, started by' in capsys.readouterr().out
    engine.jobs[0].go_on()
    assert main(command) == 0
    shown = capsys.readouterr()
    assert "is complete" in shown.out or "is up to date" in shown.out
    assert len(engine.jobs) == 1
