"""The life of a staging area, move by move, as the table in `staging.py` has it. No image is read."""

import dataclasses
import fcntl
import json
import multiprocessing
import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from fitfeed.converters.duplicate_pair import NearDuplicateReport
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.rejects import Reject
from fitfeed.converters.source_file import SourceRoot
from fitfeed.converters.staging.commit import STAGED_REJECTS
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.job import AppendTarget, ConversionPlan, Job, ShardPlan
from fitfeed.converters.staging.outcome import Outcome, Status
from fitfeed.converters.staging.quarantine import Quarantine
from fitfeed.converters.staging.results import HashColumns, RowColumns, ShardResult
from fitfeed.converters.staging.staging import Staging, open_staging
from fitfeed.converters.staging.states import State
from fitfeed.schemas.errors import OvertakenError, UsageError
from fitfeed.schemas.manifest import MANIFEST_NAME, Manifest, fingerprint_of, read_manifest
from fitfeed.schemas.manifest_parts import Shard
from fitfeed.schemas.storage.local import LocalPlace
from fitfeed.schemas.tfds_info import tfds_files
from tests.folders import contents, path_of

GOLDEN = next((Path(__file__).parents[2] / "golden").glob("version-2-16-bits-tfrecord"))


def plan_of(digest: str = "one", base: AppendTarget | None = None) -> ConversionPlan:
    """Two shards with one file each."""
    job = Job(
        sources=[SourceRoot(number=0, name="photos", kind="folder", folder="/photos")],
        options=ConvertOptions(),
        features={},
        splits={"train": [0, 1]},
        statistics_split="train",
        files=2,
        bytes=2,
        source_digest="s",
        digest=digest,
        rejects=[],
        ignored=[],
        max_bad=0,
        allow_leaks=False,
        base=base,
    )
    shards = [
        ShardPlan(
            number=number,
            split="train",
            file=f"train-{number:05d}-of-00002.tfrecord",
            paths=[f"{number}.jpg"],
            keys=[f"{number}.jpg"],
            labels={},
            bytes=[1],
            mtimes_ns=[1],
            digest=f"{digest} {number}",
        )
        for number in range(2)
    ]
    return ConversionPlan(job, shards)


def write_results(work: WorkFolder) -> None:
    """What workers do."""
    nothing, job = np.zeros((0, 2), np.uint64), work.read_job()
    for number in range(2):
        plan = work.read_plan(job, number)
        (path_of(work.shards) / plan.file).touch()
        result = ShardResult(
            stamp=job.stamps[number],
            shard=Shard(file=plan.file, bytes=0, sha256="0" * 64, examples=0),
            rows=RowColumns.for_labels({}),
            image_hashes=HashColumns(nothing, nothing),
            rejects=[],
            histogram=[],
        )
        work.write_result(number, result)


def outcome_of(status: Status) -> Outcome:
    """What publication decides."""
    return Outcome(
        may_drop_leaks=False,
        status=status,
        rejects={},
        allowed=0,
        first_rejects=[Reject("a.jpg", "corrupt", "no end")],
        reused=0,
        copies={},
        pairs=[],
        near_duplicates=NearDuplicateReport(within=0, across_splits=0, pairs=[], exhaustive=True),
    )


@pytest.fixture
def manifest() -> Manifest:
    """Of some complete dataset."""
    return read_manifest(GOLDEN)


def appended_to(manifest: Manifest) -> AppendTarget:
    return AppendTarget(fingerprint=manifest.fingerprint, source_files=3, retried=[])


def seen_by(staging: Staging, plan: ConversionPlan) -> ConversionPlan:
    """The plan, made now."""
    return dataclasses.replace(plan, job=dataclasses.replace(plan.job, seen=staging.manifest_sha256()))


def state_in(staging: Staging) -> State:
    """How far the one job in a staging area is."""
    for name in staging.root.folders():
        work = WorkFolder(staging.dataset, name)
        job = work.read_job_or_none()
        if job is not None:
            return staging.state_of(work, job)
    return State.LOCKED


def put(manifest: Manifest, dataset: Path) -> None:
    (dataset / MANIFEST_NAME).write_text(manifest.to_json())


def test_a_new_dataset_moves_from_state_to_state(tmp_path: Path, manifest: Manifest) -> None:
    dataset = tmp_path / "dataset"
    with open_staging(LocalPlace(dataset)) as staging:
        assert state_in(staging) == State.LOCKED
        work = staging.prepare(plan_of(), timeout_s=9)
        assert state_in(staging) == State.PLANNED
        assert dataclasses.replace(work.read_job(), begun="", stamps=[]) == plan_of().job
        write_results(work)
        assert state_in(staging) == State.WRITTEN
        staging.review(work, outcome_of("leaks"))
        assert state_in(staging) == State.REVIEWED
        assert work.read_outcome() == outcome_of("leaks")
        staging.review(work, outcome_of("published"))
        assert state_in(staging) == State.REVIEWED
        staging.commit_new(work, plan_of().job, manifest)
        assert state_in(staging) == State.SETTLED
        staging.commit_new(work, plan_of().job, manifest)  # a runner may repeat it
        staging.remove()
    shards = {plan.file: b"" for plan in plan_of().shards}
    json = {MANIFEST_NAME: manifest.to_json().encode(), **tfds_files(manifest)}
    assert contents(dataset) == {**shards, **json}


def test_a_dataset_that_is_replaced_counts_as_unpublished(tmp_path: Path, manifest: Manifest) -> None:
    put(other(manifest), tmp_path)
    with open_staging(LocalPlace(tmp_path)) as staging:
        plan = seen_by(staging, plan_of())
        work = staging.prepare(plan, timeout_s=9)
        write_results(work)
        staging.review(work, outcome_of("published"))
        assert state_in(staging) == State.REVIEWED
        (tmp_path / MANIFEST_NAME).unlink()  # the commit was interrupted
        assert state_in(staging) == State.REVIEWED
        staging.commit_new(work, plan.job, manifest)
        assert state_in(staging) == State.SETTLED


def other(manifest: Manifest) -> Manifest:
    """Of another dataset."""
    return manifest.model_copy(update={"ignored": manifest.ignored + 1})


def test_an_append_is_committed_and_then_settled(tmp_path: Path, manifest: Manifest) -> None:
    before = other(manifest)
    put(before, tmp_path)
    with open_staging(LocalPlace(tmp_path)) as staging:
        plan = seen_by(staging, plan_of(base=appended_to(before)))
        work = staging.prepare(plan, timeout_s=9)
        write_results(work)
        (path_of(work.root) / STAGED_REJECTS).touch()
        staging.review(work, outcome_of("published"))
        assert state_in(staging) == State.REVIEWED
        rejects = manifest.rejects_file.model_copy(update={"file": STAGED_REJECTS})
        committed = manifest.model_copy(update={"rejects_file": rejects})
        committed = committed.model_copy(update={"fingerprint": fingerprint_of(committed)})
        staging.commit_append(work, plan.job, committed, before)
        assert state_in(staging) == State.COMMITTED
        settled = staging.settle()
        assert state_in(staging) == State.SETTLED
        assert staging.settle() == settled
        staging.leave()
    assert contents(tmp_path) == {
        MANIFEST_NAME: settled.to_json().encode(),
        "rejects.jsonl": b"",
        **tfds_files(settled),
    }


@pytest.mark.parametrize("appends", [False, True])
def test_of_two_launches_one_publishes(tmp_path: Path, manifest: Manifest, appends: bool) -> None:
    put(manifest, tmp_path)
    with open_staging(LocalPlace(tmp_path)) as staging:
        plan = seen_by(staging, plan_of(base=appended_to(manifest) if appends else None))
        work = staging.prepare(plan, timeout_s=9)
        write_results(work)
        staging.review(work, outcome_of("published"))
        put(other(manifest), tmp_path)  # as on a file system without locks
        mine = manifest.model_copy(update={"ignored": 9})
        commit = partial(staging.commit_append, held=manifest) if appends else staging.commit_new
        with pytest.raises(OvertakenError, match="another launch has published into") as caught:
            commit(work, plan.job, mine)
        assert caught.value.exit_status == 7
        assert (tmp_path / MANIFEST_NAME).read_text() == other(manifest).to_json()
        assert state_in(staging) == State.WRITTEN  # no repetition takes it for published


def test_who_comes_after_a_kill_continues_the_same_job(tmp_path: Path) -> None:
    with open_staging(LocalPlace(tmp_path)) as staging:
        work = staging.prepare(plan_of(), timeout_s=9)
        write_results(work)
        staging.review(work, outcome_of("too_many_rejects"))
        leftover = path_of(work.shards) / f"x.tmp-{'0' * 32}"
        leftover.touch()
        done = contents(path_of(work.root) / "results")
    with open_staging(LocalPlace(tmp_path)) as staging:
        work = staging.prepare(plan_of(), timeout_s=9)
        assert state_in(staging) == State.WRITTEN
        assert contents(path_of(work.root) / "results") == done
        assert not leftover.exists()


def test_different_jobs_share_no_file(tmp_path: Path) -> None:
    with open_staging(LocalPlace(tmp_path)) as staging:
        one = staging.prepare(plan_of("one"), timeout_s=9)
        write_results(one)
        two = staging.prepare(plan_of("two"), timeout_s=9)
        assert state_in(staging) == State.PLANNED
        assert {path.name for path in path_of(staging.root).iterdir()} == {"lock", "two"}
        assert one.root != two.root
        assert list(path_of(two.shards).iterdir()) == []


def test_a_longer_time_limit_releases_what_a_shorter_one_has_judged(tmp_path: Path) -> None:
    with open_staging(LocalPlace(tmp_path)) as staging:
        work = staging.prepare(plan_of(), timeout_s=9)
        work.quarantine(work.read_job(), 1, 0, Quarantine(reason="timeout", detail="", limit_s=9))
        write_results(work)
        staging.prepare(plan_of(), timeout_s=9)
        assert state_in(staging) == State.WRITTEN
        staging.prepare(plan_of(), timeout_s=20)
        assert state_in(staging) == State.PLANNED
        assert [work.has_results_of([number]) for number in range(2)] == [True, False]


@pytest.mark.parametrize(
    ("planned", "published", "kept"),
    [(False, False, False), (True, False, True), (True, True, False)],
)
def test_only_what_can_be_continued_is_left(
    tmp_path: Path, manifest: Manifest, planned: bool, published: bool, kept: bool
) -> None:
    with open_staging(LocalPlace(tmp_path)) as staging:
        if planned:
            work = staging.prepare(plan_of(), timeout_s=9)
            staging.review(work, outcome_of("published"))
        if published:
            put(manifest, tmp_path)
        staging.leave()
        assert path_of(staging.root).exists() == kept


def test_what_a_removal_has_left_that_was_killed_is_removed_too(
    tmp_path: Path, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It seemed to be unfinished, and stayed beside the dataset, if the outcome was removed before the job."""

    def die(folder: Path) -> None:
        (folder / "outcome.json").unlink()
        raise KeyboardInterrupt

    with open_staging(LocalPlace(tmp_path)) as staging:
        work = staging.prepare(plan_of(), timeout_s=9)
        staging.review(work, outcome_of("published"))
        put(manifest, tmp_path)
        with monkeypatch.context() as patch:
            patch.setattr(shutil, "rmtree", die)
            with pytest.raises(KeyboardInterrupt):
                staging.remove()
        assert path_of(work.root).exists()
    with open_staging(LocalPlace(tmp_path)) as staging:
        staging.leave()
        assert not path_of(staging.root).exists()


def test_a_job_of_another_version_counts_as_none(tmp_path: Path) -> None:
    with open_staging(LocalPlace(tmp_path)) as staging:
        work = staging.prepare(plan_of(), timeout_s=9)
        (path_of(work.root) / "outcome.json").write_text("[]")
        assert state_in(staging) == State.PLANNED
        (path_of(work.root) / "job.json").write_text(json.dumps({"format": "of tomorrow"}))
        assert state_in(staging) == State.LOCKED
        staging.prepare(plan_of(), timeout_s=9)
        assert state_in(staging) == State.PLANNED


def _hold(dataset: Path, connection: "multiprocessing.connection.Connection") -> None:
    with open_staging(LocalPlace(dataset)):
        connection.send("locked")
        connection.recv()


@pytest.mark.parametrize(
    "make",
    [
        lambda path: os.mkfifo(path),
        lambda path: path.symlink_to("/dev/zero"),
        lambda path: path.symlink_to(path),
        lambda path: path.mkdir(),
        lambda path: None,
    ],
)
def test_what_is_no_file_is_no_manifest(tmp_path: Path, make: Callable[[Path], object]) -> None:
    """A conversion waited for a pipe for ever, and read from a device for ever."""
    make(tmp_path / "manifest.json")
    assert Staging(LocalPlace(tmp_path)).manifest_sha256() is None


def test_one_process_at_a_time_and_a_killed_one_holds_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_hold, args=(tmp_path, theirs))
    process.start()
    assert ours.recv() == "locked"
    with pytest.raises(UsageError, match="another conversion"), open_staging(LocalPlace(tmp_path)):
        pass
    process.kill()
    process.join()
    with open_staging(LocalPlace(tmp_path)) as staging:
        assert isinstance(staging, Staging)


def test_a_lock_that_was_removed_with_its_folder_locks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock = fcntl.flock

    def end_meanwhile(lock: int, operation: int) -> None:
        shutil.rmtree(tmp_path / ".work")
        flock(lock, operation)

    monkeypatch.setattr(fcntl, "flock", end_meanwhile)
    with pytest.raises(UsageError, match="another conversion"), open_staging(LocalPlace(tmp_path)):
        pass


def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(UsageError, match="cannot write to DATASET"),
        open_staging(LocalPlace(tmp_path / "file" / "out")),
    ):
        pass
