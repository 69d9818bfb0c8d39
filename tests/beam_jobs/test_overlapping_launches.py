"""A job on an engine outlives its command: whatever is launched meanwhile, the dataset is whole, once, and nothing is left.

The job that a launch has left is stopped at each of its stages. It then goes on while the next launch works, or is
taken for dead and goes on later, when that has ended.
"""

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from fitfeed.beam_jobs import convert as convert_anywhere
from fitfeed.converters.staging import sign_of_life
from fitfeed.schemas.errors import ConversionError, OvertakenError, UsageError
from fitfeed.schemas.storage.place import Place
from tests.beam_jobs.launches import OPTIONS, OTHER, RUNNER, launch, left_at, require_clean, stored
from tests.beam_jobs.stepped_engine import STAGES, SteppedEngine, frozen
from tests.deep import png
from tests.folders import contents
from tests.without_beam import convert as convert_here

PUBLISHED_AT = ("committed", "settled")
"""Stages at which the dataset is complete already, so that the same command has nothing to do."""

FEW = ("some results",)
EACH_STAGE = pytest.mark.parametrize(
    "stage", [stage if stage in FEW else pytest.param(stage, marks=pytest.mark.slow) for stage in STAGES]
)


def test_without_others_a_job_is_waited_for(
    engine: SteppedEngine, six_photos: Path, place: Place, single_runs: dict[str, dict[str, bytes]]
) -> None:
    assert launch(six_photos, place).manifest.splits["train"].examples == 6
    assert stored(place) == single_runs["one"]
    assert len(engine.jobs) == 1


@pytest.mark.parametrize("runner", [RUNNER, "local"])
@EACH_STAGE
def test_the_same_command_follows_a_job_that_moves(
    engine: SteppedEngine,
    six_photos: Path,
    place: Place,
    single_runs: dict[str, dict[str, bytes]],
    stage: str,
    runner: str,
) -> None:
    first = left_at(engine, stage, six_photos, place)
    assert first.published is None
    with pytest.raises(ConversionError, match="not complete yet"):
        first.manifest  # noqa: B018
    (job,) = engine.jobs
    threading.Timer(0.05, job.go_on).start()
    second = launch(six_photos, place, runner=runner)
    assert second.manifest.splits["train"].examples == 6
    assert second.up_to_date == (stage in PUBLISHED_AT)
    assert len(engine.jobs) == 1
    assert job.end() is None
    assert stored(place) == single_runs["one"]
    require_clean(six_photos, place, OPTIONS, single_runs["one"])


@EACH_STAGE
def test_the_same_command_takes_over_what_is_dead(
    engine: SteppedEngine,
    six_photos: Path,
    place: Place,
    single_runs: dict[str, dict[str, bytes]],
    stage: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    frozen(monkeypatch)
    left_at(engine, stage, six_photos, place)
    published = launch(six_photos, place)
    assert stored(place) == single_runs["one"]
    late = engine.jobs[0].end()
    assert isinstance(late, ConversionError | OvertakenError | OSError | None)
    assert published.up_to_date == (stage in PUBLISHED_AT)
    if stage not in PUBLISHED_AT:
        assert late is not None
    require_clean(six_photos, place, OPTIONS, single_runs["one"])


@EACH_STAGE
def test_it_goes_on_while_the_next_one_works(
    engine: SteppedEngine,
    six_photos: Path,
    place: Place,
    single_runs: dict[str, dict[str, bytes]],
    stage: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It was taken for dead, and writes between any two shards of the launch that has taken over."""
    frozen(monkeypatch)
    left_at(engine, stage, six_photos, place)
    engine.stop_at = "some results"
    taking = threading.Thread(target=lambda: launch(six_photos, place), daemon=True)
    taking.start()
    while len(engine.jobs) < 2 and taking.is_alive():
        time.sleep(0.001)
    if len(engine.jobs) == 2:
        assert engine.jobs[1].stopped.wait(60)
    engine.jobs[0].end()
    for job in engine.jobs[1:]:
        assert job.end() is None
    taking.join(60)
    assert stored(place) == single_runs["one"]
    require_clean(six_photos, place, OPTIONS, single_runs["one"])


@EACH_STAGE
def test_another_command_leaves_way(
    engine: SteppedEngine,
    six_photos: Path,
    place: Place,
    single_runs: dict[str, dict[str, bytes]],
    stage: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sign_of_life, "DEAD_AFTER_S", 30.0)
    left_at(engine, stage, six_photos, place)
    (job,) = engine.jobs
    decided = stage in STAGES[STAGES.index("reviewed") :]
    with sign_of_life.sign_of_life(job._work, job._work.read_job()):  # of another worker
        if decided:
            threading.Timer(0.05, job.go_on).start()
        with pytest.raises(UsageError, match="Give --overwrite" if decided else "running: Stepped job 7"):
            launch(six_photos, place, OTHER)
        with pytest.raises(UsageError, match="Give --overwrite" if decided else "running: Stepped job 7"):
            convert_here(six_photos, str(place), OTHER)
    assert job.end() is None
    if not decided:
        assert launch(six_photos, place).up_to_date
    require_clean(six_photos, place, OPTIONS, single_runs["one"])


@EACH_STAGE
def test_another_command_replaces_what_is_dead(
    engine: SteppedEngine,
    six_photos: Path,
    place: Place,
    single_runs: dict[str, dict[str, bytes]],
    stage: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    frozen(monkeypatch)
    left_at(engine, stage, six_photos, place)
    second = launch(six_photos, place, OTHER, overwrite=True)
    assert not second.up_to_date
    assert stored(place) == single_runs["other"]
    engine.jobs[0].end()
    require_clean(six_photos, place, OTHER, single_runs["other"])


@EACH_STAGE
def test_a_dataset_that_is_replaced(
    engine: SteppedEngine,
    six_photos: Path,
    place: Place,
    single_runs: dict[str, dict[str, bytes]],
    stage: str,
) -> None:
    convert_here(six_photos, str(place), OTHER)
    left_at(engine, stage, six_photos, place, overwrite=True)
    (job,) = engine.jobs
    threading.Timer(0.05, job.go_on).start()
    assert not launch(six_photos, place, overwrite=True).up_to_date
    assert len(engine.jobs) == 1
    assert job.end() is None
    require_clean(six_photos, place, OPTIONS, single_runs["one"])


@EACH_STAGE
def test_a_dataset_that_grows(
    engine: SteppedEngine, six_photos: Path, place: Place, tmp_path: Path, stage: str
) -> None:
    more = tmp_path / "more" / "photos"
    for file in six_photos.rglob("*.png"):
        copy = more / file.relative_to(six_photos)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(file.read_bytes())
    (more / "cat" / "9.png").write_bytes(png(np.full((4, 5, 3), 200, np.uint8)))
    for dataset in (str(place), tmp_path / "expected"):
        convert_here(six_photos, dataset, OPTIONS)
    convert_here(more, tmp_path / "expected", append=True)
    engine.stop_at = stage
    convert_anywhere(more, str(place), append=True, runner=RUNNER, detach=True)
    (job,) = engine.jobs
    assert job.stopped.wait(60)
    threading.Timer(0.05, job.go_on).start()
    second = convert_anywhere(more, str(place), append=True, runner=RUNNER)
    assert second.manifest.splits["train"].examples == 7
    assert job.end() is None
    assert len(engine.jobs) == 1
    assert convert_here(more, str(place), append=True).up_to_date
    assert stored(place) == contents(tmp_path / "expected")
