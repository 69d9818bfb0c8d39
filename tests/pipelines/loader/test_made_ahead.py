"""Things are made ahead of use, in order, and never more than a few."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.pipelines.loader.made_ahead import MadeAhead
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(3) as pool:
        yield pool


@given(first=st.integers(0, 5), count=st.integers(0, 12), ahead=st.integers(0, 6))
def test_everything_comes_once_and_in_order(
    pool: ThreadPoolExecutor, first: int, count: int, ahead: int
) -> None:
    numbers = range(first, first + count)
    made = MadeAhead(lambda number: -number, numbers, pool=pool, ahead=ahead)
    assert list(made) == [(number, -number) for number in numbers]
    assert list(made) == []


def _has(begun: list[int], least: int) -> bool:
    return len(begun) >= least


@pytest.mark.parametrize("ahead", [1, 2, 5])
def test_no_more_are_begun_than_may_wait(pool: ThreadPoolExecutor, ahead: int) -> None:
    begun: list[int] = []
    made = MadeAhead(begun.append, range(20), pool=pool, ahead=ahead)
    assert begun == []
    for returned in range(1, 8):
        next(made)
        pool.submit(int).result()  # whatever was submitted has been taken by a thread
        assert set(begun) <= set(range(returned + ahead))
        # And all that may wait is made, although nobody asks.
        wait_until(partial(_has, begun, returned + ahead))


def test_without_anything_ahead_the_thread_that_asks_makes_it(pool: ThreadPoolExecutor) -> None:
    made = MadeAhead(lambda _: threading.get_ident(), range(3), pool=pool, ahead=0)
    assert [thread for _, thread in made] == [threading.get_ident()] * 3
    assert not made.is_ready


@pytest.mark.parametrize("ahead", [0, 1, 4])
def test_an_error_comes_in_its_turn_and_ends_all(pool: ThreadPoolExecutor, ahead: int) -> None:
    def make(number: int) -> int:
        if number == 2:
            msg = "the third"
            raise ValueError(msg)
        return number

    made = MadeAhead(make, range(9), pool=pool, ahead=ahead)
    assert [next(made), next(made)] == [(0, 0), (1, 1)]
    with pytest.raises(ValueError, match="the third"):
        next(made)
    assert list(made) == []


def test_what_nobody_wants_any_more_is_not_begun() -> None:
    begun: list[int] = []
    may_end = threading.Event()

    def make(number: int) -> None:
        begun.append(number)
        if number:
            may_end.wait()

    with ThreadPoolExecutor(1) as pool:
        made = MadeAhead(make, range(9), pool=pool, ahead=5)
        next(made)  # 1 to 5 wait: 1 is being made
        wait_until(lambda: len(begun) == 2)
        del made
        may_end.set()
    assert begun == [0, 1]


def test_whether_the_next_is_ready_is_known(pool: ThreadPoolExecutor) -> None:
    may_end = threading.Event()
    made = MadeAhead(lambda number: number and may_end.wait(), range(2), pool=pool, ahead=2)
    next(made)
    assert not made.is_ready
    may_end.set()
    wait_until(lambda: made.is_ready)
    assert next(made) == (1, True)
    assert not made.is_ready


def test_what_failed_is_not_ready(pool: ThreadPoolExecutor) -> None:
    made = MadeAhead(lambda number: 1 // (1 - number), range(2), pool=pool, ahead=2)
    assert next(made) == (0, 1)
    wait([future for _, future in made._pending])
    assert not made.is_ready
    with pytest.raises(ZeroDivisionError):
        next(made)


def test_ctrl_c_in_the_thread_that_makes_loses_nothing(pool: ThreadPoolExecutor) -> None:
    interrupts = [KeyboardInterrupt()]

    def make(number: int) -> int:
        if number == 1 and interrupts:
            raise interrupts.pop()
        return number

    made = MadeAhead(make, range(3), pool=pool, ahead=0)
    assert next(made) == (0, 0)
    with pytest.raises(KeyboardInterrupt):
        next(made)
    assert list(made) == [(1, 1), (2, 2)]
