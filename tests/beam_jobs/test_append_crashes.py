"""Machines that die while images are appended: at every moment the old dataset or the new one is there, whole."""

import contextlib
import random
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fitfeed.beam_jobs import convert
from fitfeed.converters.option_parts.storage import Format
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.planning.base_dataset import open_base_dataset
from fitfeed.converters.publishing.publish import publish
from fitfeed.converters.shards.write_shard import write_shard
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.job import Job
from fitfeed.converters.staging.outcome import Outcome
from fitfeed.converters.verify import verify_dataset
from fitfeed.pipelines import open_dataset
from fitfeed.schemas.errors import OvertakenError
from fitfeed.schemas.manifest import read_manifest
from fitfeed.schemas.side_tables import SIDE_TABLES, read_pairs
from fitfeed.schemas.storage.local import LocalPlace
from fitfeed.schemas.tfds_info import TFDS_NAMES, tfds_files
from tests.folders import contents, path_of
from tests.warm_commands import WarmCommand, WarmCommands
from tests.without_beam import run_here, without_beam

FORMATS: list[Format] = ["tfrecord", "hdf5"]


class Died(BaseException):
    """Instead of a process that ends: nothing handles it."""


class Steps:
    """Counts what changes the file system step by step, and dies before a step of choice."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, last: int) -> None:
        self.done, self._last = 0, last
        for owner, name in [
            (Path, "replace"),
            (Path, "unlink"),
            (shutil, "copyfile"),
            (shutil, "rmtree"),
        ]:
            monkeypatch.setattr(owner, name, self._counting(getattr(owner, name)))

    def _counting(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **options: Any) -> Any:
            if self.done == self._last:
                raise Died
            self.done += 1
            return real(*arguments, **options)

        return step


@pytest.fixture
def source(clothing: Path, tmp_path: Path) -> Path:
    """What there is at first; `later` joins it."""
    for split, folder in (("train", "source"), ("validation", "later")):
        for name in ("dress", "hat"):
            photos = sorted((clothing / split / name).iterdir())[:4]
            for target in ("train", "validation"):
                place = tmp_path / folder / target / f"of {folder}" / name
                place.mkdir(parents=True)
                for path in photos:
                    shutil.copyfile(path, place / path.name)
    for path in sorted((tmp_path / "source").glob("*/*/*/*"))[::2]:
        path.unlink()
    (tmp_path / "later" / "train" / "of later" / "hat" / "bad.jpg").write_bytes(b"\xff\xd8\xff")
    return tmp_path / "source"


@pytest.mark.slow
@pytest.mark.parametrize("format_", FORMATS)
def test_death_before_every_step(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format_: Format
) -> None:
    monkeypatch.setattr("fitfeed.beam_jobs.run.run_local", run_here)
    later, dataset, append = tmp_path / "later", tmp_path / "dataset", {"append": True, "max_bad": 1}
    append["allow_leaks"] = True  # the same images are in both splits
    options = ConvertOptions(
        format=format_, encoding="raw", size=(8, 8), channels=1, shards=1, class_from="parent"
    )
    convert(source, tmp_path / "old", options, allow_leaks=True)
    shutil.copytree(tmp_path / "old", tmp_path / "new")
    convert(later, tmp_path / "new", **append)  # type: ignore[arg-type]
    old, new = contents(tmp_path / "old"), contents(tmp_path / "new")
    fingerprints, steps = set(), 0
    while True:
        shutil.rmtree(dataset, ignore_errors=True)
        shutil.copytree(tmp_path / "old", dataset)
        with monkeypatch.context() as patch, contextlib.suppress(Died):
            Steps(patch, steps)
            convert(later, dataset, **append)  # type: ignore[arg-type]
        if not (dataset / ".work").exists():
            break
        verdict = verify_dataset(dataset)
        assert verdict.ok, (steps, verdict.findings)
        assert [table.damage for table in verdict.beside if table.file in SIDE_TABLES] == [None, None]
        fingerprints.add(verdict.fingerprint)
        assert counts(dataset) in (counts(tmp_path / "old"), counts(tmp_path / "new"))
        convert(later, dataset, **append)  # type: ignore[arg-type]
        assert contents(dataset) == new, steps
        assert pairs(dataset) == pairs(tmp_path / "new"), steps
        steps += 1
    assert steps > 15
    assert len(fingerprints) == 3  # the old one, the new one, and the new one under its first names
    assert old != new
    assert contents(dataset) == new


def pairs(dataset: Path) -> list[str]:
    """What `duplicates.arrow` says, in an order of its own."""
    batch, complete = read_pairs(LocalPlace(dataset))
    assert complete
    return sorted(map(str, batch.to_pylist()))


def counts(dataset: Path) -> dict[str, int]:
    return {name: split.examples for name, split in open_dataset(dataset).splits.items()}


def test_an_append_that_is_not_continued_leaves_nothing(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later, dataset = tmp_path / "later", tmp_path / "dataset"
    options = ConvertOptions(encoding="raw", size=(8, 8), class_from="parent")
    monkeypatch.setattr("fitfeed.beam_jobs.run.run_local", run_here)
    convert(source, dataset, options, allow_leaks=True)
    (dataset / "other-00000-of-00001.tfrecord").touch()  # somebody's own

    def died(*arguments: object) -> None:
        raise Died

    three = ConvertOptions(**{**vars(options), "shards": 3})
    with monkeypatch.context() as patch:
        patch.setattr(
            "fitfeed.schemas.storage.local_area.sync_folder", died
        )  # shards are in place, the manifest is not
        with pytest.raises(Died):
            convert(later, dataset, three, append=True, max_bad=1, allow_leaks=True)
    assert (dataset / "train-00003-of-00004.tfrecord").exists()
    for path in sorted(later.rglob("*.jpg"))[::2]:
        path.unlink()
    convert(later, dataset, append=True, max_bad=1, allow_leaks=True)
    names = {entry.file for entry in read_manifest(dataset).files()}
    assert "train-00001-of-00002.tfrecord" in names
    foreign = "other-00000-of-00001.tfrecord"
    assert {path.name for path in dataset.iterdir()} == {
        *(*names, "manifest.json", foreign),
        *(*SIDE_TABLES, *TFDS_NAMES),
    }
    manifest, found = read_manifest(dataset), contents(dataset)
    assert {name: found[name] for name in TFDS_NAMES} == tfds_files(manifest)
    keys = {row["key"] for row in read_pairs(LocalPlace(dataset)).batch.to_pylist()}
    base = open_base_dataset(LocalPlace(dataset))
    assert all(map(base.has_key, keys))
    (dataset / foreign).unlink()
    assert verify_dataset(dataset).ok


def test_publication_may_be_repeated_by_the_runner(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later, dataset = tmp_path / "later", tmp_path / "dataset"
    outcomes: list[Outcome] = []

    def run_twice(work: WorkFolder, job: Job, **running: Any) -> None:
        totals = [
            write_shard(work, job, number, lambda source_bytes, rejected: None)
            for number in range(job.shards)
        ]
        outcomes.extend(publish(work, totals) for _ in range(2))
        (path_of(work.root) / "outcome.json").rename(path_of(work.root) / "kept")
        with pytest.raises(
            OvertakenError, match=r"another launch has published into .* Run the same command again"
        ):
            publish(work, totals)
        (path_of(work.root) / "kept").rename(path_of(work.root) / "outcome.json")

    options = ConvertOptions(encoding="raw", size=(8, 8), class_from="parent")
    with without_beam():
        convert(source, dataset, options, allow_leaks=True)
    monkeypatch.setattr("fitfeed.beam_jobs.run.run_local", run_twice)
    conversion = convert(later, dataset, append=True, allow_leaks=True, max_bad=1)
    assert outcomes[0] == outcomes[1]
    assert outcomes[0].status == "published"
    assert conversion.manifest.rejects == {"corrupt": 1}
    assert verify_dataset(dataset).ok


def start(commands: WarmCommands, source: Path, dataset: Path) -> WarmCommand:
    """An append whose whole process tree is one process group."""
    return commands.start("convert", source, dataset, "--append", "--shards", "4", "--quiet")


def survives_sigkill(
    commands: WarmCommands, clothing: Path, folder: Path, format_: Format, *, kills: int, seed: int
) -> None:
    source, old, new, dataset = (folder / name for name in ("source", "old", "new", "dataset"))
    shutil.copytree(clothing, source, copy_function=shutil.copyfile)
    later = sorted(source.rglob("*.jpg"))[::3]
    for path in later:
        path.rename(folder / path.name)
    convert(source, old, ConvertOptions(format=format_, encoding="png", size=(64, 64)))
    for path in later:
        (folder / path.name).rename(path)
    shutil.copytree(old, new)
    began = time.monotonic()
    assert start(commands, source, new).wait() == 0
    seconds = time.monotonic() - began
    expected, chance = contents(new), random.Random(seed)
    whole = {read_manifest(folder).fingerprint for folder in (old, new)}
    shutil.copytree(old, dataset)
    for _ in range(kills):
        process = start(commands, source, dataset)
        time.sleep(chance.uniform(0.2 * seconds, seconds))
        process.kill()
        assert process.wait() in (0, -signal.SIGKILL)
        verdict = verify_dataset(dataset)
        assert verdict.ok, verdict.findings
        if verdict.fingerprint != read_manifest(old).fingerprint:  # it was published: begin anew
            assert start(commands, source, dataset).wait() == 0
            assert read_manifest(dataset).fingerprint in whole
            assert contents(dataset) == expected
            shutil.rmtree(dataset)
            shutil.copytree(old, dataset)
    assert start(commands, source, dataset).wait() == 0
    assert contents(dataset) == expected


@pytest.mark.slow  # `tests/fitfeed/test_convert_command.py` kills a conversion once, in every run
@pytest.mark.parametrize("format_", FORMATS)
def test_sigkill_at_fifty_moments(
    commands: WarmCommands, clothing: Path, tmp_path: Path, format_: Format
) -> None:
    survives_sigkill(commands, clothing, tmp_path, format_, kills=50, seed=1)
