"""What version 2 of the format is with labels of every kind: made once, read for ever by anything, and still made so."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf

from fitfeed.converters.option_parts.storage import Format
from fitfeed.converters.verify import verify_dataset
from fitfeed.pipelines import open_dataset
from fitfeed.schemas.side_tables import SIDE_TABLES
from tests.golden.golden_folders import FORMATS
from tests.golden.regenerate_labels import (
    IMAGES,
    PROFILE_NAME,
    SOURCES,
    golden,
    image,
    make_source,
    mask,
    options,
)
from tests.without_beam import convert

FINDINGS, TAGS = ["2", "10"], ["no 0", "no 2", "no 4", "old"]
TEST = {1, 4}


def number_of(key: str) -> int:
    return int(key.removesuffix(".png"))


def tags_of(number: int) -> list[str]:
    return [] if number % 2 else [f"no {number}", "old"]


def content(format_: Format) -> Any:
    """The manifest, as anyone reads it."""
    return json.loads((golden(format_) / "manifest.json").read_text())


@pytest.mark.parametrize("format_", FORMATS)
def test_it_is_read(format_: Format) -> None:
    report = verify_dataset(golden(format_))
    assert report.ok
    assert [(table.file, table.damage) for table in report.beside] == [(name, None) for name in SIDE_TABLES]
    dataset = open_dataset(golden(format_))
    found = {
        name: [records[row] for row in range(len(records))]
        for name, records in ((name, dataset.records(name)) for name in dataset.splits)
    }
    assert {number_of(record["key"]) for record in found["test"]} == TEST
    assert len(found["train"]) == IMAGES - len(TEST)
    for record in [*found["train"], *found["test"]]:
        number = number_of(record["key"])
        assert np.array_equal(record["image"], image(number))
        assert np.array_equal(record["lesion"][:, :, 0], mask(number))
        assert (record["age"], record["size_mm"], record["note"]) == (
            40 + number,
            number / 3,
            f"No. {number} ü",
        )
        assert FINDINGS[record["finding"]] == ("10", "2")[number % 2]
        assert [TAGS[tag] for tag in record["tags"]] == tags_of(number)


def test_tensorflow_reads_it() -> None:
    features = {
        **{name: tf.io.FixedLenFeature([], tf.string) for name in ("image", "key", "note", "lesion")},
        **{name: tf.io.FixedLenFeature([], tf.int64) for name in ("finding", "age")},
        "size_mm": tf.io.FixedLenFeature([], tf.float32),
        "tags": tf.io.RaggedFeature(tf.int64),
    }
    names = sorted(map(str, golden("tfrecord").glob("*.tfrecord")))
    seen = set()
    for record in tf.data.TFRecordDataset(names):
        example = tf.io.parse_single_example(record, features)
        number = number_of(example["key"].numpy().decode())
        pixels = tf.reshape(tf.io.decode_raw(example["image"], tf.uint8), (3, 4, 3))
        lesion = tf.reshape(tf.io.decode_raw(example["lesion"], tf.uint8), (3, 4))
        assert np.array_equal(pixels, image(number))
        assert np.array_equal(lesion, mask(number))
        assert int(example["age"]) == 40 + number
        assert float(example["size_mm"]) == np.float32(number / 3)
        assert FINDINGS[int(example["finding"])] == ("10", "2")[number % 2]
        assert [TAGS[tag] for tag in example["tags"].numpy()] == tags_of(number)
        assert example["note"].numpy().decode() == f"No. {number} ü"
        seen.add(number)
    assert seen == set(range(IMAGES))


def test_h5py_reads_it() -> None:
    seen = set()
    for path in sorted(golden("hdf5").glob("*.h5")):
        with h5py.File(path) as file:
            tags, notes = file["tags_offset"][:], file["note_offset"][:]
            for i, key in enumerate(file["key"].asstr()[:]):
                number = number_of(key)
                assert np.array_equal(file["image"][i], image(number))
                assert np.array_equal(file["lesion"][i][:, :, 0], mask(number))
                assert (file["age"][i], file["size_mm"][i]) == (40 + number, number / 3)
                assert [TAGS[tag] for tag in file["tags"][tags[i] : tags[i + 1]]] == tags_of(number)
                note = file["note"][notes[i] : notes[i + 1]].tobytes().decode()
                assert note == f"No. {number} ü"
                seen.add(number)
    assert seen == set(range(IMAGES))


@pytest.mark.parametrize("format_", FORMATS)
def test_pyarrow_reads_what_the_index_says(format_: Format) -> None:
    manifest = content(format_)
    seen = set()
    for name, split in manifest["splits"].items():
        rows = pa.ipc.open_file(str(golden(format_) / f"{name}.index.arrow")).read_all().to_pylist()
        assert len(rows) == split["examples"]
        for row in rows:
            number = number_of(row["key"])
            shard = (golden(format_) / split["shards"][row["shard"]]["file"]).read_bytes()
            assert shard[row["offset"] : row["offset"] + row["length"]] == image(number).tobytes()
            place = row["lesion_offset"]
            assert shard[place : place + row["lesion_length"]] == mask(number).tobytes()
            assert (row["height"], row["width"], row["source_height"], row["source_width"]) == (3, 4, 3, 4)
            assert (row["source"], row["orientation"], row["source_format"]) == (0, 1, "PNG")
            assert row["profile"] == (PROFILE_NAME if number == 2 else None)
            assert [TAGS[tag] for tag in row["tags"]] == tags_of(number)
            seen.add((number, row["pixel_digest"]))
    assert len(seen) == IMAGES
    assert len({digest for _, digest in seen}) == IMAGES - 1  # the last one has the pixels of the first


@pytest.mark.parametrize("format_", FORMATS)
def test_the_manifest_says_what_is_true(format_: Format) -> None:
    manifest = content(format_)
    assert manifest["format_version"] == 2
    for name, numbers in (("train", set(range(IMAGES)) - TEST), ("test", TEST)):
        values = np.concatenate([image(number).reshape(-1, 3) for number in numbers])
        counts = [np.bincount(channel, minlength=256).tolist() for channel in values.T]
        assert manifest["splits"][name]["histogram"] == counts
    train = np.concatenate([image(number).reshape(-1, 3) for number in set(range(IMAGES)) - TEST])
    assert manifest["statistics"]["mean"] == pytest.approx(train.mean(axis=0), rel=1e-12)
    values_of_masks, times = np.unique([mask(number) for number in range(IMAGES)], return_counts=True)
    features = manifest["features"]
    expected = dict(zip(map(str, values_of_masks.tolist()), times.tolist(), strict=True))
    assert features["lesion"]["values"] == expected
    assert (features["finding"]["class_names"], features["finding"]["class_order"]) == (FINDINGS, "number")
    assert (features["tags"]["class_names"], features["tags"]["class_order"]) == (TAGS, "text")
    assert manifest["profiles"] == {PROFILE_NAME: 1}
    assert (manifest["depths"], manifest["largest_value"]) == ({"8": IMAGES}, None)
    assert manifest["sources"] == [{"name": "source", "kind": "table", "uri": None}]
    assert manifest["duplicates"] == {"within": 1, "label_conflicts": 1, "across_splits": 0, "dropped": 0}
    assert manifest["rejects"] == {"not_an_image": 1}


@pytest.mark.parametrize("format_", FORMATS)
def test_pyarrow_reads_the_tables_beside_it(format_: Format) -> None:
    sources, duplicates = (pa.ipc.open_file(str(golden(format_) / name)).read_all() for name in SIDE_TABLES)
    assert sources.to_pydict() == SOURCES
    assert duplicates.to_pylist() == [
        {"key": "5.png", "of": "0.png", "kind": "label_conflict", "distance": 0}
    ]
    assert duplicates.schema.metadata[b"complete"] == b"true"


def without_arrow(folder: Path) -> Any:
    """The manifest, but for the indexes: their bytes may change with the Arrow library."""
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["fingerprint"]
    for split in manifest["splits"].values():
        del split["index"]
    return manifest


@pytest.mark.parametrize("format_", FORMATS)
def test_it_is_written_still(tmp_path: Path, format_: Format) -> None:
    make_source(tmp_path / "source")
    dataset = tmp_path / "dataset"
    convert(tmp_path / "source" / "table.csv", dataset, options(format_), max_bad=1)
    written, expected = without_arrow(dataset), without_arrow(golden(format_))
    if format_ == "hdf5":  # its bytes may change with the HDF5 library
        for manifest in (written, expected):
            for split in manifest["splits"].values():
                split["shards"] = [shard["examples"] for shard in split["shards"]]
                del split["bytes"]
    assert written == expected
    if format_ == "hdf5":
        return
    for path in golden(format_).glob("*.tfrecord"):
        assert (dataset / path.name).read_bytes() == path.read_bytes()
    for name in ("train", "test"):
        one, other = (
            pa.ipc.open_file(str(folder / f"{name}.index.arrow")).read_all()
            for folder in (dataset, golden(format_))
        )
        assert one.to_pylist() == other.to_pylist()
