"""The arithmetic of steps, worker by worker."""

import numpy as np
import pytest

from fitfeed.pipelines.order.global_batches import EpochSteps
from fitfeed.schemas.errors import UsageError


def steps(examples: int, batch_size: int, shard: tuple[int, int], *, drop: bool = False) -> EpochSteps:
    return EpochSteps(examples=examples, batch_size=batch_size, shard=shard, drop_remainder=drop)


@pytest.mark.parametrize(
    ("worker", "bounds"), [(0, [(0, 2), (4, 6), (8, 9)]), (1, [(2, 4), (6, 8), (9, 10)])]
)
def test_a_remainder_is_divided_among_the_workers(worker: int, bounds: list[tuple[int, int]]) -> None:
    one = steps(10, 2, (worker, 2))
    assert one.global_batch == 4
    assert [one.bounds(step) for step in range(len(one))] == bounds
    assert one.sizes().tolist() == [2, 2, 1]
    assert one.examples_of(worker) == 5


def test_a_remainder_smaller_than_the_workers_takes_from_the_last_full_batch() -> None:
    shares = [steps(13, 4, (worker, 3)) for worker in range(3)]  # 12 and 1: spread as 7 and 6
    assert [[one.bounds(step) for step in range(len(one))] for one in shares] == [
        [(0, 2), (7, 9)],
        [(2, 4), (9, 11)],
        [(4, 7), (11, 13)],
    ]


def test_without_the_remainder_every_batch_is_full() -> None:
    one = steps(13, 4, (1, 3), drop=True)
    assert len(one) == 1
    assert one.bounds(0) == (4, 8)
    assert one.examples_of(2) == 4


@pytest.mark.parametrize("workers", [1, 2, 3, 5])
@pytest.mark.parametrize("examples", range(10, 31))
def test_every_position_is_read_once(examples: int, workers: int) -> None:
    shares = [steps(examples, 2, (worker, workers)) for worker in range(workers)]
    positions = [
        position for one in shares for step in range(len(one)) for position in range(*one.bounds(step))
    ]
    assert sorted(positions) == list(range(examples))
    assert len({len(one) for one in shares}) == 1
    for worker, one in enumerate(shares):
        assert one.sizes().sum() == one.examples_of(worker)
        assert np.all(one.sizes() > 0)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (((3, 4, (0, 1)), True), "the 3 examples do not fill one global batch of 4"),
        (((3, 4, (0, 5)), False), "every worker needs an example"),
        (((5, 1, (0, 4)), False), "batches of one cannot be divided"),
    ],
)
def test_too_few_examples_are_refused(
    given: tuple[tuple[int, int, tuple[int, int]], bool], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        steps(*given[0], drop=given[1])
