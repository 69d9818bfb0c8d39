"""Which columns become labels, what these are called, and columns that cannot be labels."""

from pathlib import Path
from typing import Any

import pytest

from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.features import PlannedLabel
from tests.table_sources import find, make


def test_several_columns_keep_their_names_and_one_becomes_label(tmp_path: Path) -> None:
    make(tmp_path, "path,kind,age\n1.jpg,b,3\n2.jpg,a,4.5\n", "1.jpg", "2.jpg")
    one = find(tmp_path, label_columns=("age:float",)).example_table
    assert (one.features, one.labels) == ({"label": PlannedLabel(kind="float")}, {"label": [3.0, 4.5]})
    two = find(tmp_path, label_columns=("kind", "age:float")).example_table
    assert {name: list(values) for name, values in two.labels.items()} == {"kind": [1, 0], "age": [3.0, 4.5]}
    assert two.features == {
        "kind": PlannedLabel(kind="class", class_names=["a", "b"]),
        "age": PlannedLabel(kind="float"),
    }


@pytest.mark.parametrize(
    ("header", "options", "message"),
    [
        (
            "path,a,key",
            {"label_columns": ("a", "key")},
            "'key' cannot name a label.*Give it another name: --label-column NAME=COLUMN:KIND",
        ),
        ("path,a,a_offset", {"label_columns": ("a:mask", "a_offset:int")}, "each is stored as 'a_offset'"),
        ("path,a,b/c", {"label_columns": ("a", "b/c")}, "HDF5 gives"),
        ("path,a", {"label_columns": ("a", "a:int")}, "names a column twice"),
        ("path,a", {"label_columns": ("b",)}, "--label-column b: labels.csv must have one such column.* a"),
        ("path,a", {"label_columns": ("a:flaot",)}, "--label-column a:flaot"),
        ("path,a", {}, "no --label-column is given, .* no column called 'label'.* a"),
        ("name,label", {}, "Give --path-column"),
        ("path,label", {"split_column": "set"}, "--split-column set"),
        ("path,label", {"group": "who"}, "--group who"),
    ],
)
def test_columns_that_do_not_fit(tmp_path: Path, header: str, options: dict[str, Any], message: str) -> None:
    row = ",".join(["1.jpg", *("x" for _ in header.split(",")[1:])])
    with pytest.raises(UsageError, match=message):
        find(make(tmp_path, f"{header}\n{row}\n", "1.jpg"), **options)


def test_a_name_for_a_single_column(tmp_path: Path) -> None:
    make(tmp_path, "path,key,height\n1.jpg,x,3\n2.jpg,y,4\n", "1.jpg", "2.jpg")
    with pytest.raises(UsageError, match=r"'key' cannot name a label.*Give it another name"):
        find(tmp_path, label_columns=("key", "height:int"))
    found = find(tmp_path, label_columns=("kind=key", "size_cm=height:int"))
    labels = found.example_table.labels
    assert {name: list(values) for name, values in labels.items()} == {"kind": [0, 1], "size_cm": [3, 4]}


def test_columns_of_boxes_are_told_unless_they_are_a_label(tmp_path: Path) -> None:
    make(tmp_path, "path,label,Xmin,ymin\n1.jpg,x,3,4\n2.jpg,y,5,6\n", "1.jpg", "2.jpg")
    (warning,) = find(tmp_path).warnings
    assert warning.startswith("labels.csv has columns of boxes (Xmin, ymin), which are left out")
    assert find(tmp_path, label_columns=("label", "corner=xmin..ymin:floats")).warnings == []
    make(tmp_path, "path,label,bbox\n1.jpg,x,3\n1.jpg,y,4\n")
    with pytest.raises(UsageError) as error:
        find(tmp_path)
    assert "columns of boxes (bbox)" in str(error.value)
