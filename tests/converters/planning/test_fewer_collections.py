"""Garbage is looked for less often within the context, and as before after it."""

import gc
from contextlib import ExitStack

import pytest

from fitfeed.converters.planning.fewer_collections import OBJECTS, fewer_collections


def test_what_was_set_is_set_again() -> None:
    usual = gc.get_threshold()
    with fewer_collections():
        assert gc.get_threshold() == (OBJECTS, *usual[1:])
    assert gc.get_threshold() == usual
    with pytest.raises(ZeroDivisionError), fewer_collections():
        _ = 1 / 0
    assert gc.get_threshold() == usual


@pytest.mark.parametrize("first", [0, OBJECTS + 1])
def test_a_program_that_looks_more_rarely_still_does(first: int) -> None:
    usual = gc.get_threshold()
    gc.set_threshold(first, *usual[1:])
    try:
        with fewer_collections():
            assert gc.get_threshold()[0] == first
    finally:
        gc.set_threshold(*usual)


def test_contexts_of_two_threads_may_overlap() -> None:
    usual = gc.get_threshold()
    with ExitStack() as second:
        with fewer_collections():
            second.enter_context(fewer_collections())
        assert gc.get_threshold()[0] == OBJECTS
    assert gc.get_threshold() == usual
