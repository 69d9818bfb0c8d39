"""Texts are found in the first row that has them, however a column is divided."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.schemas import find_texts
from fitfeed.schemas.find_texts import rows_of
from fitfeed.schemas.packed_texts import PackedTexts

TEXTS = st.lists(st.text("ab\udcff\U0001f600", max_size=3), max_size=40)


@given(TEXTS, TEXTS, st.integers(1, 50))
def test_each_is_found_in_its_first_row(texts: list[str], column: list[str], max_hashed: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(find_texts, "MAX_HASHED", max_hashed)
        found = rows_of(PackedTexts.of(texts), PackedTexts.of(["before", *column])[1:])
    if texts == column:  # then nothing is looked up
        assert found.tolist() == list(range(len(texts)))
    else:
        assert found.tolist() == [column.index(text) if text in column else -1 for text in texts]


@given(st.lists(st.text("ab\udcff", max_size=3)))
def test_the_same_column_is_found_without_looking(texts: list[str]) -> None:
    """So a text that is in two rows is found in both."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(find_texts, "_rows_of_some")
        found = rows_of(PackedTexts.of(texts), PackedTexts.of(["before", *texts])[1:])
    assert found.tolist() == list(range(len(texts)))
