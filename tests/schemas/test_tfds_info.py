"""What `dataset_info.json` says, for datasets that TensorFlow Datasets can load, and for others."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from fitfeed.schemas import tfds_info
from fitfeed.schemas.manifest import Manifest, read_manifest
from fitfeed.schemas.tfds_info import MARKED_BYTES, TFDS_NAMES, is_tfds_file, tfds_files
from tests.golden.regenerate_labels import golden


def with_shards(shards: Sequence[tuple[str, int]], name: str = "train") -> Manifest:
    """A manifest whose split `train` has shards of these names and numbers of examples, and perhaps another name."""
    manifest = read_manifest(golden("tfrecord"))
    split = manifest.splits["train"]
    listed = [split.shards[0].model_copy(update={"file": file, "examples": count}) for file, count in shards]
    splits = {("train" if other == "train" else other): held for other, held in manifest.splits.items()}
    splits["train"] = split.model_copy(update={"shards": listed})
    if name != "train":
        splits[name] = splits.pop("train")
    return manifest.model_copy(update={"splits": splits})


def splits_of(manifest: Manifest) -> dict[str, Any]:
    info = json.loads(tfds_files(manifest)["dataset_info.json"])
    return {split["name"]: split for split in info["splits"]}


def test_both_files_are_there_and_known() -> None:
    files = tfds_files(read_manifest(golden("tfrecord")))
    assert tuple(files) == TFDS_NAMES
    assert all(is_tfds_file(content[:MARKED_BYTES]) for content in files.values())
    assert not is_tfds_file(b'{"description": "mine"}')
    info = json.loads(files["dataset_info.json"])
    assert info["features"] == json.loads(files["features.json"])
    keys = [item["featureKey"] for item in info["supervisedKeys"]["tuple"]["items"]]
    assert keys == ["image", next(iter(read_manifest(golden("tfrecord")).features.labels))]


def test_a_split_that_grew_has_a_part_for_each_pattern() -> None:
    shards = [("train-00000-of-00002.tfrecord", 5), ("train-00001-of-00002.tfrecord", 4)]
    whole = splits_of(with_shards(shards))["train"]
    assert whole["shardLengths"] == ["5", "4"]
    assert whole["filepathTemplate"] == "train-{SHARD_X_OF_Y}.{FILEFORMAT}"
    grown = with_shards([*shards, ("train-00003-of-00004.tfrecord", 7)])
    parts = splits_of(grown)
    assert "train" not in parts
    assert parts["train-of-00002"]["shardLengths"] == ["5", "4"]
    assert parts["train-of-00004"]["shardLengths"] == ["0", "0", "0", "7"]
    assert parts["train-of-00004"]["filepathTemplate"] == whole["filepathTemplate"]
    assert "statistics" in whole
    assert "statistics" not in parts["train-of-00002"]
    assert "test" in parts  # which did not grow
    info = json.loads(tfds_files(grown)["dataset_info.json"])
    assert info["description"].endswith("so train is split='train-of-00002+train-of-00004'.")


def test_a_shard_without_examples_in_the_middle() -> None:
    gap = with_shards([("train-00000-of-00003.tfrecord", 5), ("train-00002-of-00003.tfrecord", 4)])
    assert splits_of(gap)["train"]["shardLengths"] == ["5", "0", "4"]


@pytest.mark.parametrize(
    "file",
    [
        "train-00000-of-100000.tfrecord",
        "train-000000-of-00001.tfrecord",
        "train-00001-of-00001.tfrecord",
        "test-00000-of-00001.tfrecord",
        "part-0.tfrecord",
    ],
)
def test_names_that_no_template_makes(file: str) -> None:
    assert tfds_files(with_shards([(file, 9)])) == {}


def test_what_tfds_has_no_words_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert tfds_files(read_manifest(golden("hdf5"))) == {}
    assert tfds_files(with_shards([("all-00000-of-00001.tfrecord", 9)], name="all")) == {}
    grown = with_shards([("train-00000-of-00001.tfrecord", 5), ("train-00001-of-00002.tfrecord", 4)])
    assert tfds_files(grown)
    monkeypatch.setattr(tfds_info, "MAX_SHARD_NUMBERS", 2)
    assert tfds_files(grown) == {}
