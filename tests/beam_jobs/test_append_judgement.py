"""Duplicates, leaks and rejects where images join a dataset."""

import shutil
from pathlib import Path

import pytest
from PIL import Image

from fitfeed.beam_jobs.result import ConversionResult
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.verify import verify_dataset
from fitfeed.schemas.errors import DuplicateImagesError, SplitLeakError, TooManyRejectsError
from fitfeed.schemas.manifest import Manifest, read_manifest
from tests.beam_jobs.growing import SMALL, come_in, rejects
from tests.folders import contents
from tests.without_beam import convert


def copies(manifest: Manifest) -> tuple[int, int, int, int]:
    found = manifest.duplicates
    return found.within, found.label_conflicts, found.across_splits, found.dropped


@pytest.fixture
def with_copies(photos: Path, small_dataset: Path, later: Path) -> Path:
    """Joins them later: a copy of a dress, as another format, and of a hat, under another label."""
    dress, hat = (sorted((photos / "train" / name).iterdir())[0] for name in ("dress", "hat"))
    Image.open(dress).save(later / "train" / "dress" / "same pixels.png")
    shutil.copyfile(hat, later / "train" / "pants" / "really a hat.jpg")
    return later


def test_copies_of_what_was_there(
    with_copies: Path, photos: Path, small_dataset: Path, tmp_path: Path
) -> None:
    conversion = convert(with_copies, small_dataset, append=True)
    assert copies(conversion.manifest) == (2, 1, 0, 0)
    dress, hat = (sorted((photos / "train" / name).iterdir())[0].name for name in ("dress", "hat"))
    assert {pair.paths: pair.kind for pair in conversion.duplicates} == {
        ("later/train/dress/same pixels.png", f"train/dress/{dress}"): "duplicate",
        ("later/train/pants/really a hat.jpg", f"train/hat/{hat}"): "label_conflict",
    }
    come_in(with_copies, photos)
    assert copies(convert(photos, tmp_path / "at_once", ConvertOptions(**SMALL)).manifest) == (2, 1, 0, 0)


def test_copies_of_what_was_there_are_dropped(photos: Path, later: Path, tmp_path: Path) -> None:
    dataset = tmp_path / "dataset"
    options = ConvertOptions(duplicates="drop", **SMALL)
    convert(photos, dataset, options)
    dress = sorted((photos / "train" / "dress").iterdir())[0]
    shutil.copyfile(dress, later / "train" / "dress" / "0 first by path.jpg")
    conversion = convert(later, dataset, append=True)
    assert conversion.added == {"train": 6, "validation": 2}
    assert copies(conversion.manifest) == (0, 0, 0, 1)
    assert rejects(dataset)["later/train/dress/0 first by path.jpg"] == "duplicate"
    assert verify_dataset(dataset).ok
    again = convert(later, dataset, append=True)  # looks at the dropped one again, to the same effect
    assert again.up_to_date
    assert not (dataset / ".work").exists()


def test_copies_may_be_refused(photos: Path, later: Path, tmp_path: Path) -> None:
    dataset = tmp_path / "dataset"
    convert(photos, dataset, ConvertOptions(duplicates="fail", **SMALL))
    before = contents(dataset)
    dress = sorted((photos / "train" / "dress").iterdir())[0]
    shutil.copyfile(dress, later / "train" / "dress" / "copy.jpg")
    with pytest.raises(DuplicateImagesError, match=r"train/dress/copy\.jpg = train/dress/"):
        convert(later, dataset, append=True)
    assert {name: data for name, data in contents(dataset).items() if not name.startswith(".work")} == before
    assert verify_dataset(dataset).ok


@pytest.mark.parametrize("joins", ["train", "validation"])
def test_a_leak_between_what_joins_and_what_was_there(
    photos: Path, later: Path, small_dataset: Path, joins: str
) -> None:
    other = {"train": "validation", "validation": "train"}[joins]
    hat = sorted((photos / other / "hat").iterdir())[-1]
    shutil.copyfile(hat, later / joins / "hat" / "leak.jpg")
    with pytest.raises(SplitLeakError, match=rf"{joins}/hat/leak\.jpg = {other}/hat/{hat.name}"):
        convert(later, small_dataset, append=True)
    assert read_manifest(small_dataset).splits["train"].examples == 12
    conversion = convert(later, small_dataset, append=True, allow_leaks=True)
    assert conversion.reused_shards == 2
    assert copies(conversion.manifest) == (0, 0, 1, 0)
    assert convert(later, small_dataset, append=True).up_to_date  # leaks that were accepted stay accepted


def test_rejected_files_are_tried_again(photos: Path, later: Path, tmp_path: Path) -> None:
    dataset = tmp_path / "dataset"
    for name in ("repaired", "still bad"):
        (photos / "train" / "hat" / f"{name}.jpg").write_bytes(b"\xff\xd8\xff")
    (photos / "loose.jpg").write_bytes(b"\xff\xd8\xff")
    convert(photos, dataset, ConvertOptions(**SMALL), max_bad=3)
    done = contents(dataset)
    again = convert(photos, dataset, append=True)  # tolerated before, so no --max-bad is needed
    assert again.up_to_date
    assert contents(dataset) == done

    Image.new("RGB", (20, 20), (1, 2, 3)).save(photos / "train" / "hat" / "repaired.jpg")
    (photos / "train" / "hat" / "new bad.png").touch()
    come_in(later, photos)
    with pytest.raises(TooManyRejectsError, match="1 files were rejected"):
        convert(photos, dataset, append=True)
    conversion = convert(photos, dataset, append=True, max_bad=1)
    assert conversion.added == {"train": 7, "validation": 2}
    assert rejects(dataset) == {
        "loose.jpg": "label_invalid",
        "train/hat/new bad.png": "empty_file",
        "train/hat/still bad.jpg": "corrupt",
    }
    assert conversion.manifest.rejects == {"corrupt": 1, "empty_file": 1, "label_invalid": 1}
    assert verify_dataset(dataset).ok


def test_only_bad_files_are_reported_without_a_shard(
    photos: Path, small_dataset: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad" / "train" / "ghost"
    bad.mkdir(parents=True)
    (bad / "a.jpg").write_bytes(b"\xff\xd8\xff")
    (tmp_path / "bad" / "loose.png").touch()
    before = read_manifest(small_dataset)
    with pytest.raises(TooManyRejectsError, match="2 files were rejected"):
        convert(tmp_path / "bad", small_dataset, append=True)
    conversion = convert(tmp_path / "bad", small_dataset, append=True, max_bad=2)
    assert conversion.added == {"train": 0, "validation": 0}
    assert conversion.manifest.splits == before.splits
    assert conversion.manifest.class_names == before.class_names
    assert conversion.manifest.rejects == {"corrupt": 1, "label_invalid": 1}
    assert verify_dataset(small_dataset).ok


def test_near_duplicates_are_looked_for_among_what_joins(
    photos: Path, later: Path, small_dataset: Path
) -> None:
    picture = sorted((later / "train" / "hat").iterdir())[0]
    Image.open(picture).save(later / "train" / "hat" / "again.jpg", quality=60)
    conversion: ConversionResult = convert(later, small_dataset, append=True)
    assert conversion.near_duplicates is not None
    assert conversion.near_duplicates.within == 1
