"""`sources.arrow` and `duplicates.arrow`: what they are good for, and that nothing depends on them."""

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fitfeed.cli import main
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.planning import source_listing
from fitfeed.converters.reading.local_reader import LocalReader
from fitfeed.converters.source_file import SourceFile
from fitfeed.converters.verify import verify_dataset
from fitfeed.schemas.errors import SplitLeakError, UsageError
from fitfeed.schemas.side_tables import DUPLICATES_NAME, SIDE_TABLES, SOURCES_NAME, read_pairs, read_sources
from fitfeed.schemas.storage.local import LocalPlace
from fitfeed.schemas.tfds_info import TFDS_NAMES
from tests.beam_jobs.growing import SMALL, come_in
from tests.deep import noise, png
from tests.without_beam import convert

OPTIONS = ConvertOptions(**SMALL)


@pytest.fixture(autouse=True)
def nothing_is_recent(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if all files had been written long ago."""
    monkeypatch.setattr(source_listing, "RECENT_NS", -(10**18))


def rewrite(path: Path) -> None:
    """Changes a byte, and nothing that `ls` shows."""
    status, data = path.stat(), bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def pairs(dataset: Path) -> set[tuple[object, ...]]:
    batch = read_pairs(LocalPlace(dataset)).batch
    rows = [tuple(row.values()) for row in batch.to_pylist()]
    assert len(set(rows)) == len(rows)
    return set(rows)


@pytest.mark.parametrize("deleted", [False, True])
def test_a_picture_rewritten_at_the_same_size_is_noticed(
    photos: Path, tmp_path: Path, *, deleted: bool
) -> None:
    dataset = tmp_path / "dataset"
    convert(photos, dataset, OPTIONS)
    picture = sorted(photos.glob("train/hat/*"))[0]
    rewrite(picture)
    if deleted:
        (dataset / SOURCES_NAME).unlink()
    key = picture.relative_to(photos)
    with pytest.raises(UsageError, match=rf"another content now \(1, for example {key}\).*--overwrite"):
        convert(photos, dataset, OPTIONS)
    with pytest.raises(UsageError, match=rf"{key}: as many bytes, but others"):
        convert(photos, dataset, append=True)
    rewrite(picture)  # back
    assert convert(photos, dataset, OPTIONS).up_to_date
    assert convert(photos, dataset, append=True).up_to_date


def test_files_that_were_only_touched_are_read_once(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = tmp_path / "dataset"
    convert(photos, dataset, OPTIONS)
    picture = sorted(photos.glob("train/hat/*"))[0]
    picture.touch()
    read: list[str] = []
    real = LocalReader.digest

    def reading(reader: LocalReader, file: SourceFile) -> bytes | None:
        read.append(str(photos / file.path))
        return real(reader, file)

    monkeypatch.setattr(LocalReader, "digest", reading)
    assert convert(photos, dataset, OPTIONS).up_to_date
    assert read == [str(picture)]
    assert convert(photos, dataset, OPTIONS).up_to_date
    assert convert(photos, dataset, append=True).up_to_date
    assert read == [str(picture)]


def test_a_rewritten_mask_is_noticed(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(png(noise(4, 4, 3, seed=number)))
        (tmp_path / f"{number}-mask.png").write_bytes(png((noise(4, 4, 1, seed=number) >> 8).astype("uint8")))
    rows = "".join(f"{number}.png,{number}-mask.png\n" for number in range(3))
    (tmp_path / "table.csv").write_text("path,lesion\n" + rows)
    options = ConvertOptions(label_columns=("lesion:mask",))
    dataset = tmp_path.parent / f"{tmp_path.name}-dataset"
    convert(tmp_path / "table.csv", dataset, options)
    assert convert(tmp_path / "table.csv", dataset, options).up_to_date
    assert read_sources(LocalPlace(dataset)).num_rows == 6
    rewrite(tmp_path / "1-mask.png")
    with pytest.raises(UsageError, match=r"another content now \(1, for example 1-mask\.png\)"):
        convert(tmp_path / "table.csv", dataset, options)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "deleted": lambda path: path.unlink(),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-30]),
    "empty": lambda path: path.write_bytes(b""),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_nothing_depends_on_them(
    photos: Path, small_dataset: Path, later: Path, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in SIDE_TABLES:
        DAMAGE[damage](small_dataset / name)
    assert main(["verify", str(small_dataset)]) == 0
    printed = capsys.readouterr().out
    assert ("is not a readable table of" in printed) == (damage != "deleted")
    assert "beside it features.json, dataset_info.json: known" in printed
    assert convert(photos, small_dataset, OPTIONS).up_to_date
    assert read_sources(LocalPlace(small_dataset)).num_rows == len(list(photos.glob("*/*/*")))
    come_in(later, photos)
    assert convert(photos, small_dataset, append=True).added == {"train": 6, "validation": 2}
    assert not read_pairs(LocalPlace(small_dataset)).complete  # those that were there before are unknown
    report = verify_dataset(small_dataset)
    assert report.ok
    assert [(table.file, table.damage) for table in report.beside] == [
        (SOURCES_NAME, None),
        (DUPLICATES_NAME, None),
        *((name, None) for name in TFDS_NAMES),
    ]
    assert main(["verify", str(small_dataset)]) == 0
    assert (
        "beside it sources.arrow, duplicates.arrow, features.json, dataset_info.json: known"
        in capsys.readouterr().out
    )


def test_pairs_are_listed_and_grow(photos: Path, tmp_path: Path) -> None:
    dataset = tmp_path / "dataset"
    first = sorted(photos.glob("train/hat/*"))[0]
    shutil.copyfile(first, first.with_name("zz copy.jpg"))
    convert(photos, dataset, OPTIONS)
    known = {("train/hat/zz copy.jpg", f"train/hat/{first.name}", "duplicate", 0)}
    assert pairs(dataset) == known
    shutil.copyfile(first, photos / "train" / "dress" / "zz hat.jpg")
    convert(photos, dataset, append=True)
    new = ("train/dress/zz hat.jpg", f"train/hat/{first.name}", "label_conflict", 0)
    assert pairs(dataset) == {*known, new}
    assert read_pairs(LocalPlace(dataset)).complete
    assert read_sources(LocalPlace(dataset)).num_rows == len(list(photos.glob("*/*/*")))
    convert(photos, dataset, OPTIONS, overwrite=True)
    assert read_sources(LocalPlace(dataset)).num_rows == len(list(photos.glob("*/*/*")))


def test_all_pairs_are_there_when_leaks_are_refused(photos: Path, tmp_path: Path) -> None:
    for path in sorted(photos.glob("train/hat/*")):
        shutil.copyfile(path, photos / "validation" / "hat" / f"zz {path.name}")
    with pytest.raises(SplitLeakError, match=r"pairs\.jsonl lists all pairs\.") as caught:
        convert(photos, tmp_path / "dataset", OPTIONS)
    named = re.search(r"(/\S+)/pairs\.jsonl", str(caught.value))
    assert named is not None
    found = pairs(Path(named[1]))
    assert sum(pair[2] == "split_leak" for pair in found) == 6
    lines = map(json.loads, (Path(named[1]) / "pairs.jsonl").read_text().splitlines())
    assert sorted((line["path"], line["of"], line["kind"], 0) for line in lines) == sorted(found)


def test_a_dataset_that_may_not_be_written_is_up_to_date(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = tmp_path / "dataset"
    convert(photos, dataset, OPTIONS)
    (dataset / SOURCES_NAME).unlink()

    def refused(*arguments: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(source_listing, "write_table", refused)
    assert convert(photos, dataset, OPTIONS).up_to_date
    assert not (dataset / SOURCES_NAME).exists()
