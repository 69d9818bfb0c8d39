"""Runs on Beam's other runners: the same dataset, whatever is in the pictures."""

import json
import shutil
import threading
from pathlib import Path

import pytest
from typing_extensions import override

from fitfeed.beam_jobs import convert
from fitfeed.beam_jobs.progress import NoProgress
from fitfeed.beam_jobs.remote import finished_shards
from fitfeed.beam_jobs.run import ExecutionOptions, run_job
from fitfeed.beam_jobs.shard_process import Look, ShardProcess
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.planning.plan import make_plan
from fitfeed.converters.publishing.publish import publish
from fitfeed.converters.shards.write_shard import write_shard
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.job import Job
from fitfeed.converters.staging.results import ShardTotals
from fitfeed.converters.staging.staging import open_staging
from fitfeed.schemas.errors import RemoteError
from fitfeed.schemas.processes.running_time import RunningTime
from fitfeed.schemas.storage.local import LocalPlace
from tests import without_beam
from tests.faults import add_fault, faulty_decoder, hangs
from tests.folders import contents

HERE = "BundleBasedDirectRunner"
LIMIT_S = 2.0
SMALL = ConvertOptions(encoding="raw", size=(16, 16), shards=3)


class Reports(NoProgress):
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.shards: list[tuple[int, int, int, int]] = []

    @override
    def update_shards(self, shards: int, images: int, rejects: int, source_bytes: int) -> None:
        self.shards.append((shards, images, rejects, source_bytes))


@pytest.fixture
def prepared(few_photos: Path, tmp_path: Path) -> tuple[WorkFolder, Job]:
    plan = make_plan(few_photos, SMALL)
    with open_staging(LocalPlace(tmp_path / "dataset")) as staging:
        work = staging.prepare(plan, timeout_s=0)
    return work, work.read_job()


@pytest.mark.slow
def test_another_runner_gives_the_same_dataset(few_photos: Path, tmp_path: Path) -> None:
    without_beam.convert(few_photos, tmp_path / "local", SMALL)
    reports = Reports()
    done = convert(few_photos, tmp_path / "beam", SMALL, runner=HERE, progress=reports)
    assert contents(tmp_path / "beam") == contents(tmp_path / "local")
    size = sum(path.stat().st_size for path in few_photos.glob("*/*"))
    assert reports.shards[-1] == (3, 8, 0, size)
    assert done.reused_shards == 0


@pytest.fixture
def hasty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For processes that write shards, time passes only while they hang, and then at once: load cannot reach a limit."""
    mine, write = threading.local(), ShardProcess.write

    def remember(process: ShardProcess, number: int, look: Look | None = None) -> ShardTotals:
        mine.process = process
        return write(process, number, look)

    def passed(clock: RunningTime) -> float:
        return 2 * LIMIT_S if hangs(tmp_path / "faults", mine.process.process.pid) else 0.0

    monkeypatch.setattr(ShardProcess, "write", remember)
    monkeypatch.setattr(RunningTime, "passed", passed)


@pytest.mark.slow
@pytest.mark.usefixtures("hasty")
def test_fatal_files_cost_an_engine_what_they_cost_the_local_run(
    few_photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "photos"
    shutil.copytree(few_photos, source)
    for fault in ("exit", "hang"):
        shutil.copyfile(next(few_photos.glob("pants/*")), source / "dress" / f"{fault}.jpg")
        add_fault(source / "dress" / f"{fault}.jpg", fault)
    monkeypatch.setenv("PYTHONPATH", faulty_decoder(tmp_path / "faults"))
    for name, runner in (("local", "local"), ("engine", HERE)):
        convert(source, tmp_path / name, SMALL, runner=runner, max_bad=2, timeout_s=LIMIT_S)
    assert contents(tmp_path / "engine") == contents(tmp_path / "local")
    rejects = (tmp_path / "engine" / "rejects.jsonl").read_text()
    reasons = [json.loads(line)["reason"] for line in rejects.splitlines()]
    assert sorted(reasons) == ["decoder_crash", "timeout"]


@pytest.mark.slow
def test_a_job_that_fails_is_one_line_and_the_same_command_continues(
    few_photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr("fitfeed.beam_jobs.pipeline.publish", fail)
        with pytest.raises(
            RemoteError,
            match=r"^the BundleBasedDirectRunner job failed: OSError: .*No space left.* it continues\.$",
        ):
            convert(few_photos, tmp_path / "dataset", SMALL, runner=HERE)
    assert capfd.readouterr() == ("", "")
    done = convert(few_photos, tmp_path / "dataset", SMALL, runner=HERE)
    assert done.reused_shards == 3


def test_shards_are_counted_in_the_staging_area(prepared: tuple[WorkFolder, Job]) -> None:
    class Job_:  # noqa: N801 - a stand-in
        def counters(self) -> dict[str, int]:
            return {"images": 5, "rejects_corrupt": 2, "rejects_bomb": 1, "source_bytes": 70}

    work, job = prepared
    count = finished_shards(work, Job_())  # type: ignore[arg-type]
    assert count() == (0, 5, 3, 70)
    write_shard(work, job, 1, lambda *_: None)
    assert count()[0] == 1


def test_shards_of_this_run_are_not_of_an_earlier_one(
    prepared: tuple[WorkFolder, Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine that starts a worker again finds what it had finished, and reports it as such."""
    work, job = prepared
    write_shard(work, job, 2, lambda *_: None)

    def restarting(*_: object, **__: object) -> None:
        for number in (0, 1):
            write_shard(work, job, number, lambda *_: None)
        totals = [write_shard(work, job, number, lambda *_: None) for number in range(3)]
        assert all(shard.reused for shard in totals)
        publish(work, totals)

    monkeypatch.setattr("fitfeed.beam_jobs.run.run_on", restarting)
    running = ExecutionOptions(
        workers=1, timeout_s=0, runner="dask", runner_arguments=[], progress=NoProgress()
    )
    outcome = run_job(work, job, running).outcome
    assert outcome is not None
    assert outcome.reused == 1


def test_a_job_that_ends_without_a_word_has_failed(
    prepared: tuple[WorkFolder, Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dask's client takes results that are lost with their scheduler for done."""
    monkeypatch.setattr("fitfeed.beam_jobs.run.run_on", lambda *_, **__: None)
    running = ExecutionOptions(
        workers=1, timeout_s=0, runner="dask", runner_arguments=[], progress=NoProgress()
    )
    with pytest.raises(RemoteError, match=r"ended without publishing .* it continues"):
        run_job(*prepared, running)
