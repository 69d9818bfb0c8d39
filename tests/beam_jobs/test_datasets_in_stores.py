"""A dataset in a store has the bytes that it has in a folder, however its conversions are stopped."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fitfeed.beam_jobs import ConversionResult, plan_conversion
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.staging import Staging, open_staging
from fitfeed.converters.verify import verify_dataset
from fitfeed.pipelines import open_dataset
from fitfeed.schemas.errors import (
    DamagedDatasetError,
    DuplicateImagesError,
    OvertakenError,
    TooManyRejectsError,
    UsageError,
)
from fitfeed.schemas.manifest import MANIFEST_NAME, read_manifest
from fitfeed.schemas.side_tables import SIDE_TABLES
from fitfeed.schemas.storage import claim
from fitfeed.schemas.storage.place import Place
from fitfeed.schemas.storage.store import StorePlace
from fitfeed.schemas.tfds_info import TFDS_NAMES
from tests.beam_jobs.draw import draw
from tests.folders import contents
from tests.schemas.storage.places import memory_place
from tests.without_beam import convert

OPTIONS = ConvertOptions(shards=2)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return draw(tmp_path / "photos", range(6))


@pytest.fixture
def place() -> Place:
    return memory_place()


def stored(place: Place) -> dict[str, bytes]:
    """Every file below a place, but the tables beside a dataset that are not a part of it."""
    return {
        found.name: place.read(found.name, at_most=found.bytes)[0]
        for found in place.files(deep=True)
        if found.name not in SIDE_TABLES
    }


@pytest.mark.parametrize(
    "options",
    [
        OPTIONS,
        ConvertOptions(shards=2, format="hdf5", encoding="raw", size=(4, 4)),
        ConvertOptions(shards=3, duplicates="drop"),
    ],
    ids=["keep", "hdf5", "drop"],
)
def test_it_has_the_bytes_of_one_in_a_folder(
    photos: Path, place: Place, tmp_path: Path, options: ConvertOptions
) -> None:
    (photos / "cat" / "copy.png").write_bytes((photos / "cat" / "0.png").read_bytes())
    (photos / "cat" / "bad.png").write_bytes(b"no picture")
    given: dict[str, Any] = {"max_bad": 1, "allow_leaks": True}
    dry = plan_conversion(photos, str(place), options, **given)
    assert (str(dry.dataset), dry.up_to_date) == (str(place), False)
    assert stored(place) == {}
    first = convert(photos, str(place), options, **given)
    convert(photos, tmp_path / "dataset", options, **given)
    assert stored(place) == contents(tmp_path / "dataset")
    assert first.manifest == read_manifest(str(place))
    assert convert(photos, str(place), options, **given).up_to_date
    report = verify_dataset(str(place))
    assert report.ok
    with_tfds = TFDS_NAMES if first.manifest.format == "tfrecord" else ()
    assert {table.file for table in report.beside} == {*SIDE_TABLES, *with_tfds}


def test_it_is_replaced_and_appended_to(photos: Path, place: Place, tmp_path: Path) -> None:
    dataset = tmp_path / "dataset"
    smaller = ConvertOptions(shards=1, size=(3, 3))
    for target in (place, dataset):
        address: Any = str(target)
        convert(photos, address, OPTIONS)
        with pytest.raises(
            UsageError, match=f"DATASET {address} is complete, but was made with other options"
        ):
            convert(photos, address, smaller)
        convert(photos, address, smaller, overwrite=True)
    assert stored(place) == contents(dataset)
    draw(photos, range(6, 9))
    for address in (str(place), dataset):
        assert convert(photos, address, append=True).added == {"train": 3}
    assert stored(place) == contents(dataset)
    assert verify_dataset(str(place)).ok


def test_a_training_reads_on_while_images_are_appended_and_not_when_they_are_replaced(
    photos: Path, place: Place
) -> None:
    convert(photos, str(place), OPTIONS)
    before = open_dataset(str(place)).records("train")
    expected = [before[row]["image"] for row in range(len(before))]
    opened = [open_dataset(str(place)).records("train") for _ in range(2)]
    _ = [records[0] for records in opened]  # the second shard is not opened yet
    draw(photos, range(6, 9))
    convert(photos, str(place), append=True)
    assert all(np.array_equal(opened[0][row]["image"], image) for row, image in enumerate(expected))
    convert(photos, str(place), ConvertOptions(shards=2, size=(3, 3)), overwrite=True)
    with pytest.raises(DamagedDatasetError, match="was replaced since it was opened"):
        _ = opened[1][len(expected) - 1]


def test_an_old_dataset_stays_whole_until_the_new_shards_are_staged(
    photos: Path, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    convert(photos, str(place), OPTIONS)
    before = stored(place)
    (photos / "cat" / "0.png").write_bytes((photos / "cat" / "2.png").read_bytes())
    refused = ConvertOptions(shards=2, duplicates="fail", size=(2, 2))
    with pytest.raises(DuplicateImagesError):
        convert(photos, str(place), refused, overwrite=True)
    assert {name: data for name, data in stored(place).items() if not name.startswith(".work/")} == before
    assert verify_dataset(str(place)).ok


class Died(BaseException):
    """What a killed process does after this: nothing."""


class Killed:
    """Lets the process of the test die at its n-th change of a store. It does nothing afterwards, but the thread of a claim."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left, self.dead, self.done = 0, False, 0
        for name in ("write", "write_if", "writing", "copy", "move", "delete", "delete_all"):
            monkeypatch.setattr(StorePlace, name, self._counted(getattr(StorePlace, name)))

    def _counted(self, change: Callable[..., Any]) -> Callable[..., Any]:
        def changed(*arguments: Any, **named: Any) -> Any:
            self.done += 1
            if self.dead or self.left == 1:
                self.dead = True
                raise Died
            self.left -= 1
            return change(*arguments, **named)

        return changed

    def at(self, number: int, work: Callable[[], object]) -> bool:
        """Whether the work was killed at that change; else it had fewer."""
        self.left, self.dead, self.done = number, False, 0
        try:
            work()
        except Died:
            return True
        finally:
            self.left, self.dead = 0, False
        return False


def every_moment(
    killed: Killed, begin: Callable[[Place], object], work: Callable[[Place], ConversionResult], step: int
) -> Iterator[tuple[Place, bool]]:
    """Places in which work was killed at each of its moments, and done again; and whether all had been done before."""
    moment, was_killed = 1, True
    while was_killed:
        place = memory_place()
        begin(place)
        was_killed = killed.at(moment, lambda place=place: work(place))  # type: ignore[misc]
        again = work(place) if was_killed else None
        yield place, again is not None and again.up_to_date
        moment += step
    assert moment > 20


def ways(
    photos: Path, more: Path
) -> dict[str, tuple[Callable[[Any], object], Callable[[Any], ConversionResult]]]:
    """What is there before, and what is done then."""
    again = ConvertOptions(shards=3, size=(3, 3), duplicates="drop")
    return {
        "new": (lambda target: None, lambda target: convert(photos, target, OPTIONS)),
        "drop": (lambda target: None, lambda target: convert(photos, target, again)),
        "overwrite": (
            lambda target: convert(photos, target, OPTIONS),
            lambda target: convert(photos, target, again, overwrite=True),
        ),
        "append": (
            lambda target: convert(photos, target, OPTIONS),
            lambda target: convert(more, target, append=True),
        ),
    }


@pytest.mark.parametrize(
    ("way", "step"),
    [
        ("new", 9),
        *(pytest.param(way, 1, marks=pytest.mark.slow) for way in ("new", "drop", "overwrite", "append")),
    ],
)
@pytest.mark.usefixtures("dead_at_once")
def test_killed_at_any_moment_it_continues(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, step: int
) -> None:
    (photos / "cat" / "copy.png").write_bytes((photos / "cat" / "0.png").read_bytes())
    more = draw(draw(tmp_path / "more" / "photos", range(6)), range(6, 9))
    (more / "cat" / "copy.png").write_bytes((photos / "cat" / "0.png").read_bytes())
    begin, work = ways(photos, more)[way]
    dataset = tmp_path / "dataset"
    begin(dataset)
    work(dataset)
    expected = contents(dataset)
    killed = Killed(monkeypatch)
    moments = every_moment(killed, lambda place: begin(str(place)), lambda place: work(str(place)), step)
    for place, was_done in moments:
        found = stored(place)
        if was_done:  # it was killed while it cleaned up
            found = {name: data for name, data in found.items() if not name.startswith(".work/")}
        assert found == expected


def test_another_conversion_is_running(photos: Path, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claim, "REFRESH_S", 0.05)
    monkeypatch.setattr(claim, "POLL_S", 0.05)
    with (
        open_staging(place),
        pytest.raises(UsageError, match=f"another conversion into {place} is running .*process"),
    ):
        convert(photos, str(place), OPTIONS)
    assert convert(photos, str(place), OPTIONS).manifest.splits["train"].examples == 6
    assert ".work/lock" not in stored(place)


@pytest.mark.usefixtures("dead_at_once")
def test_of_two_that_publish_one_wins(photos: Path, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first is taken for dead, when all of its shards are written, and goes on when the second has published."""
    other = ConvertOptions(shards=2, size=(3, 3))
    commit = Staging.commit_new

    def late(self: Staging, *arguments: Any, **named: Any) -> None:
        monkeypatch.setattr(Staging, "commit_new", commit)
        convert(photos, str(place), other)
        commit(self, *arguments, **named)

    monkeypatch.setattr(Staging, "commit_new", late)
    with pytest.raises(OvertakenError) as caught:
        convert(photos, str(place), OPTIONS)
    assert caught.value.exit_status == 7
    assert read_manifest(str(place)).options["size"] == [3, 3]
    assert verify_dataset(str(place)).ok


@pytest.mark.usefixtures("dead_at_once")
def test_a_late_shard_replaces_nothing(photos: Path, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    other = ConvertOptions(shards=2, size=(3, 3))
    read = WorkFolder.read_quarantined

    def late(self: WorkFolder, *arguments: Any) -> Any:  # it has read its plan by then
        monkeypatch.setattr(WorkFolder, "read_quarantined", read)
        convert(photos, str(place), other)
        return read(self, *arguments)

    monkeypatch.setattr(WorkFolder, "read_quarantined", late)
    with pytest.raises(OvertakenError, match="another launch has begun"):
        convert(photos, str(place), OPTIONS)
    assert verify_dataset(str(place)).ok


def test_a_shard_that_an_engine_writes_twice_does_no_harm(
    photos: Path, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = Staging.commit_new

    def late(self: Staging, *arguments: Any, **named: Any) -> None:
        for found in list(place.files()):
            place.write(found.name, place.read(found.name, at_most=found.bytes)[0])
        commit(self, *arguments, **named)

    monkeypatch.setattr(Staging, "commit_new", late)
    convert(photos, str(place), OPTIONS)
    assert verify_dataset(str(place)).ok


@pytest.mark.parametrize("append", [False, True], ids=["new", "append"])
def test_a_shard_that_a_frozen_worker_replaces_is_noticed(
    photos: Path, place: Place, monkeypatch: pytest.MonkeyPatch, append: bool
) -> None:
    """It has the size of the one that it replaces, and comes after all shards were compared."""
    if append:
        convert(photos, str(place), OPTIONS)
        draw(photos, range(6, 9))
    name = "commit_append" if append else "commit_new"
    commit, shard = getattr(Staging, name), f"train-0000{2 * append}-of-0000{2 + append}.tfrecord"

    def late(self: Staging, *arguments: Any, **named: Any) -> None:
        data, _ = place.read(shard, at_most=1 << 20)
        place.write(shard, bytes(len(data)))
        commit(self, *arguments, **named)

    monkeypatch.setattr(Staging, name, late)
    given: dict[str, Any] = {"append": True} if append else {"options": OPTIONS}
    with pytest.raises(OvertakenError):
        convert(photos, str(place), **given)
    monkeypatch.setattr(Staging, name, commit)
    convert(photos, str(place), **given)
    assert verify_dataset(str(place)).ok


def test_what_was_copied_into_a_bucket_is_begun_anew(
    photos: Path, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As what was unpacked into a folder: the store says when it was put, and no client can choose that."""
    (photos / "cat" / "bad.png").write_bytes(b"no picture")
    for kept in (place, memory_place()):
        with pytest.raises(TooManyRejectsError):
            convert(photos, str(kept), OPTIONS)
        if kept is place:
            assert convert(photos, str(kept), OPTIONS, max_bad=1).reused_shards == 2
        else:
            for name, data in stored(kept).items():
                kept.write(name, data)
            assert convert(photos, str(kept), OPTIONS, max_bad=1).reused_shards == 0
        assert verify_dataset(str(kept)).ok


def test_too_little_room(photos: Path, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda folder: type("Usage", (), {"free": 10}))
    with pytest.raises(UsageError, match=r"1 workers that takes about .* MiB in .* set TMPDIR"):
        plan_conversion(photos, str(place), OPTIONS, workers=1)
    assert not plan_conversion(photos, tmp_path / "dataset", OPTIONS).up_to_date


def test_somebody_elses_files(photos: Path, place: Place) -> None:
    place.write("thesis.doc", b"x")
    with pytest.raises(UsageError, match="other files in it"):
        convert(photos, str(place), OPTIONS)
    with pytest.raises(UsageError, match="is a file"):
        convert(photos, f"{place}/thesis.doc", OPTIONS)
    with pytest.raises(UsageError, match="must not contain each other"):
        plan_conversion(str(place), f"{place}/dataset", OPTIONS)
    assert stored(place) == {"thesis.doc": b"x"}


def test_damage_is_named_by_its_address(photos: Path, place: Place) -> None:
    convert(photos, str(place), OPTIONS)
    name = read_manifest(str(place)).splits["train"].shards[1].file
    data, _ = place.read(name, at_most=1 << 20)
    place.write(name, data[:-1] + b"\0")
    place.delete("rejects.jsonl")
    kinds = {finding.file: finding for finding in verify_dataset(str(place)).findings}
    assert kinds[name].kind == "sha256" or "payload" in kinds[name].kind or kinds[name].kind == "record"
    assert kinds["rejects.jsonl"].kind == "missing"
    assert f"{place}/rejects.jsonl is missing" in kinds["rejects.jsonl"].detail
    place.delete(MANIFEST_NAME)
    (finding,) = verify_dataset(str(place)).findings
    assert finding.kind == "manifest"
    assert str(place) in finding.detail
