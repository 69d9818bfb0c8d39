"""The folder of a job: what is written to it reads back, and nothing of it is taken for more than it is."""

import dataclasses
import errno
import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from fitfeed.converters.duplicate_pair import DuplicatePair, NearDuplicateReport
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.rejects import Reject
from fitfeed.converters.staging.folder import BEGUN_NAME, PARTS, WorkFolder, sha256_line, write_json
from fitfeed.converters.staging.job import AppendTarget, ShardPlan
from fitfeed.converters.staging.outcome import Outcome
from fitfeed.converters.staging.quarantine import Quarantine
from fitfeed.schemas.errors import ConversionError
from fitfeed.schemas.storage.local import LocalPlace
from tests.converters.handmade import EVERY_KIND, Example, job_of, result_of, roots_of
from tests.folders import path_of

CRASH = Quarantine(reason="decoder_crash", detail="ended 2 times, with SIGSEGV")
SURROGATE = "a\udcff.jpg"  # as Python has names that are not UTF-8
JOB = job_of(
    {"train": [0], "test": []},
    ConvertOptions(size=(2, 3), split={"train": 0.5, "test": 0.5}),
    EVERY_KIND,
    rejects=[Reject("b.jpg", "corrupt", "is broken")],
    max_bad=0.5,
    base=AppendTarget(fingerprint="f", source_files=3, retried=["b.jpg"]),
    sources=roots_of(f"/photos/{SURROGATE}"),
)
OUTCOME = Outcome(
    may_drop_leaks=False,
    status="leaks",
    rejects={"corrupt": 1},
    allowed=2,
    first_rejects=JOB.rejects,
    reused=1,
    copies={"within": 1},
    pairs=[DuplicatePair(("b", "a"), "split_leak")],
    near_duplicates=NearDuplicateReport(within=1, across_splits=0, pairs=[], exhaustive=False),
)


def plan_of(number: int = 0, digest: str = "digest") -> ShardPlan:
    return ShardPlan(
        number=number,
        split="train",
        file=f"train-{number:05d}-of-00002.tfrecord",
        paths=[SURROGATE],
        keys=["a"],
        labels={"tags": [[0, 1]], "région": [["m.png", 5, 1]]},
        bytes=[2**40],
        mtimes_ns=[1_795_782_883_975_213_907],
        digest=digest,
    )


def quarantined(limit_s: float) -> Quarantine:
    return Quarantine(reason="timeout", detail="took too long", limit_s=limit_s)


@pytest.fixture
def work(tmp_path: Path) -> WorkFolder:
    """A folder with all its parts."""
    folder = WorkFolder(LocalPlace(tmp_path / "dataset"), "job")
    folder.begin()
    return folder


def test_naming_it_makes_nothing(tmp_path: Path) -> None:
    folder = WorkFolder(LocalPlace(tmp_path / "dataset"), "job")
    assert path_of(folder.root) == tmp_path / "dataset" / ".work" / "job"
    assert (folder.shards, folder.kept) == (folder.root.below("shards"), folder.root.below("kept"))
    assert list(tmp_path.iterdir()) == []


def test_it_begins_empty(work: WorkFolder) -> None:
    (path_of(work.shards) / "x").touch()
    begun = work.begin()
    assert {path.name for path in path_of(work.root).iterdir()} == {*PARTS, BEGUN_NAME}
    assert list(path_of(work.shards).iterdir()) == []
    assert work.find_earlier() is None  # until there is a job
    work.write_job(dataclasses.replace(JOB, begun=begun))
    earlier = work.find_earlier()
    assert earlier is not None
    assert earlier.begun == begun
    work.write_job(dataclasses.replace(JOB, begun=f"{begun}0"))  # as if the folder had been copied
    assert work.find_earlier() is None


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_is_missing_is_made_and_one_that_is_a_file_is_refused(
    work: WorkFolder, part: str
) -> None:
    work.write_job(dataclasses.replace(JOB, begun=work.begin()))
    (path_of(work.root) / part).rmdir()
    assert work.find_earlier() is not None
    (path_of(work.root) / part).rmdir()
    (path_of(work.root) / part).touch()  # a file where results should be was a traceback
    assert work.find_earlier() is None
    work.begin()
    assert (path_of(work.root) / part).is_dir()


def test_a_worker_gets_it_as_places(work: WorkFolder) -> None:
    sealed = work.write_job(JOB)
    there = pickle.loads(pickle.dumps(sealed))  # noqa: S301
    assert (there.root, there.seal) == (work.root, sealed.seal)
    assert there.read_job() == JOB
    work.write_job(dataclasses.replace(JOB, files=1))
    with pytest.raises(ConversionError, match=r"job\.json is not what this launch has written"):
        there.read_job()


def test_a_job(work: WorkFolder) -> None:
    assert work.read_job_or_none() is None
    work.write_job(JOB)
    assert work.read_job() == work.read_job_or_none() == JOB


@pytest.mark.parametrize("content", ["", "[]", "{}", '"text"', '{"options": {}}', "\x00"])
def test_a_job_that_this_version_cannot_read(work: WorkFolder, content: str) -> None:
    (path_of(work.root) / "job.json").write_text(content)
    assert work.read_job_or_none() is None


@pytest.mark.parametrize(
    "change",
    [
        {"surprise": 1},
        {"features": "a text"},
        {"options": {"format": "zip"}},
        {"features": {"a": {"kind": "b", "c": 1}}},
    ],
)
def test_a_job_of_another_version(work: WorkFolder, change: dict[str, Any]) -> None:
    work.write_job(JOB)
    content = json.loads((path_of(work.root) / "job.json").read_text())
    (path_of(work.root) / "job.json").write_text(json.dumps({**content, **change}))
    assert work.read_job_or_none() is None


def test_plans(work: WorkFolder) -> None:
    stamps = [work.write_plan(plan_of(number), "5") for number in range(2)]
    job = dataclasses.replace(JOB, begun="5", stamps=stamps)
    assert [work.read_plan(job, number) for number in range(2)] == [plan_of(0), plan_of(1)]
    assert {path.name for path in path_of(work.root).glob("plans/*")} == {"00000.json", "00001.json"}
    assert (
        len({*stamps, work.write_plan(plan_of(0), "6"), work.write_plan(plan_of(digest="other"), "5")}) == 4
    )
    with pytest.raises(ConversionError, match=r"00000\.json is not what this launch has written"):
        work.read_plan(job, 0)  # which is another one now
    with pytest.raises(ConversionError, match="something else writes into the staging area"):
        work.read_plan(dataclasses.replace(job, begun="6"), 1)


def test_results(work: WorkFolder) -> None:
    result = result_of(JOB, "train.tfrecord", [Example(label=2), Example(profile="sRGB")])
    assert (work.has_results_of([0]), work.has_results(), work.read_result(JOB, 0)) == (False, False, None)
    work.write_result(0, result)
    read = work.read_result(JOB, 0)
    assert read is not None
    assert read.to_json() == result.to_json()
    assert (work.has_results_of([0]), work.has_results_of([1]), work.has_results()) == (True, False, True)
    assert work.read_result(dataclasses.replace(JOB, stamps=["another"]), 0) is None


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"stamp": "stamp", "rows": 5}'])
def test_a_result_that_this_version_cannot_read(work: WorkFolder, content: str) -> None:
    path = path_of(work.root) / "results" / "00000.json"
    path.write_text(content)
    assert work.read_result(JOB, 0) is None
    path.write_bytes(sha256_line(content.encode()) + content.encode())
    assert work.read_result(JOB, 0) is None


def test_an_outcome(work: WorkFolder) -> None:
    assert work.read_outcome() is None
    work.forget_outcome()  # which is not there
    work.write_outcome(OUTCOME)
    assert work.read_outcome() == OUTCOME
    work.forget_outcome()
    assert work.read_outcome() is None


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"pairs": 3}'])
def test_an_outcome_that_this_version_cannot_read(work: WorkFolder, content: str) -> None:
    (path_of(work.root) / "outcome.json").write_text(content)
    assert work.read_outcome() is None


def test_a_shard_is_found_in_either_place(work: WorkFolder) -> None:
    assert work.find_shard("a") == work.dataset
    (path_of(work.dataset) / "a").touch()
    assert work.find_shard("a") == work.dataset
    (path_of(work.shards) / "a").touch()
    assert work.find_shard("a") == work.shards


def test_quarantined_images_add_up(work: WorkFolder) -> None:
    assert work.read_quarantined(JOB, 0) == {}
    work.quarantine(JOB, 0, 7, CRASH)
    work.quarantine(JOB, 0, 3, quarantined(9))
    work.quarantine(JOB, 0, 7, quarantined(2.5))
    assert work.read_quarantined(JOB, 0) == {7: quarantined(2.5), 3: quarantined(9)}


def test_they_are_of_one_plan(work: WorkFolder) -> None:
    """In another plan, other images are at their places."""
    work.quarantine(JOB, 0, 7, CRASH)
    other = dataclasses.replace(JOB, stamps=["another"])
    assert work.read_quarantined(other, 0) == {}
    work.quarantine(other, 0, 1, CRASH)
    assert work.read_quarantined(other, 0) == {1: CRASH}
    assert work.read_quarantined(JOB, 0) == {}


@pytest.mark.parametrize(
    ("limit_s", "kept"),
    [
        (0, {0}),  # no limit: all that were too slow try again
        (8.9, {0, 1, 2}),
        (9, {0, 1, 2}),
        (9.1, {0, 2}),
        (20, {0, 2}),
        (21, {0}),
    ],
)
def test_who_exceeded_a_shorter_limit_tries_again(work: WorkFolder, limit_s: float, kept: set[int]) -> None:
    known = {0: CRASH, 1: quarantined(9), 2: quarantined(20)}
    for entry, found in known.items():
        work.quarantine(JOB, 0, entry, found)
    work.write_result(0, result_of(JOB, "train.tfrecord", []))
    work.release(JOB, limit_s)
    assert work.read_quarantined(JOB, 0) == {entry: known[entry] for entry in kept}
    assert work.has_results_of([0]) == (len(kept) == 3)  # else it is written again


def test_the_error_if_nothing_can_be_written(work: WorkFolder) -> None:
    error = work.write_error(OSError(errno.ENOSPC, "No space left on device"))
    assert str(error) == (
        f"cannot write to {path_of(work.dataset)}: No space left on device. Nothing was published. Make room there and run the "
        "same command again: it continues."
    )
    assert error.exit_status == 1
    silent = OSError(errno.ETIMEDOUT, "the store could not be reached", "s3://bucket/flowers/a")
    assert work.write_error(silent).exit_status == 6
    assert "cannot write to" in str(work.write_error(OSError("of a library")))
    assert ": of a library. Nothing" in str(work.write_error(OSError("of a library")))


def test_json_is_ascii_and_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    write_json(LocalPlace(tmp_path), path.name, {"path": SURROGATE})
    assert path.read_bytes() == b'{"path": "a\\udcff.jpg"}'

    def fail(self: Path, target: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="Input/output error"):
        write_json(LocalPlace(tmp_path), path.name, dataclasses.asdict(CRASH))
    assert path.read_bytes() == b'{"path": "a\\udcff.jpg"}'
    assert list(tmp_path.iterdir()) == [path]
