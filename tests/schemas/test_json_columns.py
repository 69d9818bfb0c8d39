"""Rows of columns are the JSON that `json.dumps` writes of them."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.schemas.categories import Categories
from fitfeed.schemas.json_columns import Column, joined_json, json_list, json_of_rows, json_rows
from fitfeed.schemas.packed_texts import PackedTexts

TEXTS = st.text(
    st.characters(codec=None, max_codepoint=0x3000) | st.sampled_from('ab "\\/~\x7f\udcff'), max_size=4
)
ROWS = st.lists(
    st.tuples(
        st.text("ab/. ~!", max_size=4),
        TEXTS,
        st.integers(-(2**63), 2**63 - 1),
        st.integers(0, 255),
        st.sampled_from(["train", "é", 'a"b']),
        st.recursive(st.none() | st.floats(allow_nan=False) | TEXTS, st.lists, max_leaves=4),
    ),
    max_size=9,
)


@given(ROWS)
def test_rows_are_those_of_json(rows: list[tuple[str, str, int, int, str, object]]) -> None:
    plain, texts, numbers, small, names, others = zip(*rows, strict=True) if rows else [()] * 6
    columns: list[Column] = [
        PackedTexts.of(plain),
        PackedTexts.of(["before", *texts])[1:],
        np.array(numbers, np.int64),
        np.array(small, np.uint8),
        Categories.of(names),
        list(others),
    ]
    assert json_rows(columns) == json.dumps(rows, separators=(",", ":"))[1:-1].encode()
    assert (
        json_rows(columns[:1]) == json.dumps([row[:1] for row in rows], separators=(",", ":"))[1:-1].encode()
    )
    each = json_of_rows(columns)
    assert each.to_pylist() == [json.dumps(row, separators=(",", ":")) for row in rows]
    assert joined_json(each[::-1]) == (json.dumps(rows[::-1], separators=(",", ":"))[1:-1].encode())
    for column, values in zip(columns, (plain, texts, numbers, small, names), strict=False):
        assert json_list(column) == json.dumps(values).encode()


@given(st.lists(st.integers(-1, 1).map(lambda sign: sign * 2**62), min_size=1, max_size=3), st.integers(0, 4))
def test_rows_that_are_all_equal_are_those_of_json(row: list[int], count: int) -> None:
    columns = [np.full(count, value, np.int64) for value in row]
    assert json_rows(columns) == json.dumps([row] * count, separators=(",", ":"))[1:-1].encode()
    assert json_list(columns[0]) == json.dumps(row[:1] * count).encode()


@pytest.mark.parametrize("values", [[True, True], [True, False], [1.0, 1.0], [1.0, 2.5]])
def test_other_numbers_are_those_of_json_whether_equal_or_not(values: list[float]) -> None:
    assert json_list(np.array(values)) == json.dumps(values).encode()
