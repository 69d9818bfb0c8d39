"""Columns of names: each held once, few of them, and nothing read that is not there."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fitfeed.schemas.errors import DamagedDatasetError
from fitfeed.schemas.index_columns import (
    MAX_NAMES,
    NULL,
    OTHER,
    ListColumn,
    NameColumn,
    TextColumn,
    column_values,
    encode_names,
)

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


@pytest.mark.parametrize(
    "kind", [pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.float64()]
)
@pytest.mark.parametrize("part", [slice(None), slice(3, 7), slice(0, 0)])
def test_numbers_are_those_of_arrow(kind: Any, part: slice) -> None:
    numbers = pa.array(range(9), kind)[part]
    ours = column_values(numbers)
    assert ours.tolist() == numbers.to_pylist()
    assert ours.dtype == numbers.to_numpy().dtype
    assert not ours.flags.writeable


def test_byte_strings_of_one_length_are_their_bytes() -> None:
    strings = pa.array([b"abc", b"def", b"ghi"], pa.binary(3))
    assert column_values(strings[1:]).tobytes() == b"defghi"
    assert column_values(strings[:0]).dtype == "V3"


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1.5], pa.float32()),
        pa.array([True]),
        pa.array([1, None]),
        pa.array(["a"]),
        pa.array(np.array([1.5], np.float16)),
    ],
)
def test_other_columns_are_no_numbers(column: Any) -> None:
    """NumPy has other types by the names `float` and `bool`, and what is at the place of a null may be anything."""
    with pytest.raises(TypeError, match=r"without nulls\. Received: "):
        column_values(column)


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_columns_may_be_parts_of_others(kind: Any) -> None:
    texts = pa.array(["a", "bcd", "", "ef"], kind)[1:]
    read_texts = TextColumn(FILE, "note", texts)
    assert [read_texts[row] for row in range(len(texts))] == texts.to_pylist()
    lists = pa.array([[1], [2, 3], [], [4]], pa.large_list(pa.int64()))[1:]
    read_lists = ListColumn(FILE, "tags", lists)
    assert [read_lists[row].tolist() for row in range(len(lists))] == lists.to_pylist()
    names = encode_names([None, "a", None, *["b", None] * 8])[1:]
    assert read(names) == names.to_pylist()
