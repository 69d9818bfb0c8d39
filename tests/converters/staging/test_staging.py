"""The life of a staging area, move by move, as the table in `staging.py` has it. No image is read."""

import json
import multiprocessing
from pathlib import Path

import numpy as np
import pytest

from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.publishing.append import settle, staged_index
from fitfeed.converters.staging.folder import STAGED_REJECTS, WorkFolder, write_json
from fitfeed.converters.staging.job import AppendTarget, ConversionPlan, Job, ShardPlan
from fitfeed.converters.staging.quarantine import Quarantine
from fitfeed.converters.staging.results import HashColumns, RowColumns, ShardResult
from fitfeed.converters.staging.staging import Staging, State, open_staging
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.manifest import MANIFEST_NAME, Manifest, fingerprint_of, read_manifest
from fitfeed.schemas.manifest_parts import Shard
from tests.folders import contents

GOLDEN = next((Path(__file__).parents[2] / "golden").glob("version-2-16-bits-tfrecord"))


def plan_of(digest: str = "one", base: AppendTarget | None = None) -> ConversionPlan:
    """Two shards with one file each."""
    job = Job(
        source="/photos",
        source_kind="folder",
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
    nothing = np.zeros((0, 2), np.uint64)
    for number in range(2):
        plan = work.read_plan(number)
        (work.shards / plan.file).touch()
        result = ShardResult(
            digest=plan.digest,
            shard=Shard(file=plan.file, bytes=0, sha256="0" * 64, examples=0),
            rows=RowColumns.for_labels({}),
            image_hashes=HashColumns(nothing, nothing),
            rejects=[],
            histogram=[],
        )
        work.write_result(number, result)


def write_outcome(work: WorkFolder, status: str) -> None:
    """What publication does."""
    write_json(work.root / "outcome.json", {"status": status})


@pytest.fixture
def manifest() -> Manifest:
    """Of some complete dataset."""
    return read_manifest(GOLDEN)


def appended_to(manifest: Manifest) -> AppendTarget:
    return AppendTarget(fingerprint=manifest.fingerprint, source_files=3, retried=[])


def test_a_new_dataset(tmp_path: Path, manifest: Manifest) -> None:
    with open_staging(tmp_path / "dataset") as staging:
        assert staging.state(None) == State.LOCKED
        staging.prepare(plan_of(), timeout_s=9)
        assert staging.state(None) == State.PLANNED
        assert staging.work.read_job() == plan_of().job
        write_results(staging.work)
        assert staging.state(None) == State.WRITTEN
        write_outcome(staging.work, "leaks")
        assert staging.state(None) == State.REVIEWED
        assert staging.state(manifest) == State.REVIEWED  # of the old dataset that was to be replaced
        write_outcome(staging.work, "published")
        assert staging.state(manifest) == State.SETTLED
        staging.remove()
    assert list((tmp_path / "dataset").iterdir()) == []


def test_an_append_is_committed_and_then_settled(tmp_path: Path, manifest: Manifest) -> None:
    index = {name: split.index for name, split in manifest.splits.items()}
    for name, entry in index.items():
        (tmp_path / staged_index(name)).write_bytes(b"new " + entry.file.encode())
        (tmp_path / entry.file).write_bytes(b"old")
    (tmp_path / STAGED_REJECTS).write_bytes(b"new rejects")
    before = manifest.model_copy(update={"fingerprint": "0" * 64})
    with open_staging(tmp_path) as staging:
        staging.prepare(plan_of(base=appended_to(before)), timeout_s=9)
        write_results(staging.work)
        write_outcome(staging.work, "published")  # before the commit, because it is for the old dataset
        assert staging.state(before) == State.REVIEWED
        splits = {
            name: split.model_copy(
                update={"index": split.index.model_copy(update={"file": staged_index(name)})}
            )
            for name, split in manifest.splits.items()
        }
        rejects = manifest.rejects_file.model_copy(update={"file": STAGED_REJECTS})
        committed = manifest.model_copy(update={"splits": splits, "rejects_file": rejects})
        committed = committed.model_copy(update={"fingerprint": fingerprint_of(committed)})
        assert staging.state(committed) == State.COMMITTED
        settled = settle(staging.work, committed)
        assert staging.state(settled) == State.SETTLED
        assert settle(staging.work, settled) == settled
        staging.leave(settled)
    files = contents(tmp_path)
    assert files.pop(MANIFEST_NAME).decode() == settled.to_json()
    assert files == {
        "rejects.jsonl": b"new rejects",
        **{entry.file: b"new " + entry.file.encode() for entry in index.values()},
    }


def test_who_comes_after_a_kill_continues_the_same_job(tmp_path: Path) -> None:
    with open_staging(tmp_path) as staging:
        staging.prepare(plan_of(), timeout_s=9)
        write_results(staging.work)
        write_outcome(staging.work, "too_many_rejects")
        (staging.work.shards / "x.tmp-1").touch()
        done = contents(staging.work.root / "results")
    with open_staging(tmp_path) as staging:
        staging.prepare(plan_of(), timeout_s=9)
        assert staging.state(None) == State.WRITTEN
        assert contents(staging.work.root / "results") == done
        assert not (staging.work.shards / "x.tmp-1").exists()
        staging.prepare(plan_of("another"), timeout_s=9)
        assert staging.state(None) == State.PLANNED
        assert list(staging.work.shards.iterdir()) == []


def test_a_longer_time_limit_releases_what_a_shorter_one_has_judged(tmp_path: Path) -> None:
    with open_staging(tmp_path) as staging:
        staging.prepare(plan_of(), timeout_s=9)
        staging.work.quarantine(plan_of().shards[1], 0, Quarantine(reason="timeout", detail="", limit_s=9))
        write_results(staging.work)
        staging.prepare(plan_of(), timeout_s=9)
        assert staging.state(None) == State.WRITTEN
        staging.prepare(plan_of(), timeout_s=20)
        assert staging.state(None) == State.PLANNED
        assert [staging.work.has_result(number) for number in range(2)] == [True, False]


def test_only_what_can_be_continued_is_left(tmp_path: Path, manifest: Manifest) -> None:
    for number, (plan, existing, kept) in enumerate(
        [
            (None, None, False),
            (plan_of(), None, True),
            (plan_of(), manifest, True),
            (plan_of(base=appended_to(manifest)), manifest, True),
            (
                plan_of(base=appended_to(manifest)),
                manifest.model_copy(update={"fingerprint": "0" * 64}),
                False,
            ),
        ]
    ):
        with open_staging(tmp_path / str(number)) as staging:
            if plan is not None:
                staging.prepare(plan, timeout_s=9)
            staging.leave(existing)
            assert staging.work.root.exists() == kept


def test_a_job_of_another_version_counts_as_none(tmp_path: Path) -> None:
    with open_staging(tmp_path) as staging:
        (staging.work.root / "job.json").write_text(json.dumps({"format": "of tomorrow"}))
        assert staging.state(None) == State.LOCKED
        (staging.work.root / "outcome.json").write_text("[]")
        staging.prepare(plan_of(), timeout_s=9)
        assert staging.state(None) == State.PLANNED


def _hold(dataset: Path, connection: "multiprocessing.connection.Connection") -> None:
    with open_staging(dataset):
        connection.send("locked")
        connection.recv()


def test_one_process_at_a_time_and_a_killed_one_holds_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_hold, args=(tmp_path, theirs))
    process.start()
    assert ours.recv() == "locked"
    with pytest.raises(UsageError, match="another conversion"), open_staging(tmp_path):
        pass
    process.kill()
    process.join()
    with open_staging(tmp_path) as staging:
        assert isinstance(staging, Staging)


def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot write to DATASET"), open_staging(tmp_path / "file" / "out"):
        pass
