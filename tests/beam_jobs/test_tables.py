"""Whole conversions by a table: what stock readers find in the dataset, and what stops one."""

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
import tensorflow as tf
from PIL import Image

from fitfeed import plan_conversion
from fitfeed.converters.options import ConvertOptions
from fitfeed.schemas.errors import SplitLeakError, TooManyRejectsError, UsageError
from fitfeed.schemas.manifest import Manifest, read_manifest
from tests.folders import contents
from tests.labelled import LAYOUTS, SPECIES, TAGS, Flower, make_source, options
from tests.without_beam import convert

Source = tuple[Path, list[Flower]]


def expected(flower: Flower, manifest: Manifest) -> dict[str, Any]:
    """What must be stored of a flower, masks apart."""
    return {
        "species": SPECIES.index(flower.labels["species"]),
        "tags": [TAGS.index(tag) for tag in flower.labels["tags"]],
        "height_cm": flower.labels["height_cm"],
        "petals": flower.labels["petals"],
        "note": flower.labels["note"],
    }


def expected_mask(flower: Flower, manifest: Manifest) -> npt.NDArray[np.uint8]:
    height, width, _ = manifest.features.image.shape
    if height is None or width is None:
        return flower.mask
    resized = Image.fromarray(flower.mask).resize((width, height), Image.Resampling.NEAREST)
    return np.asarray(resized)


def mask_of(payload: bytes, like: npt.NDArray[np.uint8], encoding: str) -> npt.NDArray[np.uint8]:
    if encoding == "raw":
        return np.frombuffer(payload, np.uint8).reshape(like.shape)
    return np.asarray(Image.open(io.BytesIO(payload)))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_manifest_and_index(labelled: Callable[[str], Path], flower_table: Source, layout: str) -> None:
    folder = labelled(layout)
    manifest, flowers = read_manifest(folder), {flower.path: flower for flower in flower_table[1]}
    assert manifest.class_names == SPECIES
    assert list(manifest.features.labels) == ["species", "tags", "height_cm", "petals", "région", "note"]
    assert {name: split.examples for name, split in manifest.splits.items()} == {"train": 18, "validation": 6}
    mask = manifest.features.labels["région"]
    assert mask.encoding == ("raw" if "raw" in layout else "png")  # type: ignore[union-attr]
    for name, split in manifest.splits.items():
        rows = pa.ipc.open_file(str(folder / split.index.file)).read_all().to_pylist()
        assert len(rows) == split.examples
        counts = np.bincount([row["species"] for row in rows], minlength=3).tolist()
        assert counts == split.class_counts
        for row in rows:
            flower = flowers[row["path"]]
            assert flower.split == name[:3] or flower.split == name
            wanted = expected(flower, manifest)
            assert {column: row[column] for column in wanted} == wanted
            shard = (folder / split.shards[row["shard"]].file).read_bytes()
            payload = shard[row["région_offset"] : row["région_offset"] + row["région_length"]]
            pixels = expected_mask(flower, manifest)
            np.testing.assert_array_equal(mask_of(payload, pixels, mask.encoding), pixels)  # type: ignore[union-attr]


@pytest.mark.parametrize("layout", ["tfrecord", "raw_tfrecord"])
def test_stock_tensorflow_reads_every_label(
    labelled: Callable[[str], Path], flower_table: Source, layout: str
) -> None:
    folder = labelled(layout)
    manifest, flowers = read_manifest(folder), {flower.path: flower for flower in flower_table[1]}
    features = {
        "key": tf.io.FixedLenFeature([], tf.string),
        "species": tf.io.FixedLenFeature([], tf.int64),
        "tags": tf.io.RaggedFeature(tf.int64),
        "height_cm": tf.io.FixedLenFeature([], tf.float32),
        "petals": tf.io.FixedLenFeature([], tf.int64),
        "région": tf.io.FixedLenFeature([], tf.string),
        "note": tf.io.FixedLenFeature([], tf.string),
    }
    records = tf.data.TFRecordDataset(sorted(map(str, folder.glob("*.tfrecord"))))
    read = [tf.io.parse_single_example(record, features) for record in records]
    assert len(read) == len(flowers)
    for example in read:
        flower = flowers[example["key"].numpy().decode()]
        wanted = expected(flower, manifest)
        assert example["species"].numpy() == wanted["species"]
        assert example["tags"].numpy().tolist() == wanted["tags"]
        assert example["height_cm"].numpy() == np.float32(wanted["height_cm"])
        assert example["petals"].numpy() == wanted["petals"]
        assert example["note"].numpy().decode() == wanted["note"]
        pixels = expected_mask(flower, manifest)
        encoding = "raw" if "raw" in layout else "png"
        np.testing.assert_array_equal(mask_of(example["région"].numpy(), pixels, encoding), pixels)


@pytest.mark.parametrize("layout", ["hdf5", "raw_hdf5"])
def test_h5py_reads_every_label(labelled: Callable[[str], Path], flower_table: Source, layout: str) -> None:
    folder = labelled(layout)
    manifest, flowers = read_manifest(folder), {flower.path: flower for flower in flower_table[1]}
    count = 0
    for path in sorted(folder.glob("*.h5")):
        with h5py.File(path) as file:
            tags, note = file["tags_offset"][:], file["note_offset"][:]
            for i, key in enumerate(file["key"].asstr()[:]):
                flower, count = flowers[key], count + 1
                wanted = expected(flower, manifest)
                for name in ("species", "height_cm", "petals"):
                    assert file[name][i] == wanted[name]
                assert file["tags"][tags[i] : tags[i + 1]].tolist() == wanted["tags"]
                assert file["note"][note[i] : note[i + 1]].tobytes().decode() == wanted["note"]
                pixels = expected_mask(flower, manifest)
                if "raw" in layout:
                    np.testing.assert_array_equal(file["région"][i, :, :, 0], pixels)
                else:
                    start = file["région_offset"][:]
                    payload = file["région"][start[i] : start[i + 1]].tobytes()
                    np.testing.assert_array_equal(mask_of(payload, pixels, "png"), pixels)
    assert count == len(flowers)


@pytest.mark.slow
def test_both_kinds_of_table_and_any_workers_give_the_same_bytes(
    flower_table: Source, labelled: Callable[[str], Path], tmp_path: Path
) -> None:
    source, _ = flower_table
    convert(source / "labels.jsonl", tmp_path / "lines", options("tfrecord"), workers=2)
    assert contents(tmp_path / "lines") == contents(labelled("tfrecord"))
    again = convert(source / "labels.csv", tmp_path / "lines", options("tfrecord"))
    assert again.up_to_date


def test_a_changed_label_or_mask_is_noticed(flower_table: Source, tmp_path: Path) -> None:
    source, dataset = tmp_path / "source", tmp_path / "dataset"
    source.mkdir()
    flowers = make_source(source)
    convert(source / "labels.csv", dataset, options("tfrecord"))
    rows = [json.loads(line) for line in (source / "labels.jsonl").read_text().splitlines()]
    rows[0]["note"] = "another"
    (source / "labels.jsonl").write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(UsageError, match="made with other labels, masks or splits of the same images"):
        convert(source / "labels.jsonl", dataset, options("tfrecord"))
    Image.fromarray(flowers[0].mask).resize((99, 99)).save(source / flowers[0].labels["région"])
    with pytest.raises(UsageError, match="made with other labels, masks or splits of the same images"):
        convert(source / "labels.csv", dataset, options("tfrecord"))
    other = ConvertOptions(label_columns=("species",), shards=2)
    with pytest.raises(UsageError, match=r"other options \(.*label_columns .*split_column set -> None"):
        convert(source / "labels.csv", dataset, other)


def test_masks_that_do_not_fit_are_rejected_with_their_picture(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    flowers = make_source(source)
    masks = [source / flower.labels["région"] for flower in flowers[:4]]
    masks[0].unlink()
    Image.fromarray(flowers[1].mask).resize((50, 50)).save(masks[1])
    Image.new("RGB", (17, 8)).save(masks[2])
    masks[3].write_bytes(masks[3].read_bytes()[:60])
    with pytest.raises(TooManyRejectsError, match=r"4 files were rejected"):
        convert(source / "labels.csv", tmp_path / "dataset", options("hdf5"))
    convert(source / "labels.csv", tmp_path / "dataset", options("hdf5"), max_bad=4)
    rejects = [json.loads(line) for line in (tmp_path / "dataset" / "rejects.jsonl").read_text().splitlines()]
    found = {reject["path"]: (reject["reason"], reject["detail"]) for reject in rejects}
    reasons = [found[flower.path][0] for flower in flowers[:4]]
    assert reasons[:3] == ["mask_missing", "mask_mismatch", "label_invalid"]
    assert reasons[3] in ("truncated", "corrupt")
    assert (
        "labels.csv, line 2: column 'région': 'regions/0.png' is not in SOURCE" in found[flowers[0].path][1]
    )
    assert (
        "its région, regions/1.png: it is 50 x 50 pixels, and its image 16 x 9" in found[flowers[1].path][1]
    )
    assert "mode RGB" in found[flowers[2].path][1]


def test_a_mask_that_vanishes_after_planning_is_missing(tmp_path: Path) -> None:
    from fitfeed.converters.reading.local_reader import LocalReader
    from fitfeed.converters.rejects import ImageError
    from fitfeed.converters.shards.step_times import StepTimes
    from fitfeed.converters.shards.write_shard import _make_mask
    from fitfeed.converters.source_file import SourceFile, SourceRoot

    root = SourceRoot(number=0, name="photos", kind="folder", folder=str(tmp_path))
    with (
        LocalReader(tmp_path).reading((), most=9) as read,
        pytest.raises(ImageError, match=r"its mask, gone\.png: the file was listed") as caught,
    ):
        _make_mask(read, SourceFile("gone.png", 1, 1), root, "mask", (2, 2), ConvertOptions(), StepTimes())
    assert caught.value.reason == "mask_missing"


def test_duplicates_with_masks_are_dropped_by_all_their_labels(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    rng = np.random.default_rng(0)
    rows = []
    for number in range(6):
        pixels = rng.integers(0, 256, (8, 8, 3), np.uint8)
        for copy in "ab":
            Image.fromarray(pixels).save(source / f"{number}{copy}.png")
            mask = np.full((8, 8), number + (copy == "b" and number == 5), np.uint8)
            Image.fromarray(mask).save(source / f"m{number}{copy}.png")
            rows.append(f"{number}{copy}.png,{number / 2},m{number}{copy}.png\n")
    (source / "labels.csv").write_text("path,size,region\n" + "".join(rows))
    for format_ in ("tfrecord", "hdf5"):
        dataset = tmp_path / format_
        given = ConvertOptions(
            format=format_,
            duplicates="drop",
            label_columns=("size:float", "region:mask"),
            shards=2,
        )
        conversion = convert(source / "labels.csv", dataset, given, max_bad=1)
        assert conversion.manifest.splits["train"].examples == 6
        assert conversion.manifest.rejects == {"label_conflict": 1}  # equal in all but the mask
        assert (conversion.manifest.class_names, conversion.manifest.splits["train"].class_counts) == ([], [])
        table = pa.ipc.open_file(str(dataset / "train.index.arrow")).read_all()
        for row in table.to_pylist():
            shard = (dataset / conversion.manifest.splits["train"].shards[row["shard"]].file).read_bytes()
            payload = shard[row["region_offset"] : row["region_offset"] + row["region_length"]]
            assert set(np.asarray(Image.open(io.BytesIO(payload))).ravel().tolist()) == {int(row["key"][0])}


@pytest.mark.slow
def test_the_sample_table(clothing: Path, tmp_path: Path) -> None:
    table = clothing / "labels.csv"
    given = ConvertOptions(size=(16, 16), split_column="split")
    with pytest.raises(TooManyRejectsError, match=r"8 files were rejected \(5 label_conflict, 3 vanished\)"):
        convert(clothing, tmp_path / "dataset", given, labels=table)
    conversion = convert(clothing, tmp_path / "dataset", given, labels=table, max_bad=8)
    assert conversion.reused_shards == sum(len(split.shards) for split in conversion.manifest.splits.values())
    assert conversion.manifest.rejects == {"label_conflict": 5, "vanished": 3}
    assert {name: split.examples for name, split in conversion.manifest.splits.items()} == {
        "train": 387, "validation": 63, "test": 66,
    }  # fmt: skip


def test_senders_of_the_sample_cross_splits(clothing: Path, tmp_path: Path) -> None:
    table, dataset = clothing / "labels.csv", tmp_path / "dataset"
    given = ConvertOptions(group="sender_id")
    message = r"(?s)'sender_id' that are in two splits: 27 of 144; nothing was.*leaks\.txt lists these images"
    with pytest.raises(SplitLeakError, match=message) as caught:
        convert(clothing, dataset, given, labels=table)
    assert [path.name for path in dataset.iterdir()] == [".work"]
    leave_out = tmp_path / "leaks.txt"
    shutil.copyfile(caught.value.details["images_file"], leave_out)
    assert leave_out.read_text().splitlines() == caught.value.details["images"]
    planned = plan_conversion(clothing, dataset, given, labels=table, leave_out=leave_out)
    assert f"leaks.txt leaves out {len(caught.value.details['images'])} images" in str(planned.plan.warnings)


def test_a_dataset_may_stand_beside_its_table_but_not_above(flower_table: Source, tmp_path: Path) -> None:
    source = tmp_path / "home" / "source"
    source.mkdir(parents=True)
    make_source(source)
    assert convert(source / "labels.csv", source / "dataset", options("tfrecord")).files == 24
    with pytest.raises(UsageError, match="must not contain each other"):
        convert(source / "labels.csv", tmp_path / "home", options("tfrecord"))
