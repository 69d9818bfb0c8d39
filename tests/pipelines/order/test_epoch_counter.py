"""Which epoch an iteration is."""

import threading

import pytest

from fitfeed.pipelines.order.epoch_counter import EpochCounter
from fitfeed.schemas.errors import UsageError


def numbers(counter: EpochCounter, count: int) -> list[tuple[int, int]]:
    return [(int(epoch), int(step)) for epoch, step in (counter.next() for _ in range(count))]


def test_every_iteration_is_the_next_epoch_and_only_the_first_begins_within() -> None:
    assert numbers(EpochCounter((3, 4), steps=5), 3) == [(3, 4), (4, 0), (5, 0)]


def test_a_step_behind_the_epoch_is_refused() -> None:
    with pytest.raises(UsageError, match=r"below the 5 of an epoch. Received: start=\(3, 5\). Use \(4, 0\)"):
        EpochCounter((3, 5), steps=5)


def test_many_threads_get_different_epochs() -> None:
    counter, seen = EpochCounter((0, 0), steps=1), []
    threads = [threading.Thread(target=lambda: seen.extend(numbers(counter, 50))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == [(epoch, 0) for epoch in range(400)]


def test_a_call_from_a_position_decides_where_iterations_begin_and_counting_goes_on_from_there() -> None:
    one, other = EpochCounter((0, 0), steps=9), EpochCounter((5, 0), steps=9, identity={"seed": 1})
    assert one.run_from((7, 2), lambda: numbers(one, 2) + numbers(other, 1)) == ([(7, 2), (7, 2), (5, 0)], 2)
    assert numbers(one, 2) == [(8, 0), (9, 0)]
    assert (other.identity, other.is_chief, other.steps) == ({"seed": 1}, True, 9)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, RuntimeError])
def test_nothing_is_left_of_a_call_that_fails(kind: type[BaseException]) -> None:
    counter = EpochCounter((3, 0), steps=9)

    def fail() -> None:
        raise kind

    with pytest.raises(kind):
        counter.run_from((7, 2), fail)
    assert numbers(counter, 1) == [(3, 0)]
