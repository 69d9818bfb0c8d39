"""Labels of rows that anybody may have written."""

from typing import Any

import numpy as np
import pytest

from fitfeed.schemas.errors import DamagedDatasetError
from fitfeed.schemas.features import Features, ImageFeature, PlannedLabel
from fitfeed.schemas.index_columns import MaskColumn
from fitfeed.schemas.index_labels import class_numbers_at, classes_at, floats_at, impossible_labels, label_of
from fitfeed.schemas.payload import MAX_PAYLOAD_BYTES

IMAGE = ImageFeature(shape=(8, 8, 3), encoding="png")


def features(**labels: PlannedLabel) -> Features:
    made: Any = {name: label.feature(IMAGE) for name, label in labels.items()}
    return Features(image=IMAGE, **made)


AB = PlannedLabel(kind="class", class_names=["a", "b"])
TAGS = PlannedLabel(kind="multiclass", class_names=["a", "b"])
EYES = PlannedLabel(kind="floats", value_names=["x", "y"])


def test_values_are_plain_and_lists_are_copies() -> None:
    of = features(
        label=AB, tags=TAGS, eyes=EYES, note=PlannedLabel(kind="text"), age=PlannedLabel(kind="float")
    )
    assert label_of(np.array([1]), of, "label", 0) == 1
    assert label_of(["Käse"], of, "note", 0) == "Käse"
    assert label_of(np.array([0.5]), of, "age", 0) == 0.5
    held = np.array([0, 1])
    held.flags.writeable = False
    copy = label_of([held], of, "tags", 0)
    assert copy.tolist() == [0, 1]
    assert copy.flags.writeable
    assert label_of([np.array([1.0, 2.0])], of, "eyes", 0).tolist() == [1.0, 2.0]


@pytest.mark.parametrize("numbers", [[2], [-1], [0, 9]])
def test_classes_must_exist(numbers: list[int]) -> None:
    feature: Any = features(tags=TAGS).labels["tags"]
    wrong = min(numbers) if min(numbers) < 0 else max(numbers)
    said = (
        f"^a/train.index.arrow gives row 3 a class of 'tags' that is not one of 0 to 1. Received: {wrong}. "
    )
    with pytest.raises(DamagedDatasetError, match=said):
        classes_at(np.array(numbers), feature, "tags", 3, index="a/train.index.arrow")
    assert len(classes_at(np.array([], np.int64), feature, "tags", 0)) == 0


def test_the_class_of_each_row_must_exist() -> None:
    feature: Any = features(label=AB).labels["label"]
    column, rows = np.array([0, 1, 2, -1]), np.array([1, 0, 1])
    assert class_numbers_at(column, feature, "label", rows).tolist() == [1, 0, 1]
    for row in (2, 3):
        with pytest.raises(DamagedDatasetError, match=f"gives row {row} a class of 'label'"):
            class_numbers_at(column, feature, "label", np.array([0, row]))


def test_vectors_have_the_length_that_their_names_say() -> None:
    feature: Any = features(eyes=EYES).labels["eyes"]
    with pytest.raises(DamagedDatasetError, match="3 numbers of 'eyes', and there are 2"):
        floats_at(np.zeros(3), feature, "eyes", 0)


class Rows:
    """What is checked of an index of six rows."""

    def __init__(self, labels: dict[str, Any]) -> None:
        self.labels = labels

    def __len__(self) -> int:
        return 6


def test_impossible_rows_of_classes_and_masks() -> None:
    of = features(label=AB, m=PlannedLabel(kind="mask"))
    rows: Any = Rows(
        {
            "label": np.array([0, 2, -1, 1, 1, 1]),
            "m": MaskColumn(
                np.array([0, 0, 0, -1, 95, 0]),
                np.array([5, 5, 5, 5, 6, MAX_PAYLOAD_BYTES + 1]),
                np.zeros(6, np.uint32),
            ),
        }
    )
    assert impossible_labels(rows, of, np.full(6, 100)).tolist() == [False, True, True, True, True, True]
