"""A dataset is a source, too: its examples, with their labels and splits, without the pictures it was made from."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fitfeed import open_dataset, plan_conversion
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.verify import verify_dataset
from fitfeed.schemas.errors import DamagedDatasetError, TooManyRejectsError, UsageError
from fitfeed.schemas.index import open_index, write_index
from fitfeed.schemas.manifest import Manifest, read_manifest
from tests.beam_jobs.test_sources_in_stores import content
from tests.converters.damage import columns_of, reseal
from tests.deep import png
from tests.labelled import COLUMNS, EVERY_KIND, LAYOUTS
from tests.schemas.storage.places import memory_place
from tests.without_beam import convert


def fill(folder: Path, count: int = 6, *, first: int = 0, side: int = 8) -> Path:
    """A few small PNGs in the classes `cat` and `dog`, in the splits `train` and `test`."""
    for number in range(first, first + count):
        path = (
            folder / ("test" if number % 3 == 2 else "train") / ("cat", "dog")[number % 2] / f"{number}.png"
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (side, side + 1, 3), np.uint8)
        path.write_bytes(png(pixels))
    return folder


def shards(manifest: Manifest) -> dict[str, list[tuple[str, str]]]:
    """Name and SHA-256 of each shard, by split."""
    return {
        name: [(each.file, each.sha256) for each in split.shards] for name, split in manifest.splits.items()
    }


def labels(dataset: Path) -> dict[str, dict[str, Any]]:
    """Key to all that an example has but its image."""
    opened, found = open_dataset(dataset), {}
    for split in opened.splits:
        records = opened.records(split)
        for number in range(len(records)):
            record = records[number]
            del record["image"]
            found[record["key"]] = {
                "split": split,
                **{name: np.asarray(value).tolist() for name, value in record.items()},
            }
    return found


def made_of(folder: Path, dataset: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """A dataset of some images, whose index of the training split somebody has changed, with all checksums."""
    convert(fill(folder), dataset)
    path = dataset / "train.index.arrow"
    columns = columns_of(path)
    change(columns)
    write_index(path, columns)
    reseal(dataset)
    return dataset


@pytest.mark.parametrize("layout", LAYOUTS)
def test_with_unchanged_options_it_has_the_same_bytes_and_every_label(
    labelled: Callable[[str], Path], tmp_path: Path, layout: str
) -> None:
    old, new = labelled(layout), tmp_path / "new"
    manifest = convert(old, new, {"shards": 2, **LAYOUTS[layout]}).manifest
    assert shards(manifest) == shards(read_manifest(old))
    assert labels(new) == labels(old)
    assert manifest.features == read_manifest(old).features
    assert manifest.statistics == read_manifest(old).statistics
    assert [source.kind for source in manifest.sources] == ["dataset"]
    assert verify_dataset(new).ok
    assert convert(old, new, {"shards": 2, **LAYOUTS[layout]}).up_to_date


@pytest.mark.parametrize("layout", LAYOUTS)
def test_one_in_a_store_gives_what_a_copy_of_it_gives(
    labelled: Callable[[str], Path], tmp_path: Path, layout: str
) -> None:
    old, place = tmp_path / "flowers", memory_place()  # called alike: names of sources are in the manifest
    shutil.copytree(labelled(layout), old)
    for path in old.iterdir():
        place.write(path.name, path.read_bytes())
    given: dict[str, Any] = {"shards": 2, **LAYOUTS[layout], "size": (6, 6)}
    for source, name in ((old, "local"), (str(place), "far")):
        convert(source, tmp_path / name, given)
    assert content(tmp_path / "far") == content(tmp_path / "local")
    for check_content in (False, True):
        assert convert(str(place), tmp_path / "far", given, check_content=check_content).up_to_date


def test_bits_and_channels_of_one_in_a_store_stay(tmp_path: Path) -> None:
    path = tmp_path / "photos" / "a" / "1.png"
    path.parent.mkdir(parents=True)
    path.write_bytes(png(np.random.default_rng(1).integers(0, 65_536, (6, 5, 1), np.uint16)))
    place = memory_place()
    convert(tmp_path / "photos", str(place), {"channels": 1, "depth": 16})
    image = convert(str(place), str(memory_place()), {"encoding": "png"}).manifest.features.image
    assert (image.channels, image.depth) == (1, 16)


@pytest.mark.parametrize("way", ["raw_tfrecord", "hdf5"])
def test_pixels_that_were_kept_become_what_they_would_have_become_at_once(
    labelled: Callable[[str], Path], flower_table: Any, tmp_path: Path, way: str
) -> None:
    given: dict[str, Any] = {"shards": 2, **LAYOUTS[way], "channels": 1}
    table: dict[str, Any] = {"label_columns": COLUMNS, "split_column": "set"}
    new = convert(labelled("tfrecord"), tmp_path / "new", given).manifest
    at_once = convert(flower_table[0] / "labels.csv", tmp_path / "at_once", {**given, **table}).manifest
    assert shards(new) == shards(at_once)
    assert new.features == at_once.features
    assert labels(tmp_path / "new") == labels(tmp_path / "at_once")


def test_jpeg_stays_as_it_is_also_if_it_was_made_from_something_else(tmp_path: Path) -> None:
    convert(fill(tmp_path / "photos", side=40), tmp_path / "old", {"encoding": "jpeg", "size": (20, 20)})
    convert(tmp_path / "old", tmp_path / "new", {"split": {"a": 0.5, "b": 0.5}})
    old, new = open_dataset(tmp_path / "old"), open_dataset(tmp_path / "new")
    payloads = [
        {records[i]["key"]: records.encoded(i) for i in range(len(records))}
        for records in (old.records(["train", "test"]), new.records(["a", "b"]))
    ]
    assert payloads[0] == payloads[1]
    split = new.manifest.splits["a"]
    index = open_index(tmp_path / "new", split.index.file, {"label": "class"})
    assert {index.source_format[row] for row in range(len(index))} == {"JPEG"}
    np.testing.assert_array_equal(index.source_bytes, index.length)


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
def test_bits_and_channels_stay_unless_others_are_asked_for(tmp_path: Path, raw: bool, channels: int) -> None:
    for number in range(3):
        path = tmp_path / "photos" / "a" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(np.random.default_rng(number).integers(0, 65_536, (6, 5, channels), np.uint16)))
    stored: dict[str, Any] = {"encoding": "raw", "size": (6, 5), "fit": "stretch"} if raw else {}
    old = convert(
        tmp_path / "photos", tmp_path / "old", {"depth": 16, "channels": channels, **stored}
    ).manifest
    new = convert(tmp_path / "old", tmp_path / "new", stored).manifest
    assert shards(new) == shards(old)
    assert (new.features.image.depth, new.features.image.channels) == (16, channels)
    eight = convert(tmp_path / "old", tmp_path / "8", {"depth": 8, "channels": 3}).manifest
    direct = convert(tmp_path / "photos", tmp_path / "direct", {"depth": 8, "channels": 3}).manifest
    assert (eight.features.image.depth, eight.statistics) == (8, direct.statistics)
    jpeg = convert(tmp_path / "old", tmp_path / "jpeg", {"encoding": "jpeg"}).manifest
    assert jpeg.features.image.depth == 8


def test_classes_keep_their_numbers_splits_their_names(tmp_path: Path) -> None:
    convert(fill(tmp_path / "photos"), tmp_path / "old", {"classes": ("dog", "cat", "fox")})
    same = convert(tmp_path / "old", tmp_path / "same").manifest
    assert same.class_names == ["dog", "cat", "fox"]
    assert {name: split.examples for name, split in same.splits.items()} == {"train": 4, "test": 2}
    text = convert(tmp_path / "old", tmp_path / "text", {"class_order": "text"}).manifest
    assert text.class_names == ["cat", "dog"]
    options = {"rename_classes": {"cat": "tiger"}, "drop_classes": ("fox",), "split": {"all": 1.0}}
    other = convert(tmp_path / "old", tmp_path / "other", options).manifest
    assert (other.class_names, list(other.splits)) == (["dog", "tiger"], ["all"])


def test_examples_are_chosen_by_their_keys_and_grouped_by_a_label(
    tmp_path: Path, labelled: Callable[[str], Path]
) -> None:
    convert(fill(tmp_path / "photos"), tmp_path / "old")
    (tmp_path / "out.txt").write_text("train/cat/0.png\n")
    chosen = convert(
        tmp_path / "old", tmp_path / "new", {"exclude": ("test/*",)}, leave_out=tmp_path / "out.txt"
    )
    assert sorted(labels(tmp_path / "new")) == ["train/cat/4.png", "train/dog/1.png", "train/dog/3.png"]
    assert chosen.manifest.ignored == 3
    divided = {"split": {"a": 0.5, "b": 0.5}, "group": "species"}
    grouped = labels_of_splits(convert(labelled("tfrecord"), tmp_path / "groups", divided).manifest)
    assert all(0 in counts for counts in zip(*grouped.values(), strict=True))
    bare = convert(tmp_path / "old", tmp_path / "bare", labels="none").manifest
    assert bare.features.labels == {}


def test_lists_divide_its_examples_anew(tmp_path: Path) -> None:
    convert(fill(tmp_path / "photos"), tmp_path / "old")
    held = tmp_path / "held.txt"
    held.write_text("train/cat/0.png\n3.png\nnone.png\n")
    made = convert(tmp_path / "old", tmp_path / "new", split_lists={"held": held}, max_bad=1)
    splits = {key: example["split"] for key, example in labels(tmp_path / "new").items()}
    assert {key for key, split in splits.items() if split == "held"} == {"train/cat/0.png", "train/dog/3.png"}
    assert sorted(splits.values()) == ["held"] * 2 + ["train"] * 4
    assert made.manifest.rejects == {"vanished": 1}
    with pytest.raises(UsageError, match="--split-list and --split contradict each other"):
        convert(tmp_path / "old", tmp_path / "no", {"split": {"a": 1.0}}, split_lists={"held": held})


def labels_of_splits(manifest: Manifest) -> dict[str, list[int]]:
    return {name: split.class_counts for name, split in manifest.splits.items()}


@pytest.mark.parametrize(
    ("options", "named", "message"),
    [
        ({"label_columns": ("a",)}, {}, "takes no --label-column"),
        ({"class_from": "parent"}, {}, "takes no --class-from"),
        ({"mask_from": "{stem}.png"}, {}, "takes no --mask-from"),
        ({}, {"labels": "t.csv"}, "takes no --labels"),
        ({}, {"table_encoding": "cp1252"}, "takes no --table-encoding"),
        ({"group": "patient"}, {}, "Those that can be groups are: label"),
    ],
)
def test_what_a_dataset_says_itself_is_not_asked(
    tmp_path: Path, options: dict[str, Any], named: dict[str, Any], message: str
) -> None:
    convert(fill(tmp_path / "photos"), tmp_path / "old")
    with pytest.raises(UsageError, match=message):
        plan_conversion(tmp_path / "old", tmp_path / "new", options, **named)


@pytest.mark.parametrize("format_", ["tfrecord", "hdf5"])
def test_damaged_examples_are_rejected_and_the_others_are_saved(tmp_path: Path, format_: str) -> None:
    convert(fill(tmp_path / "photos", 9), tmp_path / "old", {"format": format_})
    manifest = read_manifest(tmp_path / "old")
    train, test = (manifest.splits[name].shards[0].file for name in ("train", "test"))
    columns = columns_of(tmp_path / "old" / "train.index.arrow")
    data = bytearray((tmp_path / "old" / train).read_bytes())
    data[columns["offset"][1] + columns["length"][1] - 3] ^= 1
    (tmp_path / "old" / train).write_bytes(data[: columns["offset"][5] + 1])
    (tmp_path / "old" / test).unlink()
    with pytest.raises(TooManyRejectsError, match="--max-bad"):
        convert(tmp_path / "old", tmp_path / "new")
    saved = convert(tmp_path / "old", tmp_path / "new", max_bad=5).manifest
    assert saved.rejects == {"corrupt": 1, "truncated": 1, "vanished": 3}
    assert saved.splits["train"].examples == 4
    listed = {
        line["path"]: line["detail"]
        for line in map(json.loads, (tmp_path / "new" / "rejects.jsonl").read_text().splitlines())
    }
    assert (
        listed[columns["key"][1]]
        == f"its bytes in {train} are not those that were stored (the CRC-32C differs)"
    )
    assert listed[columns["key"][5]].startswith(f"its shard {train} ends after 1 of its ")
    assert verify_dataset(tmp_path / "new").ok


def test_a_damaged_raw_mask_or_image_of_another_length_is_refused(
    labelled: Callable[[str], Path], tmp_path: Path
) -> None:
    old = tmp_path / "old"
    shutil.copytree(labelled("raw_tfrecord"), old)
    columns = columns_of(old / "train.index.arrow")
    columns["région_length"][0] -= 1
    write_index(old / "train.index.arrow", columns, EVERY_KIND)  # type: ignore[arg-type]
    reseal(old)
    rejects = convert(old, tmp_path / "new", {"shards": 2, **LAYOUTS["raw_hdf5"]}, max_bad=1).manifest.rejects
    assert sum(rejects.values()) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda columns: columns["key"].__setitem__(0, columns["key"][1]), "occurs twice"),
        (lambda columns: columns["key"].__setitem__(0, ""), "is empty"),
        (lambda columns: columns["key"].__setitem__(0, "a\0b"), "is not text"),
        (lambda columns: columns["label"].__setitem__(0, 9), "is impossible"),
        (lambda columns: columns["offset"].__setitem__(0, 2**40), "is impossible"),
        (lambda columns: columns["length"].__setitem__(0, -1), "is impossible"),
    ],
)
def test_what_a_stranger_has_written_is_checked_before_it_is_used(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    old = made_of(tmp_path / "photos", tmp_path / "old", change)
    with pytest.raises(DamagedDatasetError, match=message):
        plan_conversion(old, tmp_path / "new")


def test_keys_and_shards_that_are_paths_lead_nowhere(tmp_path: Path) -> None:
    def climb(columns: dict[str, Any]) -> None:
        columns["key"][0] = "../../secret.png"

    old = made_of(tmp_path / "photos", tmp_path / "old", climb)
    Image.new("RGB", (3, 3)).save(tmp_path / "secret.png")
    convert(old, tmp_path / "new")
    assert "../../secret.png" in labels(tmp_path / "new")
    shard = old / read_manifest(old).splits["train"].shards[0].file
    shard.rename(tmp_path / "elsewhere")
    shard.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(TooManyRejectsError, match="vanished"):
        convert(old, tmp_path / "other")


def test_an_index_that_is_not_what_was_published_is_refused(tmp_path: Path) -> None:
    convert(fill(tmp_path / "photos"), tmp_path / "old")
    with (tmp_path / "old" / "train.index.arrow").open("ab") as stream:
        stream.write(b"x")
    with pytest.raises(DamagedDatasetError, match="is not what was published"):
        plan_conversion(tmp_path / "old", tmp_path / "new")


def test_a_dataset_that_has_changed_is_compared_by_content(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    convert(fill(tmp_path / "photos"), old)
    convert(old, new)
    shutil.copytree(old, tmp_path / "moved")
    again = convert({"old": tmp_path / "moved"}, new)
    assert again.up_to_date
    assert again.comparison is not None
    assert again.comparison.contents == 6
    fill(tmp_path / "photos", 3, first=6)
    convert(tmp_path / "photos", old, append=True)
    with pytest.raises(UsageError, match="3 images are new"):
        convert(old, new)
    assert convert(old, new, append=True).added == {"train": 2, "test": 1}


def test_profiles_that_are_no_longer_there_are_named(tmp_path: Path) -> None:
    from tests.icc import DISPLAY_P3, matrix_profile

    path = tmp_path / "photos" / "a" / "1.png"
    path.parent.mkdir(parents=True)
    Image.new("RGB", (30, 30), (200, 10, 10)).save(path, icc_profile=matrix_profile(DISPLAY_P3, 2.2, "P3"))
    convert(tmp_path / "photos", tmp_path / "small", {"size": (8, 8)})
    convert(tmp_path / "photos", tmp_path / "kept")
    for name, count in (("small", 1), ("kept", 0)):
        planned = plan_conversion(tmp_path / name, tmp_path / "new", ConvertOptions(color="srgb"))
        assert sum("--color srgb cannot convert 1 images" in line for line in planned.plan.warnings) == count
    assert convert(tmp_path / "kept", tmp_path / "srgb", {"color": "srgb"}).manifest.statistics.mean != (
        read_manifest(tmp_path / "kept").statistics.mean
    )
