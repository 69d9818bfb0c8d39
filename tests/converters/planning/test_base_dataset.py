"""What may join a dataset, and how its classes are numbered then."""

import shutil
from pathlib import Path

import pytest

from fitfeed.converters.file_columns import FileColumns
from fitfeed.converters.planning.base_dataset import BaseDataset, join_classes, open_base_dataset
from fitfeed.converters.source_file import SourceFile
from fitfeed.converters.sources.examples import ExampleTable
from fitfeed.schemas.categories import Categories
from fitfeed.schemas.class_order import ClassOrder
from fitfeed.schemas.errors import DamagedDatasetError, UsageError
from fitfeed.schemas.features import PlannedLabel
from fitfeed.schemas.storage.local import LocalPlace
from tests.folders import path_of
from tests.golden.regenerate_16_bits import golden


@pytest.fixture
def existing(tmp_path: Path) -> BaseDataset:
    """With the classes a and b, in text order."""
    shutil.copytree(golden("tfrecord"), tmp_path / "dataset")
    return open_base_dataset(LocalPlace(tmp_path / "dataset"))


def table(*names: str, order: ClassOrder = "text") -> ExampleTable:
    """An image for each class."""
    return ExampleTable(
        files=FileColumns.of(SourceFile(f"{name}/1.png", 1, 1) for name in names),
        labels={"label": list(range(len(names)))},
        features={"label": PlannedLabel(kind="class", class_names=list(names), class_order=order)},
        splits=Categories.of([None] * len(names)),
    )


@pytest.mark.parametrize(
    ("names", "order", "joined", "joined_order"),
    [
        (("b",), "text", ["a", "b"], "text"),
        (("b", "c"), "text", ["a", "b", "c"], "text"),
        (("0", "b"), "text", ["a", "b", "0"], "given"),
        (("2", "10"), "number", ["a", "b", "2", "10"], "given"),
    ],
)
def test_new_classes_come_last(
    existing: BaseDataset, names: tuple[str, ...], order: ClassOrder, joined: list[str], joined_order: str
) -> None:
    result = join_classes(existing, table(*names, order=order))
    label = result.features["label"]
    assert (label.class_names, label.class_order) == (joined, joined_order)
    assert [joined[number] for number in result.labels["label"]] == list(names)


def test_other_labels_are_refused(existing: BaseDataset) -> None:
    one = table("a")
    other = ExampleTable(
        files=one.files, labels={"age": [3]}, features={"age": PlannedLabel(kind="int")}, splits=one.splits
    )
    with pytest.raises(UsageError, match="has the labels label:class, and SOURCE has age:int"):
        join_classes(existing, other)


def test_a_damaged_index_is_not_appended_to(existing: BaseDataset) -> None:
    index = path_of(existing.place) / "train.index.arrow"
    index.write_bytes(index.read_bytes()[:-1])
    with pytest.raises(DamagedDatasetError, match="not what was published"):
        open_base_dataset(existing.place)
