"""Publication decides, and leaves a dataset or nothing. Shards are made by hand, so no image is decoded."""

import dataclasses
import errno
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fitfeed.converters.options import ConvertOptions, Duplicates
from fitfeed.converters.publishing.publish import SHOWN_PAIRS, SHOWN_REJECTS, publish
from fitfeed.converters.rejects import Reject
from fitfeed.converters.staging.commit import STAGED_REJECTS
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.job import AppendTarget
from fitfeed.converters.staging.outcome import Outcome
from fitfeed.converters.staging.results import ShardTotals
from fitfeed.converters.staging.staging import Staging
from fitfeed.converters.verify import verify_dataset
from fitfeed.schemas.errors import ConversionError, OvertakenError
from fitfeed.schemas.manifest import MANIFEST_NAME, Manifest, read_manifest
from fitfeed.schemas.side_tables import read_pairs
from fitfeed.schemas.storage.local import LocalPlace
from fitfeed.schemas.tfds_info import TFDS_NAMES
from tests.converters.handmade import Example, job_of, write_result
from tests.folders import contents, path_of

CORRUPT = Reject("z.jpg", "corrupt", "is broken")
ONE, TWO, THREE = (Example(picture=number, label=number % 3) for number in range(1, 4))
RAW: dict[str, Any] = {"encoding": "raw", "size": (2, 3)}
Splits = dict[str, list[list[Example]]]


def write_shards(
    dataset: Path, splits: Splits, rejects: dict[int, list[Reject]] | None = None, **fields: Any
) -> tuple[WorkFolder, list[ShardTotals]]:
    """What is there when all shards of a job are written, and the totals that its workers return."""
    first = 0 if fields.get("base") is None else 10  # so that no shard has the name of an old one
    numbers = iter(range(99))
    fields["rejects"] = fields.pop("planned_rejects", [])
    job = job_of({split: [next(numbers) for _ in shards] for split, shards in splits.items()}, **fields)
    planned = sum(len(shard) for shards in splits.values() for shard in shards)
    planned += sum(map(len, (rejects or {}).values()))
    job = dataclasses.replace(job, files=planned, seen=Staging(LocalPlace(dataset)).manifest_sha256())
    work = WorkFolder(LocalPlace(dataset), job.digest)
    work.begin()
    work.write_job(job)
    totals = []
    for split, shards in splits.items():
        for place, (number, examples) in enumerate(zip(job.splits[split], shards, strict=True), start=first):
            file = f"{split}-{place:05d}-of-{first + len(shards):05d}.tfrecord"
            bad = (rejects or {}).get(number, [])
            result = dataclasses.replace(
                write_result(job, path_of(work.shards) / file, examples), rejects=bad
            )
            work.write_result(number, result)
            totals.append(
                ShardTotals(
                    number=number,
                    planned=len(examples) + len(bad),
                    examples=len(examples),
                    bytes=result.shard.bytes,
                    rejects={"corrupt": len(bad)} if bad else {},
                    reused=number == 0,
                )
            )
    return work, totals


def published(dataset: Path, splits: Splits, **fields: Any) -> Manifest:
    """A complete dataset, without a staging area."""
    work, totals = write_shards(dataset, splits, **fields)
    assert publish(work, totals).status == "published"
    Staging(LocalPlace(dataset)).remove()
    return read_manifest(dataset)


def target(manifest: Manifest, *retried: str) -> AppendTarget:
    return AppendTarget(fingerprint=manifest.fingerprint, source_files=9, retried=list(retried))


def files(dataset: Path) -> dict[str, bytes]:
    """The dataset without its staging area."""
    return {name: data for name, data in contents(dataset).items() if not name.startswith(".work")}


def decision(dataset: Path, splits: Splits, **fields: Any) -> Outcome:
    """What publication decides, which is written down; and nothing is published unless it says so."""
    work, totals = write_shards(dataset, splits, **fields)
    outcome = publish(work, totals)
    assert work.read_outcome() == outcome
    assert (dataset / MANIFEST_NAME).exists() == (outcome.status == "published")
    return outcome


def test_a_new_dataset(tmp_path: Path) -> None:
    splits: Splits = {"train": [[ONE, TWO], [THREE]], "test": [[Example(picture=4)]]}
    work, totals = write_shards(tmp_path, splits, {1: [CORRUPT]}, max_bad=1)
    outcome = publish(work, totals[::-1])  # in the order in which workers have finished
    assert (outcome.status, outcome.rejects, outcome.allowed, outcome.reused) == (
        "published",
        {"corrupt": 1},
        1,
        1,
    )
    assert set(files(tmp_path)) == {
        *(f"train-0000{number}-of-00002.tfrecord" for number in range(2)),
        *("test-00000-of-00001.tfrecord", "train.index.arrow", "test.index.arrow"),
        *("rejects.jsonl", MANIFEST_NAME, *TFDS_NAMES),
    }
    Staging(LocalPlace(tmp_path)).remove()
    manifest = read_manifest(tmp_path)
    assert {name: split.examples for name, split in manifest.splits.items()} == {"train": 3, "test": 1}
    assert json.loads((tmp_path / "rejects.jsonl").read_text())["path"] == "z.jpg"
    assert verify_dataset(tmp_path).ok


def test_a_runner_may_repeat_it(tmp_path: Path) -> None:
    work, totals = write_shards(tmp_path, {"train": [[ONE, TWO]]})
    outcome = publish(work, totals)
    before = contents(tmp_path)
    assert publish(work, totals) == outcome
    assert contents(tmp_path) == before


class Stopped(BaseException):
    """As if the process ended here."""


@contextmanager
def stopped_after(count: int) -> Iterator[None]:
    """Ends the process when so many files have their new names."""
    replace, done = Path.replace, 0

    def replace_until(self: Path, to: Path) -> Path:
        nonlocal done
        if done == count:
            raise Stopped
        done += 1
        return replace(self, to)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "replace", replace_until)
        yield


@pytest.mark.slow
@pytest.mark.parametrize("appends", [False, True])
def test_stopped_at_any_move_it_ends_with_the_same_files(tmp_path: Path, appends: bool) -> None:
    """Copies are left out, so shards are written once more, too."""
    splits: Splits = {"train": [[ONE, TWO], [TWO, TWO]], "test": [[THREE], [Example(picture=4)]]}

    options = ConvertOptions(duplicates="drop", **RAW)
    written, reference = tmp_path / "written", tmp_path / "reference"
    held = published(written, {"train": [[Example(picture=9)]]}, options=options) if appends else None
    base = None if held is None else target(held)
    work, totals = write_shards(written, splits, options=options, base=base, digest="later")
    shutil.copytree(written, reference)
    publish(WorkFolder(LocalPlace(reference), "later"), totals)
    for count in range(100):
        dataset = Path(shutil.copytree(written, tmp_path / f"{count}"))
        work = WorkFolder(LocalPlace(dataset), "later")
        try:
            with stopped_after(count):
                publish(work, totals)
        except Stopped:
            assert publish(work, totals).status == "published"
            assert files(dataset) == files(reference), count
        else:
            break
    assert 12 < count < 99  # there were so many moves


def test_shards_must_be_there_once_each(tmp_path: Path) -> None:
    work, totals = write_shards(tmp_path, {"train": [[ONE], [TWO]]})
    for returned in (totals[:1], [*totals, totals[1]], [totals[0], totals[0]], []):
        with pytest.raises(ConversionError, match=r"expected 0 to 1 once each\..*--runner"):
            publish(work, returned)
    assert files(tmp_path) == {}


@pytest.mark.parametrize(
    ("change", "counted"),
    [
        ({"examples": 1}, 1),  # an image was lost
        ({"examples": 3}, 3),
        ({"rejects": {"corrupt": 1}}, 3),
        ({"planned": 3}, 2),
    ],
)
def test_every_planned_file_is_written_or_rejected(
    tmp_path: Path, change: dict[str, Any], counted: int
) -> None:
    work, totals = write_shards(tmp_path, {"train": [[ONE, TWO]]})
    message = f"2 files were planned, but {counted} are written or rejected"
    with pytest.raises(ConversionError, match=message):
        publish(work, [dataclasses.replace(totals[0], **change)])
    assert files(tmp_path) == {}


def test_files_that_no_shard_has(tmp_path: Path) -> None:
    work, totals = write_shards(tmp_path, {"train": [[ONE, TWO]]})
    work.write_job(dataclasses.replace(work.read_job(), files=3))
    with pytest.raises(ConversionError, match="3 files were planned, but 2 are written or rejected"):
        publish(work, totals)


def test_files_that_were_ignored_are_listed(tmp_path: Path) -> None:
    ignored = Reject("Thumbs.db", "not_an_image", "lies beside images", "ignored")
    manifest = published(tmp_path, {"train": [[ONE]]}, ignored=[ignored])
    assert (manifest.ignored, manifest.rejects) == (1, {})
    assert json.loads((tmp_path / "rejects.jsonl").read_text()) == dataclasses.asdict(ignored)


def test_a_result_that_is_missing(tmp_path: Path) -> None:
    work, totals = write_shards(tmp_path, {"train": [[ONE], [TWO]]})
    (path_of(work.root) / "results" / "00001.json").unlink()
    with pytest.raises(ConversionError, match=r"the result of shard 1 is missing from .*it continues"):
        publish(work, totals)
    assert files(tmp_path) == {}


def test_a_leak_is_refused_before_all_else(tmp_path: Path) -> None:
    splits: Splits = {"train": [[ONE, ONE]], "test": [[ONE]]}
    options = ConvertOptions(duplicates="fail")
    outcome = decision(tmp_path / "no", splits, options=options, rejects={0: [CORRUPT]})
    assert outcome.status == "leaks"
    assert outcome.copies == {"within": 1, "across_splits": 1, "label_conflicts": 0, "dropped": 0}
    assert decision(tmp_path / "yes", splits, allow_leaks=True).status == "published"


@pytest.mark.parametrize(
    ("duplicates", "status", "examples"),
    [("keep", "published", 3), ("drop", "published", 2), ("fail", "duplicates", None)],
)
def test_copies_within_a_split(
    tmp_path: Path, duplicates: Duplicates, status: str, examples: int | None
) -> None:
    splits: Splits = {"train": [[ONE, TWO], [ONE]]}
    options = ConvertOptions(duplicates=duplicates, **RAW)
    assert decision(tmp_path, splits, options=options).status == status
    if examples is not None:
        Staging(LocalPlace(tmp_path)).remove()
        manifest = read_manifest(tmp_path)
        assert manifest.splits["train"].examples == examples
        assert manifest.ignored == 3 - examples
        assert verify_dataset(tmp_path).ok


def test_pairs_are_written_also_if_nothing_is_published(tmp_path: Path) -> None:
    work, totals = write_shards(tmp_path, {"train": [[ONE]], "test": [[ONE]]})
    assert publish(work, totals).status == "leaks"
    assert read_pairs(work.root).batch.to_pylist() == [
        {
            "key": "test-00000-of-00001.tfrecord/0",
            "of": "train-00000-of-00001.tfrecord/0",
            "kind": "split_leak",
            "distance": 0,
        }
    ]


@pytest.mark.parametrize(
    ("max_bad", "status"), [(1, "too_many_rejects"), (2, "published"), (0.5, "published")]
)
def test_rejects_that_are_tolerated(tmp_path: Path, max_bad: float, status: str) -> None:
    planned = [Reject("a.jpg", "label_invalid", "no class"), Reject("b.txt", "not_an_image", "", "ignored")]
    outcome = decision(
        tmp_path, {"train": [[ONE]]}, rejects={0: [CORRUPT]}, max_bad=max_bad, planned_rejects=planned
    )
    assert outcome.status == status
    assert outcome.rejects == {"corrupt": 1, "label_invalid": 1}


def test_only_the_first_are_shown(tmp_path: Path) -> None:
    bad = [Reject(f"{number:02d}.jpg", "corrupt", "") for number in range(30)]
    outcome = decision(
        tmp_path, {"train": [[ONE] * 30]}, rejects={0: bad[::-1]}, options=ConvertOptions(duplicates="fail")
    )
    assert outcome.first_rejects == bad[:SHOWN_REJECTS]
    assert outcome.rejects == {"corrupt": 30}
    assert (len(outcome.pairs), outcome.copies["within"]) == (SHOWN_PAIRS, 29)


def test_nothing_is_left(tmp_path: Path) -> None:
    splits: Splits = {"train": [[]], "test": [[ONE]]}
    assert decision(tmp_path, splits, rejects={0: [CORRUPT]}, max_bad=1).status == "nothing_left"


def test_images_join(tmp_path: Path) -> None:
    held = published(tmp_path, {"train": [[ONE]]})
    before = contents(tmp_path)
    added: Splits = {"train": [[TWO], []], "test": [[THREE]]}
    work, totals = write_shards(tmp_path, added, base=target(held), digest="later")
    assert publish(work, totals).status == "published"
    Staging(LocalPlace(tmp_path)).remove()
    manifest = read_manifest(tmp_path)
    assert [shard.file for shard in manifest.splits["train"].shards] == [
        "train-00000-of-00001.tfrecord",
        "train-00010-of-00012.tfrecord",  # and not the one without examples
    ]
    assert manifest.splits["test"].examples == 1
    assert contents(tmp_path)["train-00000-of-00001.tfrecord"] == before["train-00000-of-00001.tfrecord"]
    assert {path.name for path in tmp_path.iterdir()} >= {"rejects.jsonl", "test.index.arrow"}
    assert not (tmp_path / STAGED_REJECTS).exists()
    assert verify_dataset(tmp_path).ok


def test_an_append_of_nothing_changes_nothing(tmp_path: Path) -> None:
    held = published(tmp_path, {"train": [[ONE]]}, rejects={0: [CORRUPT]}, max_bad=1)
    before = contents(tmp_path)
    again: Splits = {"train": [[]]}
    work, totals = write_shards(tmp_path, again, {0: [CORRUPT]}, base=target(held, "z.jpg"), digest="later")
    outcome = publish(work, totals)
    assert (outcome.status, outcome.rejects) == ("published", {})  # it was tolerated before
    assert files(tmp_path) == before


def test_new_rejects_alone_are_published(tmp_path: Path) -> None:
    held = published(tmp_path, {"train": [[ONE]]}, rejects={0: [CORRUPT]}, max_bad=1)
    other = Reject("y.jpg", "bomb", "is large")
    more: Any = {"rejects": {0: [other]}, "base": target(held), "digest": "later"}
    work, totals = write_shards(tmp_path, {"train": [[]]}, **more)
    assert publish(work, totals).status == "too_many_rejects"
    assert read_manifest(tmp_path) == held
    work, totals = write_shards(tmp_path, {"train": [[]]}, max_bad=1, **more)
    work.forget_outcome()
    assert publish(work, totals).status == "published"
    assert read_manifest(tmp_path).rejects == {"bomb": 1, "corrupt": 1}
    assert read_manifest(tmp_path).splits == held.splits


def test_a_file_that_is_mended_leaves_the_list_of_rejects(tmp_path: Path) -> None:
    held = published(tmp_path, {"train": [[ONE]]}, rejects={0: [CORRUPT]}, max_bad=1)
    work, totals = write_shards(tmp_path, {"train": [[TWO]]}, base=target(held, "z.jpg"), digest="later")
    assert publish(work, totals).status == "published"
    assert read_manifest(tmp_path).rejects == {}
    assert (tmp_path / "rejects.jsonl").read_bytes() == b""


@pytest.mark.parametrize("appends", [False, True])
def test_another_launch_has_published_meanwhile(tmp_path: Path, appends: bool) -> None:
    held = published(tmp_path, {"train": [[ONE]]})
    base = target(held) if appends else None
    work, totals = write_shards(tmp_path, {"train": [[TWO]]}, base=base, digest="later")
    (tmp_path / MANIFEST_NAME).write_text(held.model_copy(update={"ignored": 1}).to_json())
    theirs = files(tmp_path)
    with pytest.raises(OvertakenError, match="so this one published nothing"):
        publish(work, totals)
    assert files(tmp_path) == theirs


def test_a_disk_that_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work, totals = write_shards(tmp_path, {"train": [[ONE]]})

    def refuse(path: Path, content: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", refuse)
        with pytest.raises(
            ConversionError, match=r"cannot write to .*: No space left on device. Nothing was"
        ):
            publish(work, totals)
    assert files(tmp_path) == {}
    assert publish(work, totals).status == "published"
