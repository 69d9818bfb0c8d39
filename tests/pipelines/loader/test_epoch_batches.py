"""An iteration gives each batch once, in order, whatever ends a call in between."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from fitfeed.pipelines.loader.epoch_batches import EpochBatches
from fitfeed.pipelines.loader.hand_over import HandOver
from fitfeed.pipelines.loader.made_ahead import MadeAhead
from tests.waiting import wait_until

STEPS = 6


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(3) as pool:
        yield pool


class Interrupted(HandOver[int]):
    """Hands numbers over, and raises once at each of some places, as Ctrl-C or a full device would."""

    def __init__(self, *, sends: bool, raises: dict[tuple[str, int], BaseException]) -> None:
        self.sends, self._raises = sends, dict(raises)

    @override
    def send(self, prepared: int) -> int:
        return self.passed("send", prepared)

    @override
    def receive(self, sent: int) -> int:
        return self.passed("receive", sent)

    def passed(self, place: str, number: int) -> int:
        error = self._raises.pop((place, number), None)
        if error is not None:
            raise error
        return number


def batches(
    make: Callable[[int], int], hand_over: HandOver[int], pool: ThreadPoolExecutor, ahead: int
) -> tuple[EpochBatches[int], list[int], MadeAhead[int]]:
    made = MadeAhead(make, range(STEPS), pool=pool, ahead=ahead)
    counted: list[int] = []
    return EpochBatches(made, hand_over, counted.append), counted, made


@pytest.mark.parametrize("sends", [False, True])
@pytest.mark.parametrize("damaged", range(1, STEPS))
def test_all_batches_before_a_damaged_one_come(pool: ThreadPoolExecutor, sends: bool, damaged: int) -> None:
    failed: list[int] = []

    def make(number: int) -> int:
        if number == damaged:
            failed.append(number)
            msg = "damage"
            raise ValueError(msg)
        return number

    iterator, counted, _ = batches(make, Interrupted(sends=sends, raises={}), pool, STEPS)
    got = [next(iterator)]
    wait_until(lambda: failed)  # the damage is known long before its turn
    pool.submit(int).result()
    got += [next(iterator) for _ in range(damaged - 1)]
    assert got == counted == list(range(damaged))
    with pytest.raises(ValueError, match="damage"):
        next(iterator)
    assert list(iterator) == []
    assert counted == list(range(damaged))


PLACES = st.sampled_from(["make", "send", "receive"])
ERRORS = st.sampled_from([KeyboardInterrupt, MemoryError])


@given(
    raises=st.dictionaries(st.tuples(PLACES, st.integers(0, STEPS - 1)), ERRORS),
    sends=st.booleans(),
    ahead=st.integers(0, 4),
)
def test_what_ends_a_call_loses_no_batch(
    pool: ThreadPoolExecutor,
    raises: dict[tuple[str, int], type[BaseException]],
    sends: bool,
    ahead: int,
) -> None:
    """What `make` raises is its own test: only Ctrl-C, in the thread that asks, is not an error of a batch."""
    kept = {
        (place, number): KeyboardInterrupt() if place == "make" else error()
        for (place, number), error in raises.items()
        if place != "make" or not ahead
    }
    hand_over = Interrupted(sends=sends, raises=kept)
    iterator, counted, _ = batches(lambda number: hand_over.passed("make", number), hand_over, pool, ahead)
    got: list[int] = []
    for _ in range(STEPS + len(kept)):
        try:
            got += iterator
        except (KeyboardInterrupt, MemoryError):
            assert got == counted
    got += iterator
    assert got == counted == list(range(STEPS))


def test_the_next_batch_is_sent_before_this_one_is_received(pool: ThreadPoolExecutor) -> None:
    calls: list[tuple[str, int]] = []

    class Recorded(Interrupted):
        @override
        def passed(self, place: str, number: int) -> int:
            calls.append((place, number))
            return number

    hand_over: Any = Recorded(sends=True, raises={})
    iterator, _, made = batches(int, hand_over, pool, STEPS)
    next(iterator)
    calls.clear()
    wait_until(lambda: made.is_ready)
    assert next(iterator) == 1
    assert ("send", 2) in calls
    assert calls[-1] == ("receive", 1)
