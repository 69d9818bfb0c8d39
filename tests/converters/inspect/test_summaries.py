"""What is counted of values, and which of them are kept."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.converters.inspect.report import DISTINCT_LIMIT, FEW, Span
from fitfeed.converters.inspect.summaries import ByteStrings, Numbers, text_of


def test_distinct_values_are_counted_up_to_a_limit() -> None:
    numbers = Numbers()
    for start in range(0, 10 * DISTINCT_LIMIT, 500):
        numbers.add(np.arange(start, start + 500))
    assert numbers.distinct == DISTINCT_LIMIT + 1
    assert numbers.few == ()


@given(st.lists(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=5)))
def test_lists_are_summed_up_like_arrays(lists: list[list[int]]) -> None:
    numbers = Numbers()
    for values in lists:
        numbers.add_list(values, np.int64)
    flat = [value for values in lists for value in values]
    assert numbers.span == (Span(min(flat), max(flat)) if flat else None)
    assert numbers.distinct == len(set(flat))
    assert numbers.few == (tuple(sorted(set(flat))) if len(set(flat)) <= FEW else ())


def test_lists_of_two_types_are_not_mixed() -> None:
    numbers = Numbers()
    numbers.add_list([0.5], np.float32)
    numbers.add_list([2**62 + 1], np.int64)
    assert numbers.span == Span(0.5, 2**62 + 1)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_have_the_digits_that_they_need(dtype: type[np.floating]) -> None:
    numbers = Numbers()
    numbers.add(np.array([0.1, math.nan, math.inf], dtype))
    assert numbers.span == Span(0.1, 0.1)
    assert numbers.not_finite == 2


def test_booleans_are_0_and_1() -> None:
    numbers = Numbers()
    numbers.add(np.array([[True], [False]]))
    assert numbers.few == (0, 1)


def test_few_names_are_kept() -> None:
    strings = ByteStrings()
    for value in (b"dog", "Kätzchen".encode(), b"dog", b"gr\xf6n"):
        strings.add(value)
    assert strings.few == ("Kätzchen", "dog", "gr\\xf6n")
    assert strings.distinct == 3


def test_long_and_odd_bytes_are_not_names() -> None:
    strings = ByteStrings()
    strings.add(bytes(range(60)))
    assert strings.few == ()
    strings.add(bytes(65))
    assert strings.distinct is None


def test_bytes_that_are_not_text() -> None:
    assert text_of(b"name\0\0") == "name"
    assert text_of(b"\xff\xd8\xff\xe0") is None
    assert text_of(b"a\nb") is None
