"""Folders that TensorFlow Datasets prepared are converted: every value is the one that TFDS itself reads."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.sources import tfds_source
from fitfeed.converters.sources.dataset_source import kept_options
from fitfeed.converters.sources.given_source import given_sources
from fitfeed.converters.sources.source_options import SourceOptions
from fitfeed.converters.sources.tfds_source import read_tfds_folder
from fitfeed.converters.verify import verify_dataset
from fitfeed.pipelines import open_dataset
from fitfeed.schemas.errors import DamagedDatasetError, TooManyRejectsError, UsageError
from fitfeed.schemas.tfrecord import read_record
from tests.converters.sources.prepared_by_tfds import (
    COUNTS,
    NAMES,
    PARTS,
    encoded,
    mask,
    numbers,
    pixels,
    prepare,
    prepare_others,
    tfds,
)
from tests.schemas.storage.places import memory_place
from tests.without_beam import convert


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare(tmp_path_factory.mktemp("tfds"))


@pytest.fixture
def copy(prepared: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(prepared, tmp_path / "animals"))


def read(folder: Path, reading: SourceOptions | None = None, **options: Any) -> Any:
    return read_tfds_folder(folder, ConvertOptions(**options), reading or SourceOptions())


def test_every_value_is_the_one_that_tfds_reads(prepared: Path, tmp_path: Path) -> None:
    folder = tmp_path / "dataset"
    result = convert(prepared, folder)
    assert result.warnings == ["features of 1.2.3 that no label can be made of are left out: 'box'"]
    dataset = open_dataset(folder)
    kinds = result.manifest.features.label_kinds
    assert kinds == {
        "label": "class",
        "eye": "floats",
        "file_name": "text",
        "nested_age": "int",
        "nested_seen": "int",
        "nested_weight": "float",
        "parts": "multiclass",
        "segmentation": "mask",
    }
    assert next(iter(kinds)) == "label"
    assert dataset.class_names == NAMES
    config = tfds.ReadConfig(add_tfds_id=True)
    builder = tfds.builder_from_directory(prepared)
    for split in COUNTS:
        theirs = {
            example["tfds_id"].decode(): example
            for example in tfds.as_numpy(builder.as_dataset(split=split, read_config=config))
        }
        records = dataset.records(split)
        assert len(records) == len(theirs) == COUNTS[split]
        for row in range(len(records)):
            ours, expected = records[row], theirs.pop(records[row]["key"])
            number = int(expected["file_name"].decode().split()[1].removesuffix(".jpg"))
            assert records.encoded(row) == encoded(number)  # byte for byte
            if number % 2:
                np.testing.assert_array_equal(ours["image"], pixels(number))
                np.testing.assert_array_equal(ours["image"], expected["image"])
            np.testing.assert_array_equal(ours["segmentation"], mask(number))
            assert (ours["label"], ours["file_name"]) == (number % 3, f"ü {number}.jpg")
            assert [PARTS[part] for part in ours["parts"]] == [PARTS[part] for part in expected["parts"]]
            assert (ours["nested_age"], ours["nested_seen"]) == (number - 4, number % 2)
            assert ours["nested_weight"] == expected["nested"]["weight"]
            np.testing.assert_array_equal(ours["eye"].astype(np.float32), expected["eye"])
    assert verify_dataset(folder).ok
    assert convert(prepared, folder).up_to_date


def test_there_and_back(prepared: Path, tmp_path: Path) -> None:
    convert(prepared, tmp_path / "dataset")
    builder = tfds.builder_from_directory(tmp_path / "dataset")
    assert builder.info.features["label"].names == NAMES
    read_back = tfds.as_numpy(builder.as_dataset(split="test"))
    found = {example["file_name"].decode(): example["segmentation"] for example in read_back}
    assert set(found) == {f"ü {number}.jpg" for number in numbers("test")}
    for number in numbers("test"):
        np.testing.assert_array_equal(found[f"ü {number}.jpg"], mask(number))


def test_ours_without_its_manifest_is_one_of_tfds(prepared: Path, tmp_path: Path) -> None:
    convert(prepared, tmp_path / "dataset")
    (tmp_path / "dataset" / "manifest.json").unlink()
    again = read(tmp_path / "dataset").example_table
    assert again.features["label"].class_names == NAMES
    assert len(again.files) == sum(COUNTS.values())


def test_options_mean_what_they_mean_for_datasets(prepared: Path, tmp_path: Path) -> None:
    one = read(prepared, exclude=("*__0",))
    assert len(one.example_table.files) == sum(COUNTS.values()) - 2
    assert read(prepared, group="file_name").example_table.groups[0].startswith("ü ")
    unlabeled = read(prepared, SourceOptions(labels="none"), group="label")
    assert (unlabeled.example_table.features, len(unlabeled.example_table.groups)) == ({}, 10)
    with pytest.raises(UsageError, match="is a dataset, which has its labels and splits already"):
        read(prepared, label_columns=("label",))
    divided = convert(prepared, tmp_path / "divided", ConvertOptions(split={"train": 0.5, "val": 0.5}))

    assert sum(split.examples for split in divided.manifest.splits.values()) == 10


def test_it_is_read_from_a_store(prepared: Path, tmp_path: Path) -> None:
    place = memory_place()
    for path in prepared.iterdir():
        place.write(path.name, path.read_bytes())
    far = convert(str(place), tmp_path / "far").manifest
    near = convert(prepared, tmp_path / "near").manifest
    assert far.splits["train"].shards == near.splits["train"].shards
    assert far.sources[0].kind == "dataset"


def test_16_bits_and_gray_stay(tmp_path: Path) -> None:
    deep = np.random.default_rng(0).integers(0, 65_536, (6, 5, 1), np.uint16)
    shown = {"image": tfds.features.Image(shape=(None, None, 1), dtype=np.uint16, encoding_format="png")}
    folder = prepare_others(tmp_path, shown, [{"image": deep}])
    assert kept_options(given_sources(folder), {}) == {"channels": 1, "depth": 16}
    convert(folder, tmp_path / "dataset")
    (record,) = (open_dataset(tmp_path / "dataset").records("train")[row] for row in range(1))
    np.testing.assert_array_equal(record["image"], deep)


def test_an_example_without_a_label_is_rejected(tmp_path: Path) -> None:
    shown = {"image": tfds.features.Image(), "label": tfds.features.ClassLabel(names=NAMES)}
    examples = [{"image": pixels(number), "label": number - 1} for number in range(3)]
    folder = prepare_others(tmp_path, shown, examples)
    with pytest.raises(TooManyRejectsError, match="its 'label' is -1, which says that it has none"):
        convert(folder, tmp_path / "dataset")
    convert(folder, tmp_path / "dataset", max_bad=1)
    assert len(open_dataset(tmp_path / "dataset").records("train")) == 2
    assert len(convert(folder, tmp_path / "all", labels="none").manifest.splits["train"].shards) == 1


def test_only_examples_that_are_taken_can_be_rejects(tmp_path: Path) -> None:
    shown = {"image": tfds.features.Image(), "label": tfds.features.ClassLabel(names=NAMES)}
    examples = [{"image": pixels(number), "label": number % 2 - 1} for number in range(4)]
    folder = prepare_others(tmp_path, shown, examples)
    (first, second) = sorted(reject.path for reject in read(folder).rejects)
    assert [reject.path for reject in read(folder, exclude=(first,)).rejects] == [second]
    assert read(folder, exclude=(first, second)).rejects == []
    assert read(folder, include=("*__[13]", second)).rejects[0].path == second


def test_reasons_are_given_where_no_example_is_left(tmp_path: Path) -> None:
    shown = {"image": tfds.features.Image(), "label": tfds.features.ClassLabel(names=NAMES)}
    folder = prepare_others(tmp_path, shown, [{"image": pixels(number), "label": -1} for number in range(2)])
    with pytest.raises(
        UsageError,
        match=r"none of its 2 examples has labels .*__0, for example: its 'label' is -1.*--labels none",
    ):
        read(folder)
    assert len(read(folder, SourceOptions(labels="none")).example_table.files) == 2


def test_large_records_are_read_one_at_a_time(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = "fitfeed.converters.sources.tfds_source"
    held: list[bool] = []

    def watched(*arguments: Any, **limits: Any) -> Any:
        held.append(tfds_source._one_large.locked())
        return read_record(*arguments, **limits)

    monkeypatch.setattr(f"{module}.read_record", watched)
    read(prepared)
    assert not any(held)
    monkeypatch.setattr(f"{module}.LARGE_RECORD_BYTES", 1)
    assert len(read(prepared).example_table.files) == sum(COUNTS.values())
    assert all(held[len(held) // 2 :])
    assert not tfds_source._one_large.locked()


def test_what_is_not_of_images_is_refused_with_a_way_on(tmp_path: Path) -> None:
    folder = prepare_others(tmp_path, {"text": tfds.features.Text()}, [{"text": "a"}])
    with pytest.raises(
        UsageError, match=r"have no image: text \(Text\)\. Write its images to a folder: docs"
    ):
        convert(folder, tmp_path / "dataset")


def test_damage_is_named(copy: Path) -> None:
    shard = next(copy.glob("*-train.tfrecord-*"))
    data = shard.read_bytes()
    for position in range(0, len(data), 997):
        damaged = bytearray(data)
        damaged[position] ^= 0x55
        shard.write_bytes(damaged)
        with pytest.raises(
            UsageError, match=rf"{shard.name} is not what TensorFlow Datasets wrote: .*Restore it"
        ):
            read(copy)
    shard.write_bytes(data[:-5])
    with pytest.raises(UsageError, match="the file ends inside it"):
        read(copy)
    shard.write_bytes(b"")
    with pytest.raises(UsageError, match=r"has 0 examples, and dataset_info\.json says 7"):
        read(copy)
    shard.unlink()
    with pytest.raises(DamagedDatasetError, match="is missing"):
        read(copy)


def test_a_record_that_is_no_example(copy: Path) -> None:
    from fitfeed.schemas.tfrecord import encode_example, frame

    shard = next(copy.glob("*-train.tfrecord-*"))
    for message in (b"\xff\xff\xff", encode_example(b"x", {})[0].replace(b"image", b"imagf"), b""):
        before, after = frame(message)
        shard.write_bytes(before + message + after)
        with pytest.raises(UsageError, match="is not what TensorFlow Datasets wrote: record 0"):
            read(copy)


def test_labels_that_cannot_be_used_are_rejects(copy: Path) -> None:
    from fitfeed.schemas.tfrecord import encode_example, frame

    shard = next(copy.glob("*-test.tfrecord-*"))
    whole: dict[str, Any] = {
        "label": 0,
        "file_name": b"x",
        "parts": [0],
        "nested/age": 1,
        "nested/seen": 0,
        "eye": [0.5, 1.0],
        "nested/weight": 0.5,
        "segmentation": b"y",
    }
    wrong: list[dict[str, Any]] = [
        {"label": 3},
        {"file_name": b"\xff"},
        {"eye": [0.5]},
        {"nested/weight": float("nan")},
    ]
    wrong += [{"parts": [2]}, {"nested/age": [1, 2]}]
    features_of = [{**whole, **change} for change in wrong]
    features_of += [
        {name: value for name, value in whole.items() if name != lost} for lost in ("label", "segmentation")
    ]
    records = b""
    for each in features_of:
        message = encode_example(b"image", each)[0]
        before, after = frame(message)
        records += before + message + after
    shard.write_bytes(records)
    info = copy / "dataset_info.json"
    info.write_text(info.read_text().replace('"3"', f'"{len(features_of)}"'))
    found = read(copy)
    details = [reject.detail for reject in found.rejects]
    assert details == [
        *("its 'label' is 3; there are 3 classes", "its 'file_name' is not UTF-8"),
        *("its 'eye' has 1 values instead of 2", "its 'nested_weight' is nan, not a finite number"),
        *("its 'parts' is 2; there are 2 classes", "its 'nested_age' has 2 values instead of 1"),
        *("it has no 'label'", "it has no mask 'segmentation'"),
    ]
