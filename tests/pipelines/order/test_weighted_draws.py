"""Draws by weight: exact counts in each epoch, frequencies over many, resuming and sharing."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fitfeed.pipelines.order.batch_request import ExampleNumbers
from fitfeed.pipelines.order.global_batches import EpochSteps
from fitfeed.pipelines.order.shuffle import Order
from fitfeed.pipelines.order.weighted_draws import WeightedOrder, as_units
from tests.effort import tries

finite = st.floats(0, 1e308, allow_subnormal=False)
weights_of_any_size = st.one_of(
    st.lists(st.integers(0, 9), min_size=1, max_size=80),
    st.lists(finite, min_size=1, max_size=80),
    st.lists(st.floats(0, 1), min_size=1, max_size=80),
).filter(any)


def order_of(weights: Any, *, seed: int = 0, batch_size: int = 10**6) -> WeightedOrder:
    given = np.array(weights, np.float64)
    steps = EpochSteps(examples=len(given), batch_size=batch_size, shard=(0, 1), drop_remainder=False)
    return WeightedOrder(steps=steps, weights=given, seed=seed)


def draws_of(order: WeightedOrder, epoch: int) -> ExampleNumbers:
    return order.at(epoch, np.arange(order.steps.examples))


@settings(max_examples=tries(150))
@given(weights_of_any_size, st.integers(0, 2**63), st.integers(0, 10**9))
def test_each_example_occurs_as_often_as_its_share_rounded_down_or_up(
    weights: list[float], seed: int, epoch: int
) -> None:
    """In Python's integers, so nothing here is rounded."""
    examples, rng_index = draws_of(order_of(weights, seed=seed), epoch)
    count, units = len(weights), as_units(np.array(weights, np.float64)).tolist()
    times = np.bincount(examples, minlength=count).tolist()
    assert sum(times) == count
    for unit, occurs in zip(units, times, strict=True):
        assert count * unit // sum(units) <= occurs <= -(-count * unit // sum(units))
    # The draws of an example are numbered through, so each is augmented by numbers of its own.
    assert np.array_equal(rng_index % count, examples)
    assert sorted((rng_index // count).tolist()) == sorted(draw for occurs in times for draw in range(occurs))


@pytest.mark.slow
@settings(max_examples=tries(40))
@given(weights_of_any_size, st.integers(0, 2**63))
def test_over_many_epochs_frequencies_are_the_weights(weights: list[float], seed: int) -> None:
    """Independent draws would differ by their standard deviation, some 7 for 50 epochs; these by less than 4."""
    order, share = order_of(weights, seed=seed), np.array(weights, np.float64) / max(weights)
    share = share / share.sum() * len(weights)
    times: npt.NDArray[np.float64] = np.zeros(len(weights))
    for epoch in range(50):
        times += np.bincount(draws_of(order, epoch).examples, minlength=len(weights))
    assert np.abs(times - 50 * share).max() < 4


def test_whole_numbers_are_exact() -> None:
    """Shares that are whole: each epoch has exactly so many of each."""
    for epoch in range(50):
        times = np.bincount(
            draws_of(order_of([3, 1, 1, 0, 5, 2] * 7 + [0] * 42), epoch).examples, minlength=84
        )
        assert times.tolist() == [3, 1, 1, 0, 5, 2] * 7 + [0] * 42


@given(st.integers(1, 300), st.floats(1e-300, 1e300), st.integers(0, 99))
def test_equal_weights_are_the_order_without_weights(count: int, weight: float, epoch: int) -> None:
    order = order_of([weight] * count, seed=7)
    plain = Order(steps=order.steps, shuffle=True, seed=7)
    for ours, theirs in zip(draws_of(order, epoch), plain.at(epoch, np.arange(count)), strict=True):
        assert np.array_equal(ours, theirs)


def test_draws_are_shuffled_and_other_seeds_and_epochs_draw_others() -> None:
    weights = np.random.default_rng(0).random(500)
    one, again = draws_of(order_of(weights, seed=1), 0), draws_of(order_of(weights, seed=1), 0)
    assert np.array_equal(one.examples, again.examples)
    assert np.abs(np.corrcoef(one.examples, np.arange(500))[0, 1]) < 0.15
    for other in (draws_of(order_of(weights, seed=2), 0), draws_of(order_of(weights, seed=1), 1)):
        assert not np.array_equal(np.sort(one.examples), np.sort(other.examples))


@pytest.mark.parametrize("shard", [(0, 1), (1, 3)])
def test_any_step_is_computed_without_the_steps_before(shard: tuple[int, int]) -> None:
    steps = EpochSteps(examples=100, batch_size=7, shard=shard, drop_remainder=True)
    order = WeightedOrder(steps=steps, weights=np.arange(100.0), seed=4)
    whole = draws_of(order, 8)
    for step in reversed(range(len(steps))):
        first, stop = steps.bounds(step)
        request = order.request(8, step)
        assert np.array_equal(request.examples, whole.examples[first:stop])
        assert np.array_equal(request.rng_index, whole.rng_index[first:stop])


def test_as_many_as_there_may_be() -> None:
    """Arithmetic does not overflow with two billion draws: the last of them is still in its place."""
    order = order_of([1.0, 2.0, 1.0])
    order.steps = EpochSteps(examples=2**31 - 1, batch_size=1, shard=(0, 1), drop_remainder=True)
    for draw in (0, 1, 2**30, 2**31 - 2):
        point = (draw * order._sum + order._sum - 1) // (2**31 - 1)
        assert order._points(np.array([draw]), order._sum - 1).tolist() == [point]
    examples, rng_index = order.at(5, np.arange(1000))
    assert (rng_index // (2**31 - 1) < 2**30 + 2).all()
    assert (rng_index >= 0).all()
    assert set(examples.tolist()) == {0, 1, 2}


def test_the_order_of_a_run_that_goes_on_is_pinned() -> None:
    """What a later version draws must be what this one drew."""
    examples, rng_index = draws_of(order_of([0.3, 2, 1, 0, 0.5, 0.25, 4, 1, 0.1, 1], seed=7), 3)
    assert examples.tolist() == [2, 6, 6, 7, 6, 1, 9, 6, 1, 0]
    assert rng_index.tolist() == [2, 36, 16, 7, 6, 1, 9, 26, 11, 0]
