"""The order of chosen examples: each of them once, none else, whatever the order of their places is."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fitfeed.pipelines.order.batch_request import EpochOrder, ExampleNumbers
from fitfeed.pipelines.order.cached_order import CachedOrder
from fitfeed.pipelines.order.class_balance import BalancedOrder
from fitfeed.pipelines.order.global_batches import EpochSteps
from fitfeed.pipelines.order.selection import SelectedOrder
from fitfeed.pipelines.order.shuffle import Order
from fitfeed.pipelines.order.weighted_draws import WeightedOrder
from tests.effort import tries

choices = st.integers(12, 300).flatmap(
    lambda total: st.tuples(
        st.just(total), st.lists(st.integers(0, total - 1), min_size=12, max_size=60, unique=True)
    )
)


def steps_of(count: int, batch_size: int, shard: tuple[int, int] = (0, 1)) -> EpochSteps:
    return EpochSteps(examples=count, batch_size=batch_size, shard=shard, drop_remainder=False)


def epoch_of(order: EpochOrder, epoch: int, first: int = 0) -> list[ExampleNumbers]:
    cached = CachedOrder(order)
    return [ExampleNumbers(*cached.request(epoch, step)[2:4]) for step in range(first, len(order.steps))]


def joined(parts: list[ExampleNumbers]) -> ExampleNumbers:
    return ExampleNumbers(*(np.concatenate(part) for part in zip(*parts, strict=True)))


@settings(max_examples=tries(60))
@given(choices, st.booleans(), st.integers(0, 2**40), st.integers(0, 1000), st.integers(1, 9))
def test_each_chosen_example_once_and_none_else(
    choice: tuple[int, list[int]], shuffle: bool, seed: int, epoch: int, batch_size: int
) -> None:
    total, chosen = choice
    order = SelectedOrder(
        Order(steps=steps_of(len(chosen), batch_size), shuffle=shuffle, seed=seed),
        np.array(chosen),
        examples=total,
    )
    batches = epoch_of(order, epoch)
    examples, rng_index = joined(batches)
    assert len(batches) == -(-len(chosen) // batch_size)
    assert sorted(examples.tolist()) == sorted(chosen)
    if not shuffle:
        assert examples.tolist() == chosen
    assert examples.dtype == rng_index.dtype == np.int64
    assert np.array_equal(rng_index, examples)  # augmented as without a choice
    for step in range(len(batches)):
        rest = joined(epoch_of(order, epoch, step)).examples.tolist()
        assert rest == joined(batches[step:]).examples.tolist()


@settings(max_examples=tries(40))
@given(
    choices,
    st.sampled_from(["shuffle", "balance", "weights"]),
    st.integers(2, 4),
    st.integers(2, 3),
    st.integers(0, 9),
)
def test_workers_share_the_epoch(
    choice: tuple[int, list[int]], kind: str, count: int, batch_size: int, epoch: int
) -> None:
    total, chosen = choice

    def order_of(steps: EpochSteps) -> EpochOrder:
        places: EpochOrder = Order(steps=steps, shuffle=True, seed=1)
        if kind == "balance":
            places = BalancedOrder(steps=steps, labels=np.arange(len(chosen)) % 3, seed=1)
        if kind == "weights":
            places = WeightedOrder(steps=steps, weights=np.arange(1.0, len(chosen) + 1), seed=1)
        return SelectedOrder(places, np.array(chosen), examples=total)

    whole = joined(epoch_of(order_of(steps_of(len(chosen), batch_size * count)), epoch))
    workers = [order_of(steps_of(len(chosen), batch_size, (index, count))) for index in range(count)]
    assert len({len(worker.steps) for worker in workers}) == 1
    parts = joined([part for worker in workers for part in epoch_of(worker, epoch)])
    assert sorted(zip(*map(np.ndarray.tolist, parts), strict=True)) == sorted(
        zip(*map(np.ndarray.tolist, whole), strict=True)
    )
    assert set(whole.examples.tolist()) <= set(chosen)


@given(choices)
def test_examples_that_occur_again_are_augmented_anew(choice: tuple[int, list[int]]) -> None:
    total, chosen = choice
    labels = (np.arange(len(chosen)) > 1).astype(np.int64)  # two examples of class 0, so each comes often
    places = BalancedOrder(steps=steps_of(len(chosen), 5), labels=labels, seed=3)
    examples, rng_index = joined(epoch_of(SelectedOrder(places, np.array(chosen), examples=total), 2))
    assert len(set(rng_index.tolist())) == len(chosen)
    assert np.array_equal(rng_index % total, examples)


def test_ten_million_numbers_take_four_bytes_each() -> None:
    order = SelectedOrder(
        Order(steps=steps_of(1000, 10), shuffle=True, seed=1), np.arange(1000), examples=2**31 - 1
    )
    more = SelectedOrder(
        Order(steps=steps_of(1000, 10), shuffle=True, seed=1), np.arange(1000), examples=2**31
    )
    assert order._chosen.dtype == np.int32
    assert more._chosen.dtype == np.int64
    assert np.array_equal(order.request(1, 2).examples, more.request(1, 2).examples)
