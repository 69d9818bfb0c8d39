"""A column of integers is a sequence like a list of the same ones."""

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.schemas.integer_column import IntegerColumn
from fitfeed.schemas.json_columns import json_items, json_list, json_rows

INTEGERS = st.lists(st.integers(-(2**63), 2**63 - 1) | st.just(0), max_size=9)


@given(INTEGERS, st.data())
def test_it_is_like_a_list(values: list[int], data: st.DataObject) -> None:
    column = IntegerColumn.of(values)
    assert column == values
    assert [column[place] for place in range(-len(values), len(values))] == values * 2
    chosen = data.draw(st.slices(len(values)))
    assert column[chosen] == values[chosen]
    for _ in range(2):  # the second time, the digits are there
        assert json_list(column) == json.dumps(values).encode()
        assert b"".join(json_items(column)) == json.dumps(values, separators=(",", ":"))[1:-1].encode()
        assert json_rows([column, column]) == b",".join(b"[%d,%d]" % (each, each) for each in values)


def test_the_digits_of_equal_integers_are_one_text() -> None:
    assert IntegerColumn(np.full(5, 3, np.uint8)).texts == "3"
    assert len(IntegerColumn(np.arange(5)).texts) == 5
