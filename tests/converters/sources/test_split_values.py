"""Values of a split column: names, folds, answers of yes and no."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.converters.sources.label_values import LabelError
from fitfeed.converters.sources.split_values import (
    MAX_SPLITS,
    SplitSpec,
    named_splits,
    parse_split,
    parse_split_spec,
)
from fitfeed.converters.sources.table import Table
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.split_names import SPLIT_NAME


@pytest.fixture
def table(tmp_path: Path) -> Table:
    (tmp_path / "t.csv").write_text("path,is_test,a:0=b\n")
    return Table(tmp_path / "t.csv")


def splits(*values: Any, split_of: dict[str, str] | None = None) -> list[str]:
    read = [parse_split(value, split_of or {}) for value in values]
    return named_splits(read, SplitSpec("set", split_of or {}), "t.csv")[0]


def test_the_option_names_a_column_or_says_what_its_values_mean(table: Table) -> None:
    assert parse_split_spec("is_test", table) == ("is_test", {})
    assert parse_split_spec("a:0=b", table) == ("a:0=b", {})  # a column is called so
    assert parse_split_spec("is_test:0=train, 1.0 =val", table) == (
        "is_test",
        {"0": "train", "1": "validation"},
    )
    for text in ("is_test:0=", "is_test:=x", "is_test:0=a,0.0=b", "is_test:0=../x"):
        with pytest.raises(UsageError, match="takes COLUMN:VALUE=SPLIT"):
            parse_split_spec(text, table)
    with pytest.raises(UsageError, match="--split-column nothing"):
        parse_split_spec("nothing:0=train", table)


def test_names_and_folds() -> None:
    assert splits("train", "Val", "my_holdout2") == ["train", "validation", "my_holdout2"]
    assert splits("0", "1", "2", "2.0") == ["fold0", "fold1", "fold2", "fold2"]
    assert splits(0, 3, 10) == ["fold0", "fold3", "fold10"]
    assert splits("1", "2") == ["fold1", "fold2"]
    with pytest.raises(LabelError, match="is not a split"):
        splits("1.5")


@pytest.mark.parametrize("values", [("0", "1"), (True, False), ("yes", "No"), ("1.0", "0.0"), ("1", "1")])
def test_answers_need_their_question(values: tuple[Any, ...]) -> None:
    with pytest.raises(UsageError, match=r"has only the values .*--split-column set:\S+=train"):
        splits(*values)
    shown = {
        str(value).lower().removesuffix(".0"): name
        for value, name in zip(values, ("test", "train"), strict=True)
    }
    assert splits(*values, split_of=shown) == [
        shown[str(value).lower().removesuffix(".0")] for value in values
    ]


@pytest.mark.parametrize(
    ("column", "written"),
    [
        ("is_train", "0=test,1=train"),
        ("val", "0=train,1=validation"),
        ("in_test", "0=train,1=test"),
        ("x", "0=train,1=test"),
    ],
)
def test_what_to_write_follows_from_the_question(column: str, written: str) -> None:
    with pytest.raises(UsageError, match=f"--split-column {column}:{written}\\."):
        named_splits(["1", "0"], SplitSpec(column, {}), "t.csv")


def test_values_that_the_option_does_not_have() -> None:
    with pytest.raises(LabelError, match="'2' is none of the values of --split-column: 0, 1"):
        splits("2", split_of={"0": "train", "1": "test"})


def test_a_column_of_something_else() -> None:
    with pytest.raises(UsageError, match="has 101 different values, more than 100 splits"):
        splits(*(f"name{i}" for i in range(MAX_SPLITS + 1)))


@given(st.lists(st.one_of(st.integers(0, 999), st.text("abz01 -", max_size=4)), min_size=1, max_size=6))
def test_whatever_a_column_has_becomes_names_of_splits_or_is_refused(values: list[Any]) -> None:
    try:
        found = splits(*values)
    except (LabelError, UsageError):
        return
    assert all(SPLIT_NAME.fullmatch(name) for name in found)
    same = [
        (str(a), str(b)) for a in values for b in values if found[values.index(a)] != found[values.index(b)]
    ]
    assert all(a != b for a, b in same)
