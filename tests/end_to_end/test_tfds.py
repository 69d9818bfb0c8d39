"""TensorFlow Datasets itself loads what we publish, and every value is that of our own reader."""

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from fitfeed.cli import main
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.verify import verify_dataset
from fitfeed.pipelines import open_dataset
from fitfeed.schemas.manifest import Manifest, read_manifest
from fitfeed.schemas.storage.local import LocalPlace
from fitfeed.schemas.storage.place import Place
from fitfeed.schemas.tfds_info import tfds_files
from tests.deep import noise, png
from tests.labelled import SPECIES, TAGS, make_source, options
from tests.schemas.storage.places import memory_place
from tests.without_beam import convert

tfds = pytest.importorskip("tensorflow_datasets", reason="tensorflow-datasets is not installed")

pytestmark = pytest.mark.filterwarnings(
    "ignore:label.. is deprecated:DeprecationWarning"
)  # protobuf, of TFDS

JSON_NAMES = ("features.json", "dataset_info.json")


def examples_of(folder: Path, split: str) -> dict[str, dict[str, Any]]:
    """What TFDS reads, by key."""
    read = tfds.as_numpy(tfds.builder_from_directory(folder).as_dataset(split=split))
    return {example["key"].decode(): example for example in read}


def draw(folder: Path, numbers: range, *, bits: int = 8, channels: int = 3) -> Path:
    """Pictures of two classes, whose pixels are known."""
    for number in numbers:
        pixels = noise(7, 5 + number % 2, channels, seed=number)
        path = folder / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(pixels if bits == 16 else (pixels >> 8).astype(np.uint8)))
    return folder


@pytest.mark.parametrize("layout", ["tfrecord", "raw_tfrecord"])
def test_every_kind_of_label_is_read(tmp_path: Path, layout: str) -> None:
    make_source(tmp_path / "source")
    folder = tmp_path / "dataset"
    convert(tmp_path / "source" / "labels.csv", folder, options(layout))
    builder = tfds.builder_from_directory(folder)
    features = builder.info.features
    assert (features["species"].names, features["tags"].feature.names) == (SPECIES, TAGS)
    dataset = open_dataset(folder)
    assert set(builder.info.splits) == set(dataset.splits)
    for split in dataset.splits:
        records = dataset.records(split)
        assert builder.info.splits[split].num_examples == len(records) > 0
        read = examples_of(folder, split)
        for ours in (records[number] for number in range(len(records))):
            theirs = read.pop(ours["key"])
            assert theirs["image"].dtype == ours["image"].dtype == np.uint8
            np.testing.assert_array_equal(theirs["image"], ours["image"])
            np.testing.assert_array_equal(theirs["région"], ours["région"])
            assert (theirs["species"], theirs["petals"]) == (ours["species"], ours["petals"])
            assert theirs["tags"].tolist() == ours["tags"].tolist()
            assert theirs["height_cm"] == np.float32(ours["height_cm"])
            assert theirs["note"].decode() == ours["note"]
            assert theirs["format"] == (b"raw" if layout.startswith("raw") else b"png")
            assert (theirs["height"], theirs["width"], theirs["channels"]) == ours["image"].shape
        assert read == {}
    image, label = next(iter(builder.as_dataset(split="train", as_supervised=True)))
    assert (image.dtype, label.dtype) == (tf.uint8, tf.int64)


def test_photographs_are_read_as_tensorflow_decodes_them(few_photos: Path, tmp_path: Path) -> None:
    for name, given in {"kept": {}, "small": {"size": (30, 20), "fit": "cover"}}.items():
        folder = tmp_path / name
        convert(few_photos, folder, ConvertOptions(**given))  # type: ignore[arg-type]
        records = open_dataset(folder).records("train")
        read = examples_of(folder, "train")
        for number in range(len(records)):
            ours = records[number]
            theirs = read[ours["key"]]
            decoded = tf.io.decode_image(records.encoded(number), channels=3)
            np.testing.assert_array_equal(theirs["image"], decoded)
            assert theirs["label"] == ours["label"]
            difference = np.abs(theirs["image"].astype(int) - ours["image"])  # the decoders round differently
            assert difference.mean() < 2
    shape = tfds.builder_from_directory(tmp_path / "small").info.features["image"].shape
    assert shape == (30, 20, 3)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("encoding", ["keep", "raw"])
def test_all_16_bits_are_read(tmp_path: Path, channels: Any, encoding: Any) -> None:
    source = draw(tmp_path / "source", range(6), bits=16, channels=channels)
    size = {"size": (6, 6), "fit": "stretch"} if encoding == "raw" else {}
    folder = tmp_path / "dataset"
    convert(source, folder, ConvertOptions(depth=16, channels=channels, encoding=encoding, **size))  # type: ignore[arg-type]
    records = open_dataset(folder).records("train")
    read = examples_of(folder, "train")
    for ours in (records[number] for number in range(len(records))):
        assert read[ours["key"]]["image"].dtype == np.uint16
        np.testing.assert_array_equal(read[ours["key"]]["image"], ours["image"])


def test_vectors_are_read(tmp_path: Path) -> None:
    draw(tmp_path, range(2))
    (tmp_path / "t.csv").write_text("path,x,y\na/0.png,0.5,-3\nb/1.png,1e3,0.1\n")
    folder = tmp_path / "dataset"
    convert(tmp_path / "t.csv", folder, ConvertOptions(label_columns=("eye=x,y:floats",)))
    assert tfds.builder_from_directory(folder).info.features["eye"].doc.desc == "x; y"
    read = examples_of(folder, "train")
    np.testing.assert_array_equal(read["a/0.png"]["eye"], np.array([0.5, -3], np.float32))
    np.testing.assert_array_equal(read["b/1.png"]["eye"], np.array([1e3, 0.1], np.float32))


def test_what_is_said_of_splits_is_what_the_manifest_says(few_photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "dataset"
    manifest = convert(few_photos, folder, ConvertOptions(shards=3)).manifest
    info = tfds.builder_from_directory(folder).info
    assert (info.name, str(info.version), info.file_format.value) == ("fitfeed", "2.0.0", "tfrecord")
    split = info.splits["train"]
    assert split.filenames == [shard.file for shard in manifest.splits["train"].shards]
    assert split.shard_lengths == [shard.examples for shard in manifest.splits["train"].shards]
    assert split.num_bytes == manifest.splits["train"].bytes
    assert split.statistics.num_examples == 8
    image, label = split.statistics.features
    means = [each.num for each in image.custom_stats if each.name.startswith("mean")]
    assert (image.name, means) == ("image", manifest.statistics.mean)
    buckets = {bucket.label: bucket.sample_count for bucket in label.string_stats.rank_histogram.buckets}
    assert (label.name, buckets) == ("label", {"dress": 4, "pants": 4})


def test_names_of_classes_may_be_anything(tmp_path: Path) -> None:
    names = ["a", " b ", "ü\n", "\u2028"]
    for name, number in zip(names, range(4), strict=True):
        folder = draw(tmp_path / "drawn", range(number, number + 1)) / "ab"[number % 2]
        (tmp_path / "source").mkdir(exist_ok=True)
        folder.rename(tmp_path / "source" / name)
    folder = tmp_path / "dataset"
    convert(tmp_path / "source", folder)
    expected = read_manifest(folder).class_names
    assert sorted(expected) == sorted(names)
    assert tfds.builder_from_directory(folder).info.features["label"].names == expected
    assert tfds.features.FeaturesDict.from_config(folder)["label"].names == expected


def test_a_dataset_that_grew_is_read_in_parts(tmp_path: Path) -> None:
    source, folder = draw(tmp_path / "source", range(6)), tmp_path / "dataset"
    convert(source, folder, ConvertOptions(shards=2))
    before = set(examples_of(folder, "train"))
    draw(source, range(6, 10))
    (source / "c").mkdir()
    shutil.copyfile(draw(tmp_path / "more", range(10, 11)) / "a" / "10.png", source / "c" / "10.png")
    convert(source, folder, append=True)
    builder = tfds.builder_from_directory(folder)
    old, new = builder.info.splits
    assert (old, new[: len("train-of-")]) == ("train-of-00002", "train-of-")
    assert f"train is split='{old}+{new}'" in builder.info.description
    assert set(examples_of(folder, old)) == before
    records = open_dataset(folder).records("train")
    read = examples_of(folder, f"{old}+{new}")
    assert len(read) == len(records) == 11
    assert set(examples_of(folder, "all")) == set(read)
    for ours in (records[number] for number in range(len(records))):
        np.testing.assert_array_equal(read[ours["key"]]["image"], ours["image"])
        assert read[ours["key"]]["label"] == ours["label"]
    assert builder.info.features["label"].names == ["a", "b", "c"]
    with pytest.raises(ValueError, match=r"(?s)train.*train-of-00002"):
        builder.as_dataset(split="train")


def test_what_tfds_cannot_load_has_no_such_files(tmp_path: Path) -> None:
    source, folder = draw(tmp_path / "source", range(8)), tmp_path / "dataset"
    convert(source, folder)
    assert all((folder / name).exists() for name in JSON_NAMES)
    (folder / "README.md").write_text("mine")
    for given in ({"format": "hdf5"}, {"split": {"train": 0.5, "all": 0.5}}):
        convert(source, folder, ConvertOptions(**given), overwrite=True)
        assert not any((folder / name).exists() for name in JSON_NAMES)
        convert(source, folder, overwrite=True)
        assert set(examples_of(folder, "train")) == {f"{'ab'[i % 2]}/{i}.png" for i in range(8)}
    assert (folder / "README.md").read_text() == "mine"


@pytest.mark.parametrize("name", JSON_NAMES)
def test_files_of_others_are_left_alone(tmp_path: Path, name: str) -> None:
    source, folder = draw(tmp_path / "source", range(4)), tmp_path / "dataset"
    convert(source, folder, ConvertOptions(format="hdf5"))
    (folder / name).write_text("{}")
    convert(source, folder, overwrite=True)
    convert(source, folder, ConvertOptions(format="hdf5"), overwrite=True)
    convert(source, folder, overwrite=True)
    draw(source, range(4, 6))
    convert(source, folder, append=True)
    assert (folder / name).read_text() == "{}"
    assert [other for other in JSON_NAMES if (folder / other).exists()] == [name]
    report = verify_dataset(folder)
    assert report.ok
    assert not any(file.file in JSON_NAMES for file in report.beside)


def test_a_picture_without_labels_is_read(tmp_path: Path) -> None:
    Image.fromarray(np.full((3, 4, 3), 7, np.uint8)).save(tmp_path / "1.png")
    folder = tmp_path.parent / f"{tmp_path.name}-dataset"
    convert(tmp_path, folder, labels="none")
    (example,) = examples_of(folder, "train").values()
    np.testing.assert_array_equal(example["image"], np.full((3, 4, 3), 7))
    assert tfds.builder_from_directory(folder).info.supervised_keys is None


def test_verify_knows_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "dataset"
    convert(draw(tmp_path / "source", range(4)), folder)
    assert [file.damage for file in verify_dataset(folder).beside] == [None] * 4
    info = folder / "dataset_info.json"
    info.write_text(info.read_text().replace('"4"', '"5"'))
    assert main(["verify", str(folder)]) == 0
    printed = capsys.readouterr().out
    assert f"{info} is not what follows from manifest.json" in printed
    assert "beside it sources.arrow, duplicates.arrow, features.json: known" in printed
    for name in JSON_NAMES:
        (folder / name).unlink()
    report = verify_dataset(folder)
    assert (report.ok, len(report.beside)) == (True, 2)


@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO])
def test_verify_ends_where_they_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    folder, real = tmp_path / "dataset", LocalPlace.read
    convert(draw(tmp_path / "source", range(4)), folder)
    next(folder.glob("*.tfrecord")).write_bytes(b"damaged")

    def failing(self: LocalPlace, name: str, *, at_most: int) -> Any:
        if name == JSON_NAMES[1]:
            raise OSError(code, os.strerror(code), str(folder / name))
        return real(self, name, at_most=at_most)

    monkeypatch.setattr(LocalPlace, "read", failing)
    report = verify_dataset(folder)
    assert report.findings  # are not lost
    damage = [beside.damage for beside in report.beside if beside.file == JSON_NAMES[1]]
    if code == errno.EACCES:  # it is not ours then
        assert damage == []
    else:
        assert damage == [f"{folder / JSON_NAMES[1]} cannot be read: Input/output error"]


def test_an_empty_file_beside_hdf5_is_not_ours(tmp_path: Path) -> None:
    folder = tmp_path / "dataset"
    convert(draw(tmp_path / "source", range(4)), folder, ConvertOptions(format="hdf5"))
    (folder / JSON_NAMES[0]).write_bytes(b"")
    assert JSON_NAMES[0] not in {beside.file for beside in verify_dataset(folder).beside}


@pytest.mark.parametrize("append", [False, True])
def test_a_run_that_adds_nothing_puts_what_a_dead_one_has_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, append: bool
) -> None:
    """It died between its manifest and these files."""
    source, place = draw(tmp_path / "source", range(4)), memory_place()

    before = convert(source, str(place)).manifest if append else None
    if append:
        draw(source, range(4, 6))

    def die_after(place: Place, manifest: Manifest, **_: bool) -> None:
        if before is None or manifest.fingerprint != before.fingerprint:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("fitfeed.converters.staging.commit.put_tfds_files", die_after)
        with pytest.raises(KeyboardInterrupt):
            convert(source, str(place), append=append)
    expected = tfds_files(read_manifest(str(place)))
    assert not append or place.read(JSON_NAMES[1], at_most=1 << 20)[0] != expected[JSON_NAMES[1]]
    assert convert(source, str(place), append=append).up_to_date
    assert {name: place.read(name, at_most=1 << 20)[0] for name in JSON_NAMES} == expected


def test_a_dataset_in_a_store_has_them_too(tmp_path: Path) -> None:
    source, place = draw(tmp_path / "source", range(4)), memory_place()
    for overwrite in (False, True):
        convert(source, str(place), ConvertOptions(shards=1 + overwrite), overwrite=overwrite)
        draw(source, range(4, 6))
        convert(source, str(place), append=True)
        expected = tfds_files(read_manifest(str(place)))
        assert {name: place.read(name, at_most=1 << 20)[0] for name in JSON_NAMES} == expected
        assert [file.damage for file in verify_dataset(str(place)).beside] == [None] * 4
        shutil.rmtree(source)
        draw(source, range(4))
    convert(source, str(place), ConvertOptions(format="hdf5"), overwrite=True)
    assert not {found.name for found in place.files()} & set(JSON_NAMES)
