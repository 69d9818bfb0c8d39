"""Faults of worker processes."""

import dataclasses
import errno
import os
import signal
import time
from concurrent.futures import Future
from pathlib import Path

import psutil
import pytest

from fitfeed.beam_jobs.local import run_local
from fitfeed.beam_jobs.process_pool import ShardPool
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.planning.plan import make_plan
from fitfeed.converters.publishing.publish import publish
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.job import Job
from fitfeed.converters.staging.quarantine import ATTEMPTS
from fitfeed.converters.staging.results import ShardTotals
from fitfeed.converters.staging.staging import Staging, open_staging
from fitfeed.schemas.errors import ConversionError, InterruptedConversionError
from fitfeed.schemas.processes import connected_child
from fitfeed.schemas.storage.local import LocalPlace
from fitfeed.schemas.storage.own_folder import sweep_temporary_files
from tests.folders import contents, path_of

OPTIONS = ConvertOptions(encoding="png", size=(200, 200))  # slow enough to be interrupted
FEW = dataclasses.replace(OPTIONS, shards=6)
END_S = 600.0  # what takes longer never ends


def prepared(source: Path, dataset: Path, options: ConvertOptions = OPTIONS) -> tuple[WorkFolder, Job]:
    plan = make_plan(source, options)
    with open_staging(LocalPlace(dataset)) as staging:
        work = staging.prepare(plan, timeout_s=0)
    return work, work.read_job()


def wait_for_images(pool: ShardPool, images: int) -> None:
    deadline = time.monotonic() + END_S
    while pool.progress()[0] < images:
        assert time.monotonic() < deadline, "the pool makes no progress"
        time.sleep(0.01)


def worker_processes(pool: ShardPool) -> list[int]:
    return [worker.process.pid for worker in pool._workers if worker.process is not None]


def run_to_the_end(work: WorkFolder, futures: list["Future[ShardTotals]"]) -> dict[str, bytes]:
    outcome = publish(work, [future.result(timeout=END_S) for future in futures])
    assert outcome.status == "published"
    sweep_temporary_files(path_of(work.root))
    Staging(work.dataset).remove()
    return contents(path_of(work.dataset))


@pytest.mark.slow
def test_anticipated_shards_are_written_before_they_are_asked_for_and_only_once(
    clothing: Path, tmp_path: Path
) -> None:
    work, job = prepared(clothing / "test", tmp_path / "dataset", FEW)
    pool = ShardPool(work, job, workers=2)
    try:
        pool.submit_early(range(job.shards))
        wait_for_images(pool, job.files)
        futures = [pool.submit(number) for number in range(job.shards)]
        assert not any(future.result(timeout=END_S).reused for future in futures)
        assert pool.progress()[0] == job.files
        # Submitted again, as a runner does that retries: tried again, and found finished.
        assert pool.submit(0).result(timeout=END_S).reused
    finally:
        pool.close()


def test_a_worker_that_cannot_be_started_is_an_error(
    clothing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object, **_named: object) -> None:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    work, job = prepared(clothing, tmp_path / "dataset")
    monkeypatch.setattr(connected_child, "ChildProcess", fail)
    with pytest.raises(
        ConversionError, match=r"no worker process could be started .*unavailable.* fewer --workers"
    ):
        run_local(work, job, workers=2, timeout_s=0, report=lambda *_: None)


@pytest.mark.slow
def test_dead_workers_are_replaced_and_their_shards_tried_again(clothing: Path, tmp_path: Path) -> None:
    work, job = prepared(clothing / "test", tmp_path / "undisturbed", FEW)
    pool = ShardPool(work, job, workers=2)
    try:
        undisturbed = run_to_the_end(work, [pool.submit(number) for number in range(job.shards)])
        assert pool.progress()[:2] == (job.files, 0)
    finally:
        pool.close()

    work, job = prepared(clothing / "test", tmp_path / "disturbed", FEW)
    pool = ShardPool(work, job, workers=2)
    try:
        futures = [pool.submit(number) for number in range(job.shards)]
        killed: set[int] = set()
        for images in (5, 15, 30):
            wait_for_images(pool, images)
            victim = worker_processes(pool)[len(killed) % 2]
            os.kill(victim, signal.SIGKILL)
            killed.add(victim)
        assert run_to_the_end(work, futures) == undisturbed
        assert len(killed) == 3
        assert pool.progress()[0] == job.files  # images of a shard that was tried twice count once
        assert not any(psutil.pid_exists(pid) for pid in killed)
    finally:
        pool.close()


@pytest.mark.slow
def test_a_shard_whose_workers_die_at_different_images_is_given_up(clothing: Path, tmp_path: Path) -> None:
    work, job = prepared(clothing, tmp_path / "dataset")
    pool = ShardPool(work, job, workers=1)
    try:
        future = pool.submit(0)
        for attempt in range(ATTEMPTS):
            wait_for_images(pool, 3 + 10 * attempt)
            before = worker_processes(pool)
            os.kill(before[0], signal.SIGKILL)
            while worker_processes(pool) == before and not future.done():
                time.sleep(0.01)
        with pytest.raises(RuntimeError, match=f"shard 0 ended {ATTEMPTS} times.*exit code -9"):
            future.result(timeout=END_S)
        assert isinstance(pool.error, ConversionError)
    finally:
        pool.close()


@pytest.mark.slow
def test_stop_ends_everything_at_once(clothing: Path, tmp_path: Path) -> None:
    work, job = prepared(clothing, tmp_path / "dataset")
    pool = ShardPool(work, job, workers=2)
    futures = [pool.submit(number) for number in range(job.shards)]
    wait_for_images(pool, 10)
    processes = worker_processes(pool)
    pool.stop()
    for future in futures:
        with pytest.raises(RuntimeError, match="interrupted"):
            future.result(timeout=END_S)
    pool.close()
    assert pool.progress()[0] < job.files  # it did not write on to the end
    assert isinstance(pool.error, InterruptedConversionError)
    assert not any(psutil.pid_exists(pid) for pid in processes)
    assert not (path_of(work.dataset) / "manifest.json").exists()


def test_errors_of_a_shard_reach_the_caller(clothing: Path, tmp_path: Path) -> None:
    work, job = prepared(clothing, tmp_path / "dataset")
    pool = ShardPool(work, dataclasses.replace(job, stamps=[]), workers=1)  # as no job is that was prepared
    try:
        with pytest.raises(RuntimeError, match="IndexError"):
            pool.submit(0).result(timeout=END_S)
    finally:
        pool.close()
