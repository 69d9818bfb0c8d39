import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.pipelines.order.cached_order import CachedOrder
from fitfeed.pipelines.order.class_balance import BalancedOrder
from fitfeed.pipelines.order.counter_rng import fold_in, splitmix64, uniform, uniforms
from fitfeed.pipelines.order.global_batches import EpochSteps
from fitfeed.pipelines.order.shuffle import Order, permute
from fitfeed.schemas.errors import UsageError

seeds = st.integers(-(2**70), 2**70)
epochs = st.integers(0, 10_000)


@given(size=st.integers(1, 5000), seed=seeds, epoch=epochs)
def test_permute_is_a_bijection(size: int, seed: int, epoch: int) -> None:
    numbers = permute(np.arange(size), size=size, seed=seed, epoch=epoch)
    assert numbers.dtype == np.int64
    assert np.array_equal(np.sort(numbers), np.arange(size))


@given(size=st.integers(2, 2**40), seed=seeds, epoch=epochs, data=st.data())
def test_permute_needs_no_neighbors(size: int, seed: int, epoch: int, data: st.DataObject) -> None:
    positions = np.array(data.draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=20)))
    together = permute(positions, size=size, seed=seed, epoch=epoch)
    alone = [
        int(permute(positions[i : i + 1], size=size, seed=seed, epoch=epoch)[0])
        for i in range(len(positions))
    ]
    assert together.tolist() == alone
    assert ((together >= 0) & (together < size)).all()


def test_permute_differs_by_epoch_and_seed() -> None:
    orders = {
        tuple(permute(np.arange(100), size=100, seed=s, epoch=e))
        for s in (-1, 0, 1, 2**64)
        for e in range(50)
    }
    assert len(orders) == 200


@pytest.mark.slow
@pytest.mark.parametrize("size", [2, 3, 5, 16, 17])
def test_every_place_is_equally_likely(size: int) -> None:
    rounds = 1000
    orders = np.stack([permute(np.arange(size), size=size, seed=3, epoch=e) for e in range(rounds)])
    counts = np.stack([np.bincount(orders[:, i], minlength=size) for i in range(size)])
    expected = rounds / size
    # Chi-square with (size - 1)**2 degrees of freedom; six standard deviations above its mean.
    freedom = (size - 1) ** 2
    assert ((counts - expected) ** 2 / expected).sum() < freedom + 6 * (2 * freedom) ** 0.5 + 6


def test_neighbors_are_unrelated() -> None:
    order = permute(np.arange(10_000), size=10_000, seed=0, epoch=0)
    assert abs(np.corrcoef(order[:-1], order[1:])[0, 1]) < 0.04
    assert abs(np.corrcoef(order, permute(np.arange(10_000), size=10_000, seed=0, epoch=1))[0, 1]) < 0.04


def test_mix_is_splitmix64() -> None:
    # The first outputs of the published generator for seed 1234567.
    state = np.uint64(1234567) + np.arange(3, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    assert splitmix64(state).tolist() == [6457827717110365317, 3203168211198807973, 9817491932198370423]


@given(st.lists(st.tuples(st.sampled_from("ab"), seeds, seeds), min_size=2, max_size=2, unique=True))
def test_keys_differ(keys: list[tuple[str, int, int]]) -> None:
    first, second = (fold_in(*key)[0] for key in keys)
    assert first != second


def test_uniform_is_uniform_and_of_the_example_only() -> None:
    numbers = uniform(fold_in("test", 0), np.arange(20_000), draws=3)
    assert numbers.min() >= 0
    assert numbers.max() < 1
    assert np.allclose(numbers.mean(axis=0), 0.5, atol=0.01)
    assert np.allclose(np.corrcoef(numbers.T), np.eye(3), atol=0.03)
    assert np.array_equal(uniform(fold_in("test", 0), np.array([77, 5]), draws=3), numbers[[77, 5]])


@given(st.lists(st.integers(0, 9), min_size=1, max_size=5))
def test_numbers_for_one_key_do_not_depend_on_others(draws: list[int]) -> None:
    keys, examples = [fold_in("test", number) for number in range(len(draws))], np.arange(7)
    drawn = uniforms(np.concatenate(keys), examples, draws=draws)
    for key, count, numbers in zip(keys, draws, drawn, strict=True):
        assert np.array_equal(numbers, uniform(key, examples, draws=count))
        # By the definition: the splitmix64 stream that begins at the hash of key and example.
        stream = splitmix64(splitmix64(examples.astype(np.uint64)) ^ key)
        states = [
            stream + np.uint64(place) * np.array(0x9E3779B97F4A7C15, np.uint64) for place in range(count)
        ]
        assert numbers.shape == (7, count)
        for state, column in zip(states, numbers.T, strict=True):
            assert np.array_equal(column, (splitmix64(state) >> np.uint64(11)) / 2.0**53)


layouts = st.tuples(st.integers(1, 300), st.integers(1, 20), st.integers(1, 7), st.booleans())


@given(layouts)
def test_workers_share_an_epoch_evenly(layout: tuple[int, int, int, bool]) -> None:
    examples, batch_size, workers, drop = layout
    try:
        steps = [
            EpochSteps(examples=examples, batch_size=batch_size, shard=(k, workers), drop_remainder=drop)
            for k in range(workers)
        ]
    except UsageError:
        too_few = examples < batch_size * workers if drop else examples < workers
        assert too_few or (not drop and batch_size == 1 and examples % workers)
        return
    assert len({len(each) for each in steps}) == 1
    seen: list[int] = []
    for step in range(len(steps[0])):
        slices = [each.bounds(step) for each in steps]
        sizes = [stop - first for first, stop in slices]
        assert [int(each.sizes()[step]) for each in steps] == sizes
        assert all(0 < size <= batch_size for size in sizes)
        assert max(sizes) - min(sizes) <= 1
        assert not drop or set(sizes) == {batch_size}
        seen += [position for first, stop in slices for position in range(first, stop)]
    kept = examples - examples % (batch_size * workers) if drop else examples
    assert seen == list(range(kept))
    assert [int(each.sizes().sum()) for each in steps] == [steps[0].examples_of(k) for k in range(workers)]


@pytest.mark.parametrize(
    ("examples", "batch_size", "shard", "drop", "message"),
    [
        (5, 8, (0, 1), True, "drop_remainder=False"),
        (3, 8, (0, 4), False, "Use fewer workers"),
        (10, 1, (0, 4), False, "batch_size=2 or more"),
    ],
)
def test_too_few_examples(
    examples: int, batch_size: int, shard: tuple[int, int], drop: bool, message: str
) -> None:
    with pytest.raises(UsageError, match=message) as error:
        EpochSteps(examples=examples, batch_size=batch_size, shard=shard, drop_remainder=drop)
    assert "Received: " in str(error.value)


def test_order_covers_an_epoch_and_is_stored_order_without_shuffle() -> None:
    steps = EpochSteps(examples=50, batch_size=8, shard=(0, 1), drop_remainder=False)
    shuffled = Order(steps=steps, shuffle=True, seed=1)
    for epoch in range(2):
        numbers = np.concatenate([shuffled.request(epoch, step).examples for step in range(len(steps))])
        assert sorted(numbers) == list(range(50))
        assert numbers.tolist() != list(range(50))
    stored = Order(steps=steps, shuffle=False, seed=1)
    assert stored.request(3, 6).examples.tolist() == [48, 49]


@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize(("batch_size", "workers"), [(1, 1), (7, 3), (100, 1), (9000, 2), (20, 2)])
def test_working_ahead_changes_nothing(balanced: bool, batch_size: int, workers: int) -> None:
    labels = np.arange(20_003) % 3
    for worker in range(workers):
        steps = EpochSteps(
            examples=20_003, batch_size=batch_size, shard=(worker, workers), drop_remainder=False
        )
        order: Order | BalancedOrder = Order(steps=steps, shuffle=True, seed=3)
        if balanced:
            order = BalancedOrder(steps=steps, labels=labels, seed=3)
        ahead = CachedOrder(order)
        last = len(steps) - 1
        for epoch, step in [(0, 0), (0, last), (1, 0), (0, last // 2), (0, 0), (1, last), (2, last // 3)]:
            ours, theirs = ahead.request(epoch, step), order.request(epoch, step)
            assert np.array_equal(ours.examples, theirs.examples)
            assert np.array_equal(ours.rng_index, theirs.rng_index)
            assert ours[:2] == theirs[:2] == (epoch, step)
