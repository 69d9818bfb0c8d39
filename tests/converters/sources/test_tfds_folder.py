"""What becomes of the features of TensorFlow Datasets: the image, labels, what is left out, what is refused."""

from pathlib import Path
from typing import Any

import pytest

from fitfeed.converters.sources.tfds_folder import TfdsFolder, TfdsShard, open_tfds_folder
from fitfeed.schemas.errors import UsageError
from tests.converters.sources.test_tfds_json import LABEL, of_dict, write

TEXT = {"pythonClassName": "a.Text", "text": {}}
SPLITS = [{"name": "train", "shardLengths": ["2", "0", "3"]}]
INFO: dict[str, Any] = {"name": "animals", "fileFormat": "tfrecord", "splits": SPLITS}


def image(*shape: int, name: str = "Image", **content: Any) -> dict[str, Any]:
    dimensions = {"dimensions": [str(side) for side in shape]} if shape else {}
    return {"pythonClassName": f"a.{name}", "image": {"shape": dimensions, "dtype": "uint8", **content}}


def tensor(dtype: str, *shape: int, encoding: str = "none") -> dict[str, Any]:
    dimensions = {"dimensions": [str(side) for side in shape]} if shape else {}
    return {
        "pythonClassName": "a.Tensor",
        "tensor": {"shape": dimensions, "dtype": dtype, "encoding": encoding},
    }


def opened(folder: Path, features: dict[str, Any], **info: Any) -> TfdsFolder:
    return open_tfds_folder(write(folder, of_dict(**features), {**INFO, **info}))


def test_labels_are_named_and_ordered(tmp_path: Path) -> None:
    features = {
        "id": TEXT,
        "label": LABEL,
        "image": image(-1, -1, 3),
        "n": {"a": TEXT},
        "size": tensor("float64"),
        "age": tensor("uint8"),
        "old": tensor("bool"),
        "eye": tensor("float32", 2),
        "big": tensor("int64", 2),
        "raw": tensor("float32", 2, encoding="zlib"),
        "cube": tensor("float32", 2, 2),
        "word": tensor("object"),
        "height": tensor("int64"),
        "box": {"pythonClassName": "a.BBoxFeature"},
    }
    features["n"] = of_dict(a=TEXT)
    found = opened(
        tmp_path,
        features,
        supervisedKeys={"tuple": {"items": [{"featureKey": "image"}, {"featureKey": "age"}]}},
    )
    kinds = {name: label.feature.kind for name, label in found.labels.items()}
    assert list(kinds)[:2] == ["age", "label"]
    assert kinds == {
        "age": "int",
        "label": "class",
        "id": "text",
        "n_a": "text",
        "size": "float",
        "old": "int",
        "eye": "floats",
        "word": "text",
    }
    assert found.labels["n_a"].stored == "n/a"
    assert set(found.left_out) == {"big", "raw", "cube", "height", "box"}  # we call something else `height`
    assert (found.image, found.channels, found.depth) == ("image", 3, 8)


@pytest.mark.parametrize(
    ("features", "chosen", "masks"),
    [
        ({"x": image(-1, -1, 1)}, "x", set()),
        ({"x": image(), "y": image(-1, -1, 1)}, "x", {"y"}),
        ({"x": image(-1, -1, 1), "y": image(-1, -1, 1, useColormap=True)}, "x", {"y"}),
        ({"x": image(-1, -1, 1), "y": image(-1, -1, 1, name="LabeledImage")}, "x", {"y"}),
        ({"x": image(), "image": image()}, "image", set()),
        ({"x": image(), "y": image(-1, -1, 3, name="LabeledImage")}, "x", set()),
        ({"x": image(), "y": image(name="LabeledImage")}, "x", {"y"}),
    ],
)
def test_the_image_is_found_among_masks(
    tmp_path: Path, features: dict[str, Any], chosen: str, masks: set[str]
) -> None:
    found = opened(tmp_path, features)
    assert found.image == chosen
    assert {name for name, label in found.labels.items() if label.feature.kind == "mask"} == masks


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ({"x": TEXT}, r"have no image: x \(Text\)"),
        ({"x": image(), "y": image()}, "have several images, none of which is the one to learn from"),
        ({"x" * 900: image(), "y" * 900: image()}, r"to learn from: x+\.\.\."),
        ({"x": image(-1, -1, 1, dtype="f" * 900)}, r"have the type f+\.\.\. and"),
        ({"x": image(-1, -1, 1, dtype="float32")}, "have the type float32"),
        ({"x": image(-1, -1, -1, 3)}, r"the shape \(-1, -1, -1, 3\)"),
    ],
)
def test_other_examples_are_refused(tmp_path: Path, features: dict[str, Any], message: str) -> None:
    with pytest.raises(
        UsageError, match=f"prepared by TensorFlow Datasets, and .*{message}.*docs/from-tfds.md"
    ) as error:
        opened(tmp_path, features)
    assert len(str(error.value)) < 1000


def test_a_text_that_was_encoded_is_left_out(tmp_path: Path) -> None:
    """As `Text.to_json_content` of TFDS says it: numbers of words, whose words are in no file that we know."""
    encoded = {"pythonClassName": "a.Text", "jsonFeature": {"json": '{"use_encoder": true}'}}
    assert opened(tmp_path, {"image": image(), "words": encoded}).left_out == ["words"]


def test_names_that_are_made_are_not_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many = {"pythonClassName": "a.ClassLabel", "classLabel": {"numClasses": "100000"}}
    for feature in (many, tensor("float32", 4096)):
        with pytest.raises(UsageError, match="more than 1048576 classes and numbers together"):
            opened(tmp_path, {"image": image(), **{f"n{number}": feature for number in range(300)}})
    monkeypatch.setattr("fitfeed.converters.sources.tfds_folder.class_names", None)  # is not called
    bad = dict.fromkeys(("key", "a\u200b", " a"), many)
    assert set(opened(tmp_path, {"image": image(), **bad}).left_out) == set(bad)


def test_shards_have_the_names_of_the_template(tmp_path: Path) -> None:
    features = {"image": image()}
    assert opened(tmp_path, features).shards == [
        TfdsShard("train", "animals-train.tfrecord-00000-of-00003", 2),
        TfdsShard("train", "animals-train.tfrecord-00002-of-00003", 3),
    ]
    split = {"name": "1-b", "shardLengths": ["4"], "filepathTemplate": "{SPLIT}_{SHARD_INDEX}of{NUM_SHARDS}"}
    assert opened(tmp_path, features, splits=[split]).shards == [TfdsShard("part_1_b", "1-b_00000of00001", 4)]


@pytest.mark.parametrize(
    ("info", "message"),
    [
        ({"fileFormat": "array_record"}, r"as array_record, .*tfds convert_format --dataset_version_dir="),
        ({"splits": []}, "has no examples"),
        (
            {"splits": [{"name": "a-b", "shardLengths": [1]}, {"name": "a_b", "shardLengths": [1]}]},
            "both be called",
        ),
        ({"splits": [{**SPLITS[0], "filepathTemplate": "../{SPLIT}"}]}, "Expected plain names"),
        ({"splits": [{**SPLITS[0], "filepathTemplate": "{SPLIT}" * 9999}]}, "Expected plain names"),
        ({"splits": [{**SPLITS[0], "filepathTemplate": "{DATASET}" * 28}], "name": "a" * 99}, "plain names"),
        ({"name": "a" * 9999}, "Expected plain names"),
        ({"fileFormat": "x" * 9999}, r"as x+\.\.\., which"),
        ({"splits": [{**SPLITS[0], "filepathTemplate": "{SPLIT.__class__}"}]}, "Expected plain names"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, info: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message) as error:
        opened(tmp_path, {"image": image()}, **info)
    assert len(str(error.value)) < 1000
