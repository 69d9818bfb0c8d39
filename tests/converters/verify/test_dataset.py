"""`verify_dataset`: whatever is damaged, missing, exchanged or edited is found and named."""

import errno
import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fitfeed.converters.verify import KINDS, Finding, Report, verify_dataset
from fitfeed.converters.verify import reading as reading_module
from fitfeed.converters.verify import report as report_module
from fitfeed.schemas.index import Index
from fitfeed.schemas.manifest import MANIFEST_NAME, REJECTS_NAME, read_manifest
from tests.converters.damage import Content, columns_of, edit_index, edit_manifest, ends_of, flip, reseal
from tests.folders import contents

TRAIN = "train.index.arrow"


def kinds(report: Report) -> set[tuple[str, str]]:
    assert all(finding.kind in KINDS for finding in report.findings)
    return {(finding.file, finding.kind) for finding in report.findings}


def first(report: Report, kind: str) -> Finding:
    return next(finding for finding in report.findings if finding.kind == kind)


def shard_names(folder: Path, split: str = "train") -> list[str]:
    return [shard.file for shard in read_manifest(folder).splits[split].shards]


class Counter:
    """Counts what it is told."""

    def __init__(self) -> None:
        self.total = self.read = 0

    def start(self, *, files: int, total_bytes: int) -> None:
        self.total = total_bytes

    def update(self, read_bytes: int) -> None:
        self.read += read_bytes


def test_a_whole_dataset_is_whole_and_read_once(dataset: Path) -> None:
    before, counter = contents(dataset), Counter()
    report = verify_dataset(dataset, progress=counter)
    assert report.ok
    manifest = read_manifest(dataset)
    assert report.fingerprint == manifest.fingerprint
    assert (report.files, report.examples) == (7, 24)
    sizes = sum(entry.bytes for entry in manifest.files())
    assert report.bytes == counter.read == counter.total == sizes
    assert contents(dataset) == before


@pytest.mark.slow
def test_real_photographs_are_whole(dataset_tfrecord: Path, dataset_hdf5: Path) -> None:
    assert verify_dataset(dataset_tfrecord).ok
    assert verify_dataset(dataset_hdf5).ok


@pytest.mark.slow
def test_truncation(dataset: Path) -> None:
    chance = random.Random(3)
    for entry in read_manifest(dataset).files():
        path = dataset / entry.file
        whole = path.read_bytes()
        for length in {0, len(whole) - 1, *(chance.randrange(len(whole)) for _ in range(5))}:
            path.write_bytes(whole[:length])
            report = verify_dataset(dataset)
            assert {finding.file for finding in report.findings} == {entry.file}
            assert (entry.file, "truncated") in kinds(report)
            assert any(finding.offset == length for finding in report.findings)
        path.write_bytes(whole)


def test_truncation_names_the_first_example_that_is_lost(tfrecord: Path) -> None:
    index = Index(tfrecord / "validation.index.arrow")
    path = tfrecord / shard_names(tfrecord, "validation")[0]
    path.write_bytes(path.read_bytes()[: int(ends_of(index)[1])])
    found = [finding for finding in verify_dataset(tfrecord).findings if finding.example is not None]
    assert [(finding.example, finding.key) for finding in found] == [(1, index.key(1))]
    assert "2 examples are lost" in found[0].detail


def test_bytes_at_the_end(dataset: Path) -> None:
    for entry in read_manifest(dataset).files():
        path = dataset / entry.file
        whole = path.read_bytes()
        path.write_bytes(whole + b"more")
        report = verify_dataset(dataset)
        assert (entry.file, "appended") in kinds(report)
        assert {finding.file for finding in report.findings} == {entry.file}
        assert first(report, "appended").offset == len(whole)
        path.write_bytes(b"x" + whole[1:] + b"more")
        assert (entry.file, "size") in kinds(verify_dataset(dataset))
        path.write_bytes(whole)


def exchange(first_path: Path, second_path: Path) -> None:
    content = first_path.read_bytes()
    first_path.write_bytes(second_path.read_bytes())
    second_path.write_bytes(content)


def test_exchanged_files(dataset: Path) -> None:
    one, two = shard_names(dataset)
    exchange(dataset / one, dataset / two)
    report = verify_dataset(dataset)
    assert kinds(report) == {(one, "swapped"), (two, "swapped")}
    assert two in report.findings[0].detail
    exchange(dataset / one, dataset / two)
    exchange(dataset / TRAIN, dataset / "validation.index.arrow")
    assert {(TRAIN, "swapped"), ("validation.index.arrow", "swapped")} <= kinds(verify_dataset(dataset))


def test_missing_files(dataset: Path) -> None:
    for entry in read_manifest(dataset).files():
        (dataset / entry.file).rename(dataset / "away")
        assert kinds(verify_dataset(dataset)) == {(entry.file, "missing")}
        (dataset / "away").rename(dataset / entry.file)


def test_a_missing_manifest_is_damage_not_an_empty_folder(dataset: Path) -> None:
    (dataset / MANIFEST_NAME).unlink()
    report = verify_dataset(dataset)
    assert kinds(report) == {(MANIFEST_NAME, "manifest")}
    assert "not copied yet" in report.findings[0].detail


def test_without_its_index_a_shard_is_still_checked(tfrecord: Path) -> None:
    (tfrecord / TRAIN).unlink()
    shard = shard_names(tfrecord)[0]
    flip(tfrecord / shard, 100)
    report = verify_dataset(tfrecord)
    assert kinds(report) == {(TRAIN, "missing"), (shard, "sha256"), (shard, "record")}
    assert (first(report, "record").example, first(report, "record").offset) == (0, 0)
    flip(tfrecord / shard, 100)
    flip(tfrecord / shard, 3)
    assert (shard, "framing") in kinds(verify_dataset(tfrecord))


def test_extra_files(dataset: Path) -> None:
    extension = read_manifest(dataset).shard_extension
    for name in (f"train-00002-of-00003.{extension}", "test.index.arrow"):
        shutil.copy(dataset / TRAIN, dataset / name)
        assert kinds(verify_dataset(dataset)) == {(name, "extra")}
        (dataset / name).unlink()
    (dataset / "README.md").write_text("not ours")
    assert verify_dataset(dataset).ok


def test_an_unfinished_conversion_says_how_to_finish(tmp_path: Path) -> None:
    (tmp_path / ".work").mkdir()
    report = verify_dataset(tmp_path)
    assert kinds(report) == {(MANIFEST_NAME, "incomplete")}
    assert "Run the same `fitfeed convert` command again" in report.findings[0].detail


def places(content: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value in a JSON document."""
    yield path
    if isinstance(content, (dict, list)):
        items = content.items() if isinstance(content, dict) else enumerate(content)
        for key, value in items:
            yield from places(value, (*path, key))


def edited(value: Any) -> Any:
    """Another value of the same type, as like as can be."""
    if isinstance(value, bool) or value is None:
        return 1
    if isinstance(value, (int, float)):
        return value + 1
    if isinstance(value, str):
        return value + "0" if not value else value[:-1] + ("0" if value[-1] != "0" else "1")
    return [*value, 1] if isinstance(value, list) else {**value, "extra": 1}


def test_every_field_of_the_manifest(tfrecord: Path) -> None:
    original = (tfrecord / MANIFEST_NAME).read_text()
    everything = list(places(json.loads(original)))
    assert len(everything) > 100
    # Of the three histograms a few bins are enough.
    for place in (p for p in everything if "histogram" not in p or p[-1] in (0, 1, 255)):
        if not place or place == ("format_version",):
            continue

        def change(content: Content, place: tuple[Any, ...] = place) -> None:
            *way, last = place
            for key in way:
                content = content[key]
            content[last] = edited(content[last])

        edit_manifest(tfrecord, change)
        report = verify_dataset(tfrecord)
        assert kinds(report) == {(MANIFEST_NAME, "manifest")}, place
        (tfrecord / MANIFEST_NAME).write_text(original)


def test_the_text_of_the_manifest(tfrecord: Path) -> None:
    path = tfrecord / MANIFEST_NAME
    path.write_text(json.dumps(json.loads(path.read_text())))
    report = verify_dataset(tfrecord)
    assert kinds(report) == {(MANIFEST_NAME, "manifest")}
    assert report.findings[0].offset == 1


def count_elsewhere(content: Content) -> None:
    counts = content["splits"]["train"]["class_counts"]
    counts[0], counts[1] = counts[0] - 1, counts[1] + 1


def move_example(content: Content) -> None:
    one, two = content["splits"]["train"]["shards"]
    one["examples"], two["examples"] = one["examples"] - 1, two["examples"] + 1


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda c: c.update(ignored=2), "rejects"),
        (lambda c: c.update(rejects={}), "rejects"),
        (count_elsewhere, "index"),
        (move_example, "index"),
        (lambda c: c["splits"]["train"]["height"].update(p5=1), "index"),
        (lambda c: c["splits"]["validation"].update(width=None), "index"),
        (lambda c: c["features"]["image"].update(shape=[8, 8, 3]), "index"),
        (lambda c: c["splits"]["train"]["shards"][0].update(sha256="0" * 64), "sha256"),
        (lambda c: c["splits"]["train"]["shards"].reverse(), "index"),
    ],
)
def test_a_manifest_with_a_new_fingerprint(
    tfrecord: Path, change: Callable[[Content], object], kind: str
) -> None:
    reseal(tfrecord, change)
    assert kind in {finding.kind for finding in verify_dataset(tfrecord).findings}


@pytest.mark.parametrize("name", ["train", "validation"])
def test_histograms_count_the_pixels_of_their_split(tfrecord: Path, name: str) -> None:
    def change(content: Content) -> None:
        split = content["splits"][name]
        split["histogram"] = [[2 * count for count in bins] for bins in split["histogram"]]
        if name == "train":
            content["statistics"]["pixels"] *= 2

    reseal(tfrecord, change)
    index = f"{name}.index.arrow"
    assert kinds(verify_dataset(tfrecord)) == {(index, "statistics")}


EDITS = {
    "key": "another",
    "label": 1,
    "shard": 1,
    "offset": 7,
    "length": 9,
    "crc32c": 5,
    "height": 3,
    "width": 3,
}


@pytest.mark.slow
@pytest.mark.parametrize("column", EDITS)
@pytest.mark.parametrize("resealed", [False, True], ids=["edited", "resealed"])
def test_an_edited_index_that_is_valid_arrow(dataset: Path, column: str, *, resealed: bool) -> None:
    row = next(row for row, label in enumerate(Index(dataset / TRAIN).labels["label"]) if label == 0)
    edit_index(dataset / TRAIN, column, row, EDITS[column])
    if resealed:
        reseal(dataset)
    report = verify_dataset(dataset)
    files = {finding.file for finding in report.findings}
    # Where every SHA-256 is right, index and shard only contradict each other.
    assert files <= ({TRAIN, *shard_names(dataset)} if resealed else {TRAIN})
    assert any(finding.example == row for finding in report.findings)
    assert resealed or {kind for _, kind in kinds(report)} & {"sha256", "truncated", "appended", "size"}


def test_a_key_that_is_there_twice(dataset: Path) -> None:
    columns = columns_of(dataset / TRAIN)
    edit_index(dataset / "validation.index.arrow", "key", 2, columns["key"][4])
    reseal(dataset)
    twice = [finding for finding in verify_dataset(dataset).findings if "also that of" in finding.detail]
    assert [(finding.file, finding.example, finding.key) for finding in twice] == [
        ("validation.index.arrow", 2, columns["key"][4])
    ]


def test_rejects(tfrecord: Path) -> None:
    path = tfrecord / REJECTS_NAME
    original = path.read_text()
    path.write_text(original.replace("corrupt", "corrupd").replace("truncated", "truncates"))
    assert (REJECTS_NAME, "sha256") in kinds(verify_dataset(tfrecord))
    for changed in (
        original + original,
        original.replace('"reason"', '"cause"'),
        original + "{",
        "[" * 99999,
    ):
        path.write_text(changed)
        reseal(tfrecord)
        assert kinds(verify_dataset(tfrecord)) == {(REJECTS_NAME, "rejects")}


def test_a_header_that_is_damaged_hides_no_other_record(tfrecord: Path) -> None:
    shard = shard_names(tfrecord)[0]
    index = Index(tfrecord / TRAIN)
    start = int(ends_of(index)[2]) + 4  # of record 3; a checksum of 4 bytes follows the payload of 2
    flip(tfrecord / shard, start + 1)
    flip(tfrecord / shard, int(index.offset[5]))
    flip(tfrecord / shard, int(ends_of(index)[6]) + 1)
    found = {
        (finding.kind, finding.example, finding.offset)
        for finding in verify_dataset(tfrecord).findings
        if finding.example is not None
    }
    assert found == {
        ("framing", 3, start),
        ("payload", 5, int(index.offset[5])),
        ("record", 6, int(ends_of(index)[5]) + 4),
    }


def test_columns_of_hdf5_are_located(hdf5: Path) -> None:
    import h5py

    shard = shard_names(hdf5)[0]
    with h5py.File(hdf5 / shard, "r+") as file:
        file["label"][4] += 1
        file["key"][2] = b"other"
        place = file["label"].id.get_offset() + 4 * 8
    report = verify_dataset(hdf5)
    found = {(f.kind, f.example, f.detail.split(" is ")[0]) for f in report.findings if f.kind == "record"}
    assert found == {("record", 4, "its label"), ("record", 2, "its key")}
    assert place in {finding.offset for finding in report.findings}


def test_memory_damage_is_told_from_file_damage(tfrecord: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shard = read_manifest(tfrecord).splits["train"].shards[0]
    flip(tfrecord / shard.file, 100)
    assert "the same both times" in first(verify_dataset(tfrecord), "sha256").detail
    monkeypatch.setattr(reading_module, "sha256_from_disk", lambda path: shard.sha256)
    report = verify_dataset(tfrecord)
    assert kinds(report) == {(shard.file, "memory")}
    assert first(report, "memory").detail.startswith("its SHA-256 was wrong when it was first read")
    monkeypatch.setattr(reading_module, "sha256_from_disk", lambda path: "0" * 64)
    assert "different each time" in first(verify_dataset(tfrecord), "sha256").detail


def test_the_second_look_asks_the_disk(tfrecord: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    advice: list[int] = []
    monkeypatch.setattr("os.posix_fadvise", lambda *arguments: advice.append(arguments[3]))
    entry = read_manifest(tfrecord).splits["train"].index
    assert reading_module.sha256_from_disk(tfrecord / entry.file) == entry.sha256
    assert advice == [os.POSIX_FADV_DONTNEED]


def test_a_disk_that_refuses(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shard = shard_names(dataset)[1]
    read = reading_module.Reading.read

    def refuse(self: reading_module.Reading, length: int) -> bytes:
        if self.entry.file == shard and self.position > 500:
            raise OSError(errno.EIO, "Input/output error")
        return read(self, length)

    monkeypatch.setattr(reading_module.Reading, "read", refuse)
    report = verify_dataset(dataset)
    assert kinds(report) == {(shard, "unreadable")}
    assert (report.findings[0].offset or 0) > 500
    assert "Input/output error" in report.findings[0].detail


def test_findings_are_bounded(tfrecord: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_module, "FINDINGS_PER_FILE", 2)
    shard = shard_names(tfrecord)[0]
    for position in Index(tfrecord / TRAIN).offset[:5].tolist():
        flip(tfrecord / shard, position)
    report = verify_dataset(tfrecord)
    assert [finding.kind for finding in report.findings] == ["sha256", "payload", "more"]
    assert report.findings[-1].detail == "at least 4 more findings, left out"
