"""Several labels in a field, or in several columns: each is found, and never a class for each combination."""

import csv
import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fitfeed.converters.sources.discover import Discovery
from fitfeed.schemas.errors import UsageError
from tests.table_sources import faults, find, labels_of, make

TAGS = ["haze", "road", "water", "light blue"]


def source(folder: Path, header: str, rows: list[list[Any]]) -> Path:
    make(folder, "", *(f"{number}.jpg" for number in range(len(rows))))
    with (folder / "labels.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["path", *header.split(",")])
        writer.writerows([f"{number}.jpg", *row] for number, row in enumerate(rows))
    return folder


def combinations(separator: str) -> list[list[str]]:
    tags = TAGS[:3] if separator == " " else TAGS
    return [[separator.join(tags_)] for size in (1, 2) for tags_ in itertools.permutations(tags, size)]


def classes(found: Discovery, name: str = "label") -> list[str]:
    return found.example_table.features[name].class_names


@pytest.mark.parametrize("separator", ["|", ",", ", ", " ", ";"])
def test_a_separator_can_be_named(tmp_path: Path, separator: str) -> None:
    source(tmp_path, "tags", combinations(separator))
    found = find(tmp_path, label_columns=("tags:multiclass",), label_separator=separator)
    assert classes(found) == sorted(TAGS[:3] if separator == " " else TAGS)
    assert found.warnings == []


@pytest.mark.parametrize("separator", ["|", ", ", " "])
def test_multiclass_never_takes_a_combination_for_a_class(tmp_path: Path, separator: str) -> None:
    source(tmp_path, "tags", combinations(separator))
    mark = separator.strip() or " "
    with pytest.raises(UsageError, match=r"no value of column 'tags'.*Give --label-separator ") as error:
        find(tmp_path, label_columns=("tags:multiclass",))
    assert f"Give --label-separator '{mark}', or --label-separator ';' if each is one name." in str(
        error.value
    )
    found = find(tmp_path, label_columns=("tags:multiclass",), label_separator=";")
    assert len(classes(found)) == len(combinations(separator))


def test_names_with_spaces_are_told_once_and_kept(tmp_path: Path) -> None:
    source(tmp_path, "tags", [["light blue"], ["dark red"], ["green"]])
    found = find(tmp_path, label_columns=("tags:multiclass",))
    assert classes(found) == ["dark red", "green", "light blue"]
    (warning,) = found.warnings
    assert warning.endswith("such as 'dark red'; if they are several labels, give --label-separator ' '")


def test_a_separator_that_no_value_has(tmp_path: Path) -> None:
    source(tmp_path, "tags", [["a;b"], ["c"]])
    found = find(tmp_path, label_columns=("tags:multiclass",), label_separator="|")
    assert found.warnings == [
        "no value of column 'tags' has the '|' of --label-separator, so each image has one class at most"
    ]


@pytest.mark.parametrize("separator", ["|", ",", " ", ";"])
def test_class_warns_of_combinations(tmp_path: Path, separator: str) -> None:
    source(tmp_path, "Finding Labels", combinations(separator))
    found = find(tmp_path, label_columns=("Finding Labels",))
    (warning,) = found.warnings
    option = {
        "|": " --label-separator '|'",
        ",": " --label-separator ','",
        " ": " --label-separator ' '",
        ";": "",
    }
    assert warning.endswith(f"give --label-column 'Finding Labels:multiclass'{option[separator]}")


@pytest.mark.parametrize(
    "names", [["tench, Tinca", "great shark, shark"], ["T Shirt", "Long Sleeve"], ["a;b", "c"]]
)
def test_class_does_not_warn_of_usual_names(tmp_path: Path, names: list[str]) -> None:
    source(tmp_path, "label", [[name] for name in names])
    found = find(tmp_path)
    assert (classes(found), found.warnings) == (sorted(names), [])


def test_a_separator_needs_a_column_of_several_classes(tmp_path: Path) -> None:
    source(tmp_path, "label,a,b", [["x", 1, 0]])
    for columns in ((), ("label",), ("d=a,b:multiclass",)):
        with pytest.raises(UsageError, match=r"no --label-column is one\. Add :multiclass"):
            find(tmp_path, label_columns=columns, label_separator="|")


VECTOR: list[list[Any]] = [[1, 0, ""], ["1.0", "", "true"], ["", "False", "0"], [0, "0.0", 1]]


def test_columns_become_one_label_in_their_order(tmp_path: Path) -> None:
    source(tmp_path, "NV,MEL,BCC", VECTOR)
    found = find(tmp_path, label_columns=("lesion=NV,MEL,BCC:multiclass",))
    label = found.example_table.features["lesion"]
    assert (label.class_names, label.class_order) == (["NV", "MEL", "BCC"], "given")
    assert found.example_table.labels["lesion"] == [[0], [0, 2], [], [2]]
    assert found.warnings == []


def test_a_class_of_columns_takes_exactly_one(tmp_path: Path) -> None:
    source(tmp_path, "NV,MEL,BCC", VECTOR)
    found = find(tmp_path, label_columns=("lesion=NV..BCC",))
    assert list(found.example_table.labels["lesion"]) == [0, 2]
    assert classes(found, "lesion") == ["NV", "MEL", "BCC"]
    why = "labels.csv, line {}: column 'NV..BCC': one of these 3 must be 1, and {}; kind multiclass takes any number of them"
    assert faults(found) == {
        "1.jpg": ("label_invalid", why.format(3, "'NV' and 'BCC' are")),
        "2.jpg": ("label_invalid", why.format(4, "none is")),
    }


def test_other_numbers_are_refused_with_their_column(tmp_path: Path) -> None:
    source(tmp_path, "NV,MEL", [[1, 0], [0, -1], [0, 2]])
    found = find(tmp_path, label_columns=("d=NV,MEL:multiclass",))
    assert (
        faults(found)["1.jpg"][1]
        == "labels.csv, line 3: column 'MEL': '-1' is not 0 or 1; kind floats takes any number"
    )
    assert faults(found)["2.jpg"][0] == "label_invalid"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=1, max_size=8))
def test_columns_and_fields_say_the_same(tmp_path: Path, rows: list[list[bool]]) -> None:
    names = ["b", "a", "c d"]
    held = [[name for name, has in zip(names, row, strict=True) if has] for row in rows]
    table = [[*map(int, row), "|".join(one) or "[]"] for row, one in zip(rows, held, strict=True)]
    source(tmp_path, "b,a,c d,tags", table)
    vector = find(tmp_path, label_columns=("v=b..c d:multiclass",))
    assert [sorted(one) for one in held] == [
        labels_of(vector.example_table, "v")[f"{number}.jpg"] for number in range(len(rows))
    ]
    one_each = all(len(one) == 1 for one in held)
    hint = "each row has exactly one 1 in the columns of 'v', so it can be one class: --label-column 'v=b,a,c d:class'"
    assert vector.warnings == ([hint] if one_each else [])
    if any(held):
        field = find(tmp_path, label_columns=("tags:multiclass",), label_separator="|")
        assert labels_of(field.example_table) == labels_of(vector.example_table, "v")
    if one_each:
        single = find(tmp_path, label_columns=("v=b..c d",))
        assert [[name] for name in labels_of(single.example_table, "v").values()] == held
