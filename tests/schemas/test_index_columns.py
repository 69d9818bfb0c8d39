"""Columns of names: each held once, few of them, and nothing read that is not there."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fitfeed.schemas.errors import DamagedDatasetError
from fitfeed.schemas.index_columns import MAX_NAMES, NULL, OTHER, NameColumn, encode_names

FILE = Path("train.index.arrow")


def column(encoded: Any) -> NameColumn:
    encoded.validate(full=True)
    assert encoded.type == pa.dictionary(pa.int8(), pa.string())
    return NameColumn(FILE, "profile", encoded)


def read(encoded: Any) -> list[str | None]:
    names = column(encoded)
    return [names[row] for row in range(len(encoded))]


NAMES = st.lists(st.none() | st.sampled_from(["", "sRGB", "Display P3", "图"]), max_size=40)


@given(NAMES, NAMES)
def test_what_is_written_is_read_also_after_more_was_added(
    first: list[str | None], more: list[str | None]
) -> None:
    encoded = encode_names(first)
    assert encoded.to_pylist() == read(encoded) == first
    both = encode_names(more, column(encoded))
    assert both.to_pylist() == read(both) == first + more
    assert both.equals(encode_names(first + more))


@example(names=[None, "sRGB", None], first=2, stop=1)
@given(names=NAMES, first=st.integers(0, 40), stop=st.integers(0, 40))
def test_numbers_of_some_rows(names: list[str | None], first: int, stop: int) -> None:
    part = column(encode_names(names))
    expected = [NULL if name is None else part.names.index(name) for name in names]
    assert part.numbers(slice(first, stop)).tolist() == expected[first:stop]


def test_names_beyond_the_most_are_others() -> None:
    names = [f"profile {number}" for number in range(MAX_NAMES + 5)]
    encoded = encode_names([*names, names[3], None])
    assert read(encoded) == [*names[:MAX_NAMES], *[OTHER] * 5, names[3], None]
    assert read(encode_names(["one more", names[0]], column(encoded)))[-2:] == [OTHER, names[0]]


@pytest.mark.parametrize("numbers", [[0, 1, 2], [0, 1, -1], [0, 1, -128], [0, 1, 127]])
def test_a_number_that_no_text_has_is_named_with_its_row(numbers: list[int]) -> None:
    hostile = pa.DictionaryArray.from_arrays(
        pa.array(numbers, pa.int8()), pa.array(["a", "b"], pa.string()), safe=False
    )
    names = NameColumn(FILE, "profile", hostile)
    assert (names[0], names[1]) == ("a", "b")
    message = f"the profile of row 2 is not text: it would be number {numbers[2]} of 2"
    with pytest.raises(DamagedDatasetError, match=message):
        names[2]
    with pytest.raises(DamagedDatasetError, match=message):
        names.numbers(slice(None))
    with pytest.raises(DamagedDatasetError, match=message):
        encode_names([], names)


def test_texts_that_are_none_are_named() -> None:
    texts = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(np.array([0, 2], np.int32).tobytes()), pa.py_buffer(b"\xff\xfe")]
    )
    hostile = pa.DictionaryArray.from_arrays(pa.array([0], pa.int8()), texts)
    with pytest.raises(DamagedDatasetError, match="the profile of row 0 is not text: invalid start byte"):
        NameColumn(FILE, "profile", hostile)
