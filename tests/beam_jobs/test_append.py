"""Images that join a complete dataset: what was there stays, and the whole is as if converted at once."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fitfeed.cli import main
from fitfeed.converters.option_parts.storage import Format
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.verify import verify_dataset
from fitfeed.pipelines import make_pipeline, open_dataset
from fitfeed.schemas.errors import (
    DamagedDatasetError,
    IncompleteDatasetError,
    NotFoundError,
    TooManyRejectsError,
    UsageError,
)
from fitfeed.schemas.index import Index
from fitfeed.schemas.manifest import read_manifest
from tests.beam_jobs.growing import SMALL, come_in
from tests.folders import contents, job_folder, path_of
from tests.without_beam import convert


def examples(dataset: Path) -> dict[str, list[tuple[str, int, int, bytes]]]:
    """Key, label, size of its file and digest of every example, by split, in stored order."""
    found = {}
    for name, split in read_manifest(dataset).splits.items():
        index = Index(dataset / split.index.file)
        found[name] = [
            (
                index.key(row),
                int(index.labels["label"][row]),
                int(index.source_bytes[row]),
                index.pixel_digest[row].tobytes(),
            )
            for row in range(len(index))
        ]
    return found


@pytest.mark.parametrize("format_", ["tfrecord", "hdf5"])
@pytest.mark.parametrize("options", [{}, SMALL, {"encoding": "raw", "size": (16, 16), "channels": 1}])
def test_the_whole_is_as_if_converted_at_once(
    photos: Path, later: Path, tmp_path: Path, format_: Format, options: dict[str, Any]
) -> None:
    chosen = ConvertOptions(format=format_, shards=2, **options)
    dataset = tmp_path / "dataset"
    convert(photos, dataset, chosen)
    before, rows = contents(dataset), examples(dataset)
    come_in(later, photos)
    conversion = convert(photos, dataset, append=True)
    assert conversion.added == {"train": 6, "validation": 2}
    assert not conversion.up_to_date
    assert conversion.new_classes == []

    after = contents(dataset)
    shards = {name for name in before if "-of-" in name}
    assert {name: after[name] for name in shards} == {name: before[name] for name in shards}
    for split, old in rows.items():
        assert examples(dataset)[split][: len(old)] == old  # and so all row numbers stay
    names = [shard.file.partition(".")[0] for shard in conversion.manifest.splits["train"].shards]
    assert names == ["train-00000-of-00002", "train-00001-of-00002", "train-00002-of-00003"]
    assert set(after) - set(before) == {
        f"{name}-00002-of-00003.{conversion.manifest.shard_extension}" for name in rows
    }
    assert verify_dataset(dataset).ok

    at_once = convert(photos, tmp_path / "at_once", chosen).manifest
    appended = conversion.manifest
    for name in (
        "statistics",
        "class_names",
        "rejects",
        "ignored",
        "duplicates",
        "options",
        "source",
        "features",
    ):
        assert getattr(appended, name) == getattr(at_once, name), name
    for name, whole in at_once.splits.items():
        same = ("examples", "class_counts", "height", "width", "histogram")
        assert [getattr(appended.splits[name], field) for field in same] == [
            getattr(whole, field) for field in same
        ]
        assert sorted(examples(dataset)[name]) == sorted(examples(tmp_path / "at_once")[name])
    assert convert(photos, dataset, chosen).up_to_date  # a plain conversion finds nothing to do either


@pytest.mark.parametrize("format_", ["tfrecord", "hdf5"])
def test_it_is_trained_on(photos: Path, later: Path, tmp_path: Path, format_: Format) -> None:
    dataset = tmp_path / "dataset"
    convert(photos, dataset, ConvertOptions(format=format_, shards=2, **SMALL))
    reader = open_dataset(dataset).records("train")
    first = reader[0]
    convert(later, dataset, append=True)
    assert len(reader) == 12  # who had the old one open goes on with it
    again = reader[0]
    assert again["key"] == first["key"]
    np.testing.assert_array_equal(again["image"], first["image"])

    records = open_dataset(dataset).records("train")
    assert len(records) == 18
    keys = {records[number]["key"] for number in range(18)}
    assert len(keys) == 18
    for access in ("indexed", "stream"):
        train = make_pipeline(
            dataset, "train", batch_size=6, image_size=(24, 24), output="dict", seed=3, access=access
        )
        seen = [key.decode() for batch in train for key in batch["key"].numpy()]
        assert sorted(seen) == sorted(keys)
    for number in range(18):
        path = next(
            folder / records[number]["key"]
            for folder in (photos, later.parent)
            if (folder / records[number]["key"]).exists()
        )
        assert records[number]["image"].shape[2] == 3
        assert records[number]["label"] == ["dress", "hat", "pants"].index(path.parent.name)


def test_from_another_folder_again_and_again(photos: Path, later: Path, tmp_path: Path) -> None:
    dataset = tmp_path / "dataset"
    convert(photos, dataset, ConvertOptions(**SMALL))
    assert convert(later, dataset, append=True).added == {"train": 6, "validation": 2}
    done = contents(dataset)
    again = convert(later, dataset, append=True)
    assert again.up_to_date
    assert contents(dataset) == done
    more = tmp_path / "more" / "train" / "hat"
    more.mkdir(parents=True)
    for number in range(2):
        Image.new("RGB", (9, 9), (number, 0, 99)).save(more / f"{number}.png")
    third = convert(tmp_path / "more", dataset, append=True)
    assert third.added == {"train": 2, "validation": 0}
    assert [shard.file for shard in third.manifest.splits["train"].shards][1:] == [
        "train-00001-of-00002.tfrecord",
        "train-00002-of-00003.tfrecord",
    ]
    for folder in (photos, later, tmp_path / "more"):
        assert convert(folder, dataset, append=True).up_to_date
    assert verify_dataset(dataset).ok


def test_hash_splits_stay_and_shards_may_be_chosen(clothing: Path, tmp_path: Path) -> None:
    source, dataset = tmp_path / "source", tmp_path / "dataset"
    shutil.copytree(clothing / "test" / "hat", source / "hat")
    options = ConvertOptions(split={"train": 0.5, "validation": 0.5}, **SMALL)
    convert(source, dataset, options)
    shutil.copytree(clothing / "test" / "pants", source / "pants")
    conversion = convert(source, dataset, ConvertOptions(shards=2, split=options.split, **SMALL), append=True)
    assert conversion.new_classes == ["pants"]
    assert {name: len(split.shards) for name, split in conversion.manifest.splits.items()} == {
        "train": 3,
        "validation": 3,
    }
    assert conversion.manifest.options["shards"] is None
    convert(source, tmp_path / "at_once", options)
    for name, rows in examples(tmp_path / "at_once").items():
        assert {row[0] for row in examples(dataset)[name]} == {row[0] for row in rows}


def test_new_classes_come_last_and_new_splits_too(photos: Path, clothing: Path, tmp_path: Path) -> None:
    dataset, more = tmp_path / "dataset", tmp_path / "more"
    convert(photos, dataset, ConvertOptions(**SMALL))
    before = examples(dataset)
    for name in ("zebra", "armour"):
        shutil.copytree(clothing / "test" / "hat", more / "test" / name)
    shutil.copytree(clothing / "test" / "hat", more / "test" / "hat")
    conversion = convert(more, dataset, append=True)
    assert conversion.manifest.class_names == ["dress", "hat", "pants", "armour", "zebra"]
    assert conversion.new_classes == ["armour", "zebra"]
    assert list(conversion.manifest.splits) == ["train", "validation", "test"]
    assert conversion.manifest.splits["train"].class_counts == [6, 6, 6, 0, 0]
    assert conversion.manifest.splits["test"].class_counts == [0, 5, 0, 5, 5]
    assert {name: rows for name, rows in examples(dataset).items() if name != "test"} == before
    assert verify_dataset(dataset).ok


def test_a_split_train_that_comes_later_is_what_the_statistics_describe(
    clothing: Path, tmp_path: Path
) -> None:
    source, dataset = tmp_path / "source", tmp_path / "dataset"
    shutil.copytree(clothing / "test" / "hat", source / "test" / "hat")
    assert convert(source, dataset, ConvertOptions(**SMALL)).manifest.statistics.split == "test"
    shutil.copytree(clothing / "test" / "pants", source / "test" / "pants")
    (source / "train" / "hat").mkdir(parents=True)
    (source / "train" / "hat" / "bad.jpg").write_bytes(b"\xff\xd8\xff")
    conversion = convert(source, dataset, append=True, max_bad=1)
    assert conversion.manifest.statistics.split == "test"  # nothing of train could be read
    assert conversion.manifest.statistics.images == 12
    shutil.copytree(clothing / "train" / "hat", source / "train" / "hat", dirs_exist_ok=True)
    conversion = convert(source, dataset, append=True)
    fresh = convert(source, tmp_path / "at_once", ConvertOptions(**SMALL), max_bad=1).manifest
    assert conversion.manifest.statistics == fresh.statistics
    assert conversion.manifest.statistics.split == "train"
    assert verify_dataset(dataset).ok


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda path: path.write_bytes(path.read_bytes() + b"\0"), r"bytes \d+, now \d+"),
        (Path.unlink, None),
    ],
)
def test_what_is_known_must_be_the_same(
    photos: Path, later: Path, tmp_path: Path, change: Callable[[Path], object], message: str | None
) -> None:
    dataset = tmp_path / "dataset"
    convert(photos, dataset, ConvertOptions(**SMALL))
    before = contents(dataset)
    come_in(later, photos)
    known = next(
        path for path in sorted(photos.glob("train/hat/*")) if not (later / path.relative_to(photos)).exists()
    )
    change(known)
    if message is None:  # an image that is gone from the source is no contradiction
        assert convert(photos, dataset, append=True).added == {"train": 6, "validation": 2}
        return
    with pytest.raises(
        UsageError, match=rf"1 files in SOURCE .*\n  train/hat/{known.name}: {message}\n.*--overwrite"
    ):
        convert(photos, dataset, append=True)
    assert contents(dataset) == before


def test_another_folder_with_the_same_names_is_another_source(photos: Path, tmp_path: Path) -> None:
    dataset, other = tmp_path / "dataset", tmp_path / "other" / "train" / "hat"
    convert(photos, dataset, ConvertOptions(**SMALL))
    other.mkdir(parents=True)
    name = sorted((photos / "train" / "hat").iterdir())[0].name
    Image.new("RGB", (8, 8)).save(other / name)
    with pytest.raises(UsageError, match="have the path of an example"):
        convert({"photos": tmp_path / "other"}, dataset, append=True)
    assert convert(tmp_path / "other", dataset, append=True).added == {"train": 1, "validation": 0}
    assert convert(tmp_path / "other", dataset, append=True).up_to_date


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"format": "hdf5"}, "--format hdf5 (it has tfrecord)"),
        ({"encoding": "jpeg"}, "--encoding jpeg (it has png)"),
        ({"size": (32, 16)}, "--size 32x16 (it has 24x24)"),
        ({"fit": "stretch"}, "--fit stretch (it has shorter)"),
        ({"quality": 50}, "--quality 50 (it has 90)"),
        ({"channels": 1}, "--channels 1 (it has 3)"),
        ({"background": (0, 0, 0)}, "--background 0,0,0 (it has 255,255,255)"),
        ({"frames": "reject"}, "--frames reject (it has first)"),
        ({"max_pixels": 9}, "--max-pixels 9 (it has 89478485)"),
        ({"split": {"train": 1.0}}, "--split train=1 (it has none)"),
        ({"class_from": "path"}, "--class-from path (it has first)"),
        ({"seed": 1}, "--seed 1 (it has 0)"),
        ({"duplicates": "drop"}, "--duplicates drop (it has keep)"),
    ],
)
def test_options_that_contradict_the_dataset(
    photos: Path, later: Path, small_dataset: Path, given: dict[str, Any], named: str
) -> None:
    with pytest.raises(UsageError) as caught:
        convert(later, small_dataset, ConvertOptions(**{**SMALL, **given}), append=True)
    assert f"made with other options: {named}. With --append leave them out" in str(caught.value)


def test_another_source_may_have_other_folders(tmp_path: Path, small_dataset: Path) -> None:
    for number, name in enumerate(("indoor/1.png", "outdoor/2.png", "outdoor/junk.png")):
        path = tmp_path / "more" / "hat" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (30, 30), (number, 9, 9)).save(path)
    with pytest.raises(UsageError, match=r"all images are below one folder, hat.*add --split-folders none"):
        convert(tmp_path / "more", small_dataset, append=True)
    free = ConvertOptions(**SMALL, split_folders={}, exclude=("junk*", "*/junk.*"))
    conversion = convert(tmp_path / "more", small_dataset, free, append=True)
    assert conversion.added == {"train": 2, "validation": 0}
    assert conversion.new_classes == []


@pytest.mark.usefixtures("no_beam")
def test_the_command(
    photos: Path, later: Path, small_dataset: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["convert", str(later), str(small_dataset), "--append"]
    assert main([*command, "--quality", "10"]) == 2
    assert "--quality 10 (it has 90)" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([*command, "--overwrite"])
    assert "not allowed with argument" in capsys.readouterr().err
    before = contents(small_dataset)
    assert main([*command, "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["splits"]["train"] == {
        "images": 6,
        "shards": 1,
        "class_counts": {"dress": 2, "hat": 2, "pants": 2},
    }
    assert contents(small_dataset) == before
    assert main([*command, "--size", "24", "--encoding", "png", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["added"] == {"train": 6, "validation": 2}
    assert document["new_classes"] == []
    assert document["splits"]["train"]["examples"] == 18
    assert main(command) == 0
    assert "up to date" in capsys.readouterr().out
    Image.new("RGB", (30, 30), (1, 2, 3)).save(later / "train" / "hat" / "new.png")
    (later / "train" / "armour").mkdir()
    Image.new("RGB", (30, 30), (1, 2, 5)).save(later / "train" / "armour" / "new.png")
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert "added      2 images (train 2)" in printed
    assert "new class  'armour' is label 3" in printed


def test_overwrite_and_append(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Give one of them"):
        convert(photos, tmp_path / "dataset", overwrite=True, append=True)


def test_there_must_be_a_whole_dataset(
    photos: Path, later: Path, small_dataset: Path, tmp_path: Path
) -> None:
    with pytest.raises(NotFoundError, match="does not exist"):
        convert(photos, tmp_path / "nothing", append=True)
    assert not (tmp_path / "nothing").exists()
    (tmp_path / "unfinished" / ".work").mkdir(parents=True)
    with pytest.raises(IncompleteDatasetError, match="unfinished conversion"):
        convert(photos, tmp_path / "unfinished", append=True)
    for name in ("train.index.arrow", "rejects.jsonl", "train-00000-of-00001.tfrecord"):
        broken = tmp_path / f"broken {name}"
        shutil.copytree(small_dataset, broken)
        with (broken / name).open("ab") as stream:
            stream.write(b"\n")
        with pytest.raises(DamagedDatasetError, match=name):
            convert(later, broken, append=True)


def test_an_unfinished_conversion_of_something_else_is_kept(
    photos: Path, later: Path, small_dataset: Path
) -> None:
    (photos / "train" / "hat" / "empty.png").touch()
    with pytest.raises(TooManyRejectsError):
        convert(photos, small_dataset, ConvertOptions(shards=3, **SMALL), overwrite=True)
    (photos / "train" / "hat" / "empty.png").unlink()
    assert convert(photos, small_dataset, append=True).up_to_date
    assert len(list(path_of(job_folder(small_dataset).shards).iterdir())) == 6
    assert convert(later, small_dataset, append=True).added == {"train": 6, "validation": 2}
    assert not (small_dataset / ".work").exists()
    assert verify_dataset(small_dataset).ok
