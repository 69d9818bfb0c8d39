"""One order of classes, whatever lists them, and the options that name, order and leave out classes."""

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fitfeed.converters.file_columns import FileColumns
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.rejects import Reject
from fitfeed.converters.source_file import SourceFile
from fitfeed.converters.sources.arrange_classes import ArrangedClasses, arrange_classes
from fitfeed.converters.sources.examples import ExampleTable
from fitfeed.converters.sources.folder_labels import label_by_folders
from fitfeed.converters.sources.number_classes import number_classes
from fitfeed.schemas.categories import Categories
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.features import PlannedLabel
from tests.effort import tries
from tests.table_sources import find, labels_of, make

NAMES = st.one_of(
    st.integers(0, 120).map(str),
    st.integers(0, 120).map(lambda number: f"{number}.0"),
    st.integers(0, 120).map(lambda number: f"{number:03d}"),
    st.sampled_from(["a", "B", "b", "K\u00e4se", "Ka\u0308se", "\uac00", "\u1100\u1161", "-1", "1e3", "1.5"]),
)


def of_folders(*names: str) -> ExampleTable:
    """An image in a folder of each class."""
    files = FileColumns.of(SourceFile(f"{name}/{number}.png", 1, 1) for number, name in enumerate(names))
    return label_by_folders(files, ConvertOptions(split_folders={}))[0]


def of_table(**columns: list[Any]) -> ExampleTable:
    """An image for each row of a table. A list of names is a value of several classes, a number is one of kind int."""
    features: dict[str, PlannedLabel] = {}
    labels: dict[str, Sequence[Any]] = {}
    for name, values in columns.items():
        if isinstance(values[0], int):
            features[name], labels[name] = PlannedLabel(kind="int"), values
        else:
            kind = "multiclass" if isinstance(values[0], list) else "class"
            features[name], labels[name] = number_classes(kind, values)  # type: ignore[arg-type]
    count = len(next(iter(columns.values())))
    files = FileColumns.of(SourceFile(f"{number}.png", 1, 1) for number in range(count))
    splits = Categories[str | None].of([None] * count)
    return ExampleTable(files=files, labels=labels, features=features, splits=splits)


def arranged(table: ExampleTable, **options: Any) -> ArrangedClasses:
    return arrange_classes(table, ConvertOptions(**options))


def classes(table: ExampleTable, name: str = "label", **options: Any) -> list[str]:
    return arranged(table, **options).example_table.features[name].class_names


@given(st.lists(NAMES, min_size=1, max_size=12, unique=True), st.randoms(use_true_random=False))
@settings(max_examples=tries(200))
def test_any_names_from_folders_and_from_tables_have_one_order(names: list[str], random: Any) -> None:
    shuffled = random.sample(names, len(names))
    forms = [unicodedata.normalize(random.choice(["NFC", "NFD"]), name) for name in shuffled]
    orders = {
        tuple(classes(table))
        for table in (
            of_folders(*names),
            of_folders(*shuffled),
            of_folders(*forms),
            of_table(label=forms),
            of_table(label=[[name] for name in shuffled]),
        )
    }
    assert len(orders) == 1


@given(st.lists(NAMES, min_size=2, max_size=12, unique=True), st.data())
@settings(max_examples=tries(200))
def test_a_dataset_with_the_classes_of_another_gives_them_its_numbers(
    names: list[str], data: st.DataObject
) -> None:
    whole = classes(of_folders(*names))
    fewer = data.draw(st.lists(st.sampled_from(whole), min_size=1, unique=True))
    table = arranged(of_table(label=fewer), classes=tuple(whole)).example_table
    assert table.features["label"].class_names == whole
    assert list(table.labels["label"]) == [whole.index(name) for name in fewer]
    assert table.features["label"].class_order == "given"


@pytest.mark.parametrize(
    ("names", "order", "expected"),
    [
        (["10", "9", "0"], "number", ["0", "9", "10"]),
        (["10", "9", "0"], "text", ["0", "10", "9"]),
        (["10.0", "9.0", "0.00"], "number", ["0", "9", "10"]),
        (["10.0", "9.0", "0.00"], "text", ["0", "10", "9"]),
        (["10.0", "9.5"], "number", ["10.0", "9.5"]),
        (["10", "9", "a"], "number", ["10", "9", "a"]),
        (["010", "9"], "number", ["010", "9"]),
    ],
)
def test_whole_numbers_ascend_unless_text_is_asked_for(
    names: list[str], order: str, expected: list[str]
) -> None:
    for table in (of_folders(*names), of_table(label=names)):
        assert classes(table, class_order=order) == expected


def test_every_label_with_classes_has_the_order_that_is_asked_for() -> None:
    table = of_table(kind=["b", "a"], stage=["10", "9"], tags=[["2"], ["10", "2"]], age=[1, 2])
    for order, stage, tags in (("number", ["9", "10"], ["2", "10"]), ("text", ["10", "9"], ["10", "2"])):
        result = arranged(table, class_order=order).example_table
        assert [label.class_names for label in result.features.values()] == [["a", "b"], stage, tags, []]
        assert result.value("tags", 1) == sorted(tags)
        assert [result.value("stage", i) for i in range(2)] == ["10", "9"]
        assert result.labels["age"] == [1, 2]


def test_a_class_that_is_not_given_is_an_error_with_its_count() -> None:
    with pytest.raises(UsageError) as caught:
        classes(of_folders("dog", "cat", "dog", "fox"), classes=["cat", "cow"])
    assert str(caught.value) == (
        "SOURCE has classes that are not among the given ones: 'dog' (2 images), 'fox' (1 images); given are 'cat', 'cow'. "
        "Add them to --classes, leave their images out with --drop-classes dog,fox, or give them other names with "
        "--rename-class OLD=NEW."
    )


@pytest.mark.parametrize(
    ("count", "pasted"), [(9, "a0,a1,a2,a3,a4,a5,a6,a7,a8"), (51, "@FILE (one name a line)")]
)
def test_the_option_to_paste_names_all_classes(count: int, pasted: str) -> None:
    names = [f"a{number}" for number in range(count)]
    with pytest.raises(UsageError, match=re.escape(f"--drop-classes {pasted}, or")):
        classes(of_folders(*names), classes=["cat"])


@pytest.mark.parametrize(
    ("name", "pasted"),
    [
        ("New York", "'New York'"),
        ("a'b", """'a'"'"'b'"""),
        ("$HOME", "'$HOME'"),
        ("dog, big", "@FILE (one name a line)"),
        ("@home", "@FILE (one name a line)"),
    ],
)
def test_the_option_to_paste_means_these_classes(name: str, pasted: str) -> None:
    with pytest.raises(UsageError, match=re.escape(f"--drop-classes {pasted}, or")):
        classes(of_folders("cat", name), classes=["cat"])


def test_a_given_class_without_images_stays_and_is_said() -> None:
    result = arranged(of_folders("dog", "cat"), classes=["cow", "dog", "cat", "ant"])
    assert result.example_table.features["label"].class_names == ["cow", "dog", "cat", "ant"]
    assert list(result.example_table.labels["label"]) == [1, 2]
    assert result.warnings == ["given classes that have no image here: 'cow', 'ant'"]


def test_classes_may_be_given_for_several_labels() -> None:
    table = of_table(animal=["dog", "cat"], view=["left", "left"])
    result = arranged(table, classes={"animal": ["dog", "cat"], "view": ["right", "left"]}).example_table
    assert {name: list(values) for name, values in result.labels.items()} == {
        "animal": [0, 1],
        "view": [1, 1],
    }
    assert classes(table, "view", classes=["dog", "cat"]) == ["left"]  # a plain list is for the first label
    with pytest.raises(
        UsageError, match=r"SOURCE has no classes in 'vew'; its labels with classes are: 'animal', 'view'"
    ):
        arranged(table, classes={"animal": ["dog", "cat"], "vew": ["left"]})


def test_dropped_classes_are_left_out_and_counted() -> None:
    result = arranged(of_folders("dog", "cat", "dog", "fox"), drop_classes=["dog"])
    assert labels_of(result.example_table) == {"cat/1.png": "cat", "fox/3.png": "fox"}
    assert result.example_table.features["label"].class_names == ["cat", "fox"]
    detail = "ignored: --drop-classes leaves out its class 'dog'"
    assert result.left_out == [Reject(f"dog/{i}.png", "left_out", detail, "ignored") for i in (0, 2)]
    assert result.warnings == ["--drop-classes leaves images out: 'dog' (2 images)"]


def test_of_several_classes_of_an_image_the_dropped_ones_go_and_the_image_stays() -> None:
    table = of_table(tags=[["red", "big"], ["big"], ["blue"]])
    result = arranged(table, drop_classes=["big"])
    assert [result.example_table.value("tags", i) for i in range(3)] == [["red"], [], ["blue"]]
    assert result.left_out == []
    assert result.warnings == [
        "--drop-classes takes classes out of the labels of images, which stay: 'big' (2 images)"
    ]


def test_a_class_that_only_dropped_images_had_is_gone() -> None:
    table = of_table(animal=["dog", "cat"], view=["left", "right"])
    result = arranged(table, drop_classes=["dog"]).example_table
    assert (result.features["view"].class_names, list(result.labels["view"])) == (["right"], [0])


def test_whole_numbers_are_found_without_the_classes_that_are_dropped() -> None:
    table = of_table(label=["10.0", "9.0", "unknown"])
    assert classes(table, drop_classes=["unknown"]) == ["9", "10"]
    assert classes(of_table(label=["10.0", "9.0"]), drop_classes=["9"]) == ["10"]
    assert classes(of_table(label=["10", "9"]), drop_classes=["9.0"]) == ["10"]


def test_nothing_left_is_refused() -> None:
    with pytest.raises(UsageError, match="--drop-classes leaves no image"):
        arranged(of_folders("dog"), drop_classes=["dog"])
    with pytest.raises(UsageError, match="no image has a class"):
        arranged(of_table(tags=[["big"], []]), drop_classes=["big"])


def test_renamed_classes_become_one_and_keep_several_labels_ascending() -> None:
    result = arranged(
        of_table(tags=[["cat", "dog"], ["ant"]]), rename_classes={"cat": "pet", "dog": "pet", "ant": "zoo"}
    )
    assert result.example_table.labels["tags"] == [[0], [1]]
    assert result.example_table.features["tags"].class_names == ["pet", "zoo"]
    assert result.warnings == ["--rename-class makes one class 'pet' of 'cat', 'dog'"]


def test_names_may_be_exchanged_and_dropping_sees_the_new_ones() -> None:
    table = of_folders("a", "b", "c")
    assert labels_of(arranged(table, rename_classes={"a": "b", "b": "a"}).example_table)["a/0.png"] == "b"
    assert labels_of(arranged(table, rename_classes={"a": "x"}, drop_classes=["x"]).example_table) == {
        "b/1.png": "b",
        "c/2.png": "c",
    }


@pytest.mark.parametrize(
    ("option", "flag"), [("drop_classes", "--drop-classes"), ("rename_classes", "--rename-class")]
)
def test_an_unknown_class_is_refused_with_the_nearest_name(option: str, flag: str) -> None:
    value: Any = ["Tgier"] if option == "drop_classes" else {"Tgier": "cat"}
    with pytest.raises(UsageError) as caught:
        arranged(of_folders("lion", "tiger"), **{option: value})
    expected = f"{flag} names 'Tgier', which is not a class of SOURCE. Did you mean 'tiger'? Its classes are: 'lion', 'tiger'."
    assert str(caught.value) == expected


def test_what_is_appended_need_not_have_the_classes_that_the_options_of_the_dataset_name() -> None:
    options = ConvertOptions(classes=("b", "a"), drop_classes=("x",), rename_classes={"y": "a"})
    result = arrange_classes(of_folders("c", "a"), options, {"label": ["b", "a", "c"]})
    assert labels_of(result.example_table) == {"c/0.png": "c", "a/1.png": "a"}
    assert result.warnings == []


def test_options_of_classes_need_a_label_with_classes() -> None:
    with pytest.raises(UsageError, match=r"need a label with classes\. Received the labels: age:int\."):
        arranged(of_table(age=[1]), classes=["a"])


def test_folders_and_a_table_agree_in_a_whole_source(tmp_path: Path) -> None:
    pictures = [f"{number}/{number}.jpg" for number in (2, 10, 9)]
    rows = "".join(f"{path},{path.partition('/')[0]}.0\n" for path in pictures)
    make(tmp_path, f"path,label\n{rows}2/2.jpg,9.0\n", *pictures)
    (tmp_path / "labels.csv").write_text(f"path,label\n{rows}")
    found = find(tmp_path)
    assert found.example_table.features["label"].class_names == ["2", "9", "10"]
    assert found.rejects == []
    (tmp_path / "labels.csv").write_text("path,label\n2/2.jpg,9.0\n9/9.jpg,2.0\n10/10.jpg,10.0\n")
    assert [reject.reason for reject in find(tmp_path).rejects] == ["label_conflict"] * 2


def test_the_order_of_columns_stays_unless_classes_are_given() -> None:
    label, numbers = number_classes("multiclass", [["10"], ["9", "2"], []], ["10", "9", "2", "0"])
    table = ExampleTable(
        files=FileColumns.of(SourceFile(f"{i}.png", 1, 1) for i in range(3)),
        labels={"label": numbers},
        features={"label": label},
        splits=Categories.of([None] * 3),
    )
    assert numbers == [[0], [1, 2], []]
    kept = arranged(table, class_order="text", drop_classes=["9"], rename_classes={"0": "10"}).example_table
    assert (kept.features["label"].class_names, kept.labels["label"]) == (["10", "2"], [[0], [1], []])
    assert kept.features["label"].class_order == "given"
    assert classes(table, classes=["2", "9", "10"]) == ["2", "9", "10"]
