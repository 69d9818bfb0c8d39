"""An open dataset: what it says about itself, without an image read, and what it refuses by name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fitfeed.pipelines import Dataset, open_dataset
from fitfeed.pipelines.dataset import class_labels
from fitfeed.schemas.errors import (
    DamagedDatasetError,
    DamagedExampleError,
    IncompleteDatasetError,
    NotFoundError,
    UsageError,
)
from fitfeed.schemas.features import Features, ImageFeature
from fitfeed.schemas.manifest import read_manifest
from tests.pipelines.build_dataset import CLASS_NAMES, Example, Format, pickled

CopyOf = Callable[[Format], Path]


def pixels_of(examples: list[Example]) -> Any:
    return np.concatenate([example.pixels.reshape(-1, 3) for example in examples]).astype(np.float64)


def with_labels(dataset: Dataset, **labels: dict[str, Any]) -> Dataset:
    """The same dataset with other labels in its manifest."""
    image: ImageFeature = dataset.manifest.features.image
    features = Features.model_validate({"image": image.model_dump(), **labels, "key": {}})
    return Dataset(dataset._files, dataset.manifest.model_copy(update={"features": features}))


# ---------------------------------------------------------------- opening


def test_opening_takes_a_string_or_a_path_and_reads_no_index(own_copy: CopyOf) -> None:
    path = own_copy("tfrecord")
    (path / "train.index.arrow").unlink()
    dataset = open_dataset(str(path))
    assert dataset.path == path
    assert dataset.manifest == read_manifest(path) == open_dataset(path).manifest
    assert len(dataset.records("validation")[0]["key"]) > 0
    with pytest.raises(DamagedDatasetError, match=r"train\.index\.arrow"):
        dataset.records("train")[0]


def test_what_is_not_a_dataset_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        open_dataset(tmp_path / "none")
    with pytest.raises(UsageError):
        open_dataset(tmp_path)
    (tmp_path / ".work").mkdir()
    with pytest.raises(
        IncompleteDatasetError, match="Run the same `fitfeed convert` command again: it contin"
    ):
        open_dataset(tmp_path)


# ---------------------------------------------------------------- what it holds


def test_splits_classes_and_its_name(flowers: Dataset) -> None:
    assert {name: split.examples for name, split in flowers.splits.items()} == {"train": 53, "validation": 11}
    assert flowers.class_names == CLASS_NAMES
    assert (
        repr(flowers)
        == f"<Dataset {flowers.path}: train 53, validation 11; label:class, 3 classes; uint8 any size x 3>"
    )
    assert flowers.records("train") is flowers.records("train")
    assert flowers.records("validation").split == "validation"


def test_statistics_are_those_of_the_pixels(flowers: Dataset, examples: dict[str, list[Example]]) -> None:
    train, more = pixels_of(examples["train"]), pixels_of(examples["validation"])
    assert np.allclose(flowers.statistics.mean, train.mean(axis=0), rtol=1e-12)
    assert np.allclose(flowers.statistics.std, train.std(axis=0), rtol=1e-9)
    assert flowers.statistics is flowers.statistics  # computed once
    together = flowers.statistics_of("validation", "train")
    assert together.pixels == len(train) + len(more)
    assert np.allclose(together.mean, np.concatenate([train, more]).mean(axis=0), rtol=1e-12)
    assert flowers.statistics_of("validation").max == more.max(axis=0).tolist()
    with pytest.raises(UsageError, match=r"no such split.*'test'\. Use one of: 'train', 'validation'"):
        flowers.statistics_of("train", "test")
    with pytest.raises(
        UsageError, match=r"expected one split or more, each once\. Received: \[\]\. Name some of"
    ):
        flowers.statistics_of()
    with pytest.raises(UsageError, match=r"each once\. Received: \['train', 'train'\]"):
        flowers.statistics_of("train", "train")


def test_class_weights_make_the_classes_of_the_training_split_count_equally(rare: Dataset) -> None:
    assert rare.class_weight == {0: pytest.approx(20 / (3 * 18)), 1: pytest.approx(20 / (3 * 2)), 2: 0.0}


def test_class_weights_of_a_choice_of_splits(flowers: Dataset) -> None:
    counts = [a + b for a, b in zip(*(split.class_counts for split in flowers.splits.values()), strict=True)]
    assert flowers.class_weight_of("validation", "train") == {
        label: pytest.approx(64 / (3 * count)) for label, count in enumerate(counts)
    }
    assert flowers.class_weight_of("train") == flowers.class_weight
    with pytest.raises(UsageError, match="no such split"):
        flowers.class_weight_of("tests")


def test_a_dataset_without_classes_has_none_to_weigh_or_balance(flowers: Dataset) -> None:
    text = with_labels(flowers, note={"kind": "text"}, age={"kind": "int"})
    assert text.class_names == []
    with pytest.raises(
        UsageError, match=r"no label with classes to weigh, only: note \(text\), age \(int\)\."
    ):
        _ = text.class_weight
    with pytest.raises(
        UsageError, match=r"gives each image one class\. The dataset has note:text, age:int\."
    ):
        class_labels(text.records("train"), text.manifest.features)
    none = with_labels(flowers)
    with pytest.raises(UsageError, match=r"to weigh, only: none\."):
        _ = none.class_weight
    with pytest.raises(UsageError, match=r"The dataset has no labels\."):
        class_labels(none.records("train"), none.manifest.features)


def test_the_classes_of_all_examples_are_those_of_the_first_label_with_classes(
    flowers: Dataset, examples: dict[str, list[Example]]
) -> None:
    column = class_labels(flowers.records("train"), flowers.manifest.features)
    assert column.dtype == np.int64
    assert column.tolist() == [example.label for example in examples["train"]]


def test_tags_are_not_one_class_each(flowers: Dataset) -> None:
    tagged = with_labels(flowers, tags={"kind": "multiclass", "class_names": CLASS_NAMES})
    assert tagged.class_names == CLASS_NAMES
    assert set(tagged.class_weight) == {0, 1, 2}
    with pytest.raises(UsageError, match=r"The dataset has tags:multiclass"):
        class_labels(tagged.records("train"), tagged.manifest.features)


def test_an_unknown_split_is_refused_with_those_that_there_are(flowers: Dataset) -> None:
    with pytest.raises(UsageError) as caught:
        flowers.records("test")
    expected = "has no such split. Received: split='test'. Use one of: 'train', 'validation'."
    assert str(caught.value) == f"{flowers.path} {expected}"


# ---------------------------------------------------------------- what is left out, and copies


def test_an_example_that_is_left_out_counts_once(own_copy: CopyOf) -> None:
    dataset = open_dataset(own_copy("hdf5"))
    assert dataset.skipped == {"train": 0, "validation": 0}
    for row in (4, 9, 4):
        dataset.skipping("train").add(row, DamagedExampleError("broken"))
    assert dataset.skipped == {"train": 2, "validation": 0}


def test_a_pickled_copy_reads_the_same_and_counts_for_itself(own_copy: CopyOf) -> None:
    dataset = open_dataset(own_copy("tfrecord"))
    _ = dataset.records("train")[0]  # its files are open now
    dataset.skipping("train").add(4, DamagedExampleError("broken"))
    copy = pickled(dataset)
    assert (copy.path, copy.manifest) == (dataset.path, dataset.manifest)
    assert copy.skipped == {"train": 0, "validation": 0}
    assert copy.records("train").encoded(7) == dataset.records("train").encoded(7)
