"""The same picture more than once: within a split, across splits, nearly."""

import dataclasses
import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from fitfeed.cli import main
from fitfeed.converters.images.decode import decode_image
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.verify import verify_dataset
from fitfeed.schemas.errors import DuplicateImagesError, SplitLeakError
from fitfeed.schemas.index import Index
from fitfeed.schemas.manifest import read_manifest
from tests.folders import contents, job_folder, path_of
from tests.without_beam import convert

DROP = ConvertOptions(duplicates="drop", shards=3)


@pytest.fixture
def photos(clothing: Path, tmp_path: Path) -> Path:
    """Train and validation photographs of three classes, among them copies within a split."""
    source = tmp_path / "photos"
    for split in ("train", "validation"):
        for name in ("dress", "hat", "pants"):
            (source / split / name).mkdir(parents=True)
            for path in sorted((clothing / split / name).iterdir())[:8]:
                shutil.copyfile(path, source / split / name / path.name)
    hats = sorted((source / "train" / "hat").iterdir())
    shutil.copyfile(hats[0], hats[0].with_name("zz exact copy.jpg"))
    Image.open(hats[1]).save(hats[1].with_name("zz as png.png"))
    Image.open(hats[2]).save(hats[2].with_name("zz again.jpg"), quality=60)
    dress = sorted((source / "validation" / "dress").iterdir())[0]
    shutil.copyfile(dress, dress.with_name("zz copy.jpg"))
    return source


@pytest.fixture
def without_copies(photos: Path, tmp_path: Path) -> Path:
    """The same without the exact copies."""
    source = tmp_path / "without"
    shutil.copytree(photos, source)
    for name in ("train/hat/zz exact copy.jpg", "train/hat/zz as png.png", "validation/dress/zz copy.jpg"):
        (source / name).unlink()
    return source


def rejects(dataset: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in (dataset / "rejects.jsonl").read_text().splitlines()]


def paths(dataset: Path) -> dict[str, list[str]]:
    indexes = {
        name: Index(dataset / split.index.file) for name, split in read_manifest(dataset).splits.items()
    }
    return {name: [index.path(row) for row in range(len(index))] for name, index in indexes.items()}


def test_copies_are_kept_and_counted(photos: Path, tmp_path: Path) -> None:
    conversion = convert(photos, tmp_path / "dataset")
    found = conversion.manifest.duplicates
    assert (found.within, found.label_conflicts, found.across_splits, found.dropped) == (3, 0, 0, 0)
    hats = sorted(f"train/hat/{path.name}" for path in (photos / "train" / "hat").glob("*-*.jpg"))
    pairs = {pair.paths[0]: pair.paths[1] for pair in conversion.duplicates}
    assert pairs["train/hat/zz exact copy.jpg"] == hats[0]
    assert pairs["train/hat/zz as png.png"] == hats[1]
    assert conversion.manifest.splits["train"].examples == 27
    near = conversion.near_duplicates
    assert near is not None
    assert (near.within, near.across_splits, near.exhaustive) == (1, 0, True)
    assert {"train/hat/zz again.jpg", hats[2]} == set(near.pairs[0].paths)
    again = convert(photos, tmp_path / "dataset")
    assert (again.duplicates, again.near_duplicates) == ([], None)
    assert again.manifest.duplicates == found


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"size": (64, 64), "channels": 1},
    ],
)
def test_dropping_leaves_what_never_having_had_them_would(
    photos: Path, without_copies: Path, tmp_path: Path, given: dict[str, Any]
) -> None:
    dropped = convert(photos, tmp_path / "dropped", ConvertOptions(duplicates="drop", **given)).manifest
    expected = convert(without_copies, tmp_path / "expected", ConvertOptions(**given)).manifest
    assert dropped.statistics == expected.statistics
    assert dropped.duplicates.dropped == 3
    assert dropped.ignored == 3
    for name, split in dropped.splits.items():
        assert split.class_counts == expected.splits[name].class_counts
        assert split.height == expected.splits[name].height
        # Not the same bytes only if the shards are cut elsewhere, which one shard per split is not.
        assert [shard.sha256 for shard in split.shards] == [
            shard.sha256 for shard in expected.splits[name].shards
        ]
    assert paths(tmp_path / "dropped") == paths(tmp_path / "expected")
    assert [(line["path"], line["reason"], line["handling"]) for line in rejects(tmp_path / "dropped")] == [
        ("train/hat/zz as png.png", "duplicate", "ignored"),
        ("train/hat/zz exact copy.jpg", "duplicate", "ignored"),
        ("validation/dress/zz copy.jpg", "duplicate", "ignored"),
    ]
    assert "has the same pixels as train/hat/" in rejects(tmp_path / "dropped")[0]["detail"]
    assert set(contents(tmp_path / "dropped")) == set(contents(tmp_path / "expected"))
    assert verify_dataset(tmp_path / "dropped").findings == ()


@pytest.mark.slow
@pytest.mark.parametrize("duplicates", ["keep", "drop"])
def test_same_bytes_with_any_number_of_workers_and_on_another_runner(
    photos: Path, tmp_path: Path, duplicates: Any
) -> None:
    options = ConvertOptions(duplicates=duplicates, shards=4)
    convert(photos, tmp_path / "here", options)  # one shard after the other
    convert(photos, tmp_path / "4", options, workers=4)
    convert(photos, tmp_path / "beam", options, runner="BundleBasedDirectRunner")
    assert contents(tmp_path / "here") == contents(tmp_path / "4") == contents(tmp_path / "beam")


def test_failing_and_then_deciding_takes_no_second_conversion(photos: Path, tmp_path: Path) -> None:
    dataset = tmp_path / "dataset"
    with pytest.raises(
        DuplicateImagesError, match=r"their split: 3 .*\n.*zz as png.png = train/hat/"
    ) as caught:
        convert(photos, dataset, ConvertOptions(duplicates="fail", shards=3))
    assert caught.value.exit_status == 2
    assert not (dataset / "manifest.json").exists()
    assert convert(photos, dataset, DROP).reused_shards == 6
    convert(photos, tmp_path / "reference", DROP)
    assert contents(dataset) == contents(tmp_path / "reference")


def _damage_shards(work: WorkFolder) -> None:
    for shard in path_of(work.shards).iterdir():
        data = bytearray(shard.read_bytes())
        data[len(data) // 2] ^= 1
        shard.write_bytes(data)


def test_a_shard_that_was_damaged_meanwhile_is_written_again(photos: Path, tmp_path: Path) -> None:
    one_shard = dataclasses.replace(DROP, shards=1)
    convert(photos, tmp_path / "reference", one_shard)
    with pytest.raises(DuplicateImagesError):
        convert(photos, tmp_path / "dataset", dataclasses.replace(one_shard, duplicates="fail"))
    _damage_shards(job_folder(tmp_path / "dataset"))
    assert convert(photos, tmp_path / "dataset", one_shard).reused_shards == 0
    assert contents(tmp_path / "dataset") == contents(tmp_path / "reference")


def test_a_leak_is_refused_and_can_be_accepted(photos: Path, tmp_path: Path) -> None:
    shutil.copyfile(
        next((photos / "train" / "pants").iterdir()), photos / "validation" / "pants" / "zz leak.jpg"
    )
    for duplicates in ("keep", "drop", "fail"):
        with pytest.raises(
            SplitLeakError, match=r"(?s)zz leak.jpg = train/pants/.*\n.*--allow-leaks"
        ) as caught:
            convert(photos, tmp_path / "dataset", ConvertOptions(duplicates=duplicates))
        assert "an image of another split: 1;" in str(caught.value)
    assert {path.name for path in (tmp_path / "dataset").iterdir()} == {".work"}
    conversion = convert(photos, tmp_path / "dataset", allow_leaks=True)
    assert conversion.reused_shards == 2
    assert conversion.manifest.duplicates.across_splits == 1
    assert conversion.duplicates[0].kind == "split_leak"


def test_a_leak_by_hash_split(clothing: Path, tmp_path: Path) -> None:
    (tmp_path / "photos" / "hat").mkdir(parents=True)
    original = next((clothing / "train" / "hat").iterdir()).read_bytes()
    for number in range(12):
        (tmp_path / "photos" / "hat" / f"{number}.jpg").write_bytes(original)
    options = ConvertOptions(split={"train": 0.5, "test": 0.5})
    with pytest.raises(SplitLeakError):
        convert(tmp_path / "photos", tmp_path / "dataset", options)


@pytest.mark.usefixtures("no_beam")
def test_hostile_duplicates_become_what_is_expected(
    nasty: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["convert", str(nasty / "duplicates"), str(tmp_path / "dataset")]
    assert main(arguments) == 4
    errors = capsys.readouterr().err
    assert "test/a/leak.jpg = train/a/first.jpg" in errors
    assert "Traceback" not in errors
    assert not (tmp_path / "dataset" / "manifest.json").exists()

    assert main([*arguments, "--allow-leaks", "--duplicates", "drop"]) == 3
    assert "train/b/conflict.jpg: label_conflict" in capsys.readouterr().err
    assert main([*arguments, "--allow-leaks", "--duplicates", "drop", "--max-bad", "1", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["rejects"] == {"label_conflict": 1}
    assert document["duplicates"] == {"within": 0, "label_conflicts": 0, "across_splits": 1, "dropped": 2}
    assert document["near_duplicates"]["across_splits"] == 1
    assert document["near_duplicates"]["pairs"][0]["paths"] == ["test/b/near.jpg", "train/b/original.jpg"]
    assert [(line["path"], line["reason"], line["handling"]) for line in rejects(tmp_path / "dataset")] == [
        ("train/a/second.jpg", "duplicate", "ignored"),
        ("train/b/conflict.jpg", "label_conflict", "rejected"),
    ]
    assert sorted(paths(tmp_path / "dataset")["train"]) == ["train/a/first.jpg", "train/b/original.jpg"]


@pytest.mark.usefixtures("no_beam")
def test_a_kept_label_conflict_is_warned_of(
    nasty: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["convert", str(nasty / "duplicates"), str(tmp_path / "dataset"), "--allow-leaks"]
    assert main(arguments) == 0
    summary = capsys.readouterr().out
    assert "duplicates 2 kept within a split" in summary
    assert "1 across splits, allowed by --allow-leaks" in summary
    assert "but with another label: 1\n  train/b/conflict.jpg = train/a/first.jpg" in summary
    assert "test/b/near.jpg ~ train/b/original.jpg" in summary
    assert main([*arguments, "--duplicates", "drop"]) == 2
    assert "duplicates keep -> drop" in capsys.readouterr().err


def test_png_pixels_equal_jpeg_pixels(clothing: Path, tmp_path: Path) -> None:
    """What this relies on: a PNG saved by Pillow from a JPEG holds the pixels that our decoder gives."""
    data = next((clothing / "train" / "hat").iterdir()).read_bytes()
    stream = io.BytesIO()
    Image.open(io.BytesIO(data)).save(stream, "PNG")
    one, other = (decode_image(each, ConvertOptions()).pixels for each in (data, stream.getvalue()))
    assert (one == other).all()
