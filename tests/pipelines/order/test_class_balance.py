"""Every class equally often: counts, rounds, sharding and what augmentations draw by."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fitfeed.pipelines import Dataset, RandomResizedCrop, make_pipeline
from fitfeed.pipelines.order.batch_request import ExampleNumbers
from fitfeed.pipelines.order.class_balance import BalancedOrder
from fitfeed.pipelines.order.global_batches import EpochSteps
from fitfeed.pipelines.order.shuffle import permute, permute_by_key
from fitfeed.schemas.errors import UsageError
from tests.effort import tries


def epoch_of(order: BalancedOrder, steps: EpochSteps, epoch: int) -> ExampleNumbers:
    batches = [order.request(epoch, step)[2:4] for step in range(len(steps))]
    return ExampleNumbers(*(np.concatenate(parts) for parts in zip(*batches, strict=True)))


def whole_steps(examples: int, *, batch_size: int = 7, shard: tuple[int, int] = (0, 1)) -> EpochSteps:
    return EpochSteps(examples=examples, batch_size=batch_size, shard=shard, drop_remainder=False)


labels_of_classes = st.lists(st.integers(0, 5), min_size=1, max_size=200).map(
    lambda labels: np.array(labels, np.int64)
)


@settings(max_examples=tries(60))
@given(labels_of_classes, st.integers(0, 2**40), st.integers(0, 1000))
def test_classes_are_equally_often_and_examples_take_turns(
    labels: "np.ndarray", seed: int, epoch: int
) -> None:
    steps = whole_steps(len(labels))
    order = BalancedOrder(steps=steps, labels=labels, seed=seed)
    seen: Counter[int] = Counter()
    for later in range(3):
        examples, rng_index = epoch_of(order, steps, epoch + later)
        counts = np.bincount(labels[examples], minlength=6)[np.unique(labels)]
        assert counts.max() - counts.min() <= 1
        assert len(set(rng_index.tolist())) == len(rng_index)  # nothing is drawn twice within an epoch
        assert (rng_index % len(labels) == examples).all()
        seen.update(examples.tolist())
    for number in np.unique(labels):
        times = [seen[row] for row in np.flatnonzero(labels == number).tolist()]
        # Three epochs may begin and end within a round, so some come once more or once less.
        assert max(times) - min(times) <= 2


def test_rounds_go_on_from_epoch_to_epoch() -> None:
    labels = np.array([0] * 90 + [1] * 10, np.int64)
    steps = whole_steps(100)
    order = BalancedOrder(steps=steps, labels=labels, seed=3)
    epochs = [epoch_of(order, steps, epoch).examples for epoch in range(9)]
    common = np.concatenate([examples[labels[examples] == 0] for examples in epochs])
    assert np.bincount(common, minlength=90).tolist() == [5] * 90  # 9 epochs of 50 turns are 5 whole rounds
    rare = [examples[labels[examples] == 1] for examples in epochs]
    assert all(np.bincount(examples, minlength=100)[90:].tolist() == [5] * 10 for examples in rare)
    assert not np.array_equal(rare[0], rare[1])


@settings(max_examples=tries(30))
@given(labels_of_classes.filter(lambda labels: len(labels) >= 12), st.integers(1, 4), st.integers(2, 3))
def test_workers_share_an_epoch(labels: "np.ndarray", count: int, batch_size: int) -> None:
    alone = whole_steps(len(labels), batch_size=batch_size * count)
    whole = epoch_of(BalancedOrder(steps=alone, labels=labels, seed=1), alone, 5)
    parts = []
    for index in range(count):
        steps = whole_steps(len(labels), batch_size=batch_size, shard=(index, count))
        parts.append(epoch_of(BalancedOrder(steps=steps, labels=labels, seed=1), steps, 5).rng_index)
    assert sorted(np.concatenate(parts).tolist()) == sorted(whole.rng_index.tolist())


@given(st.lists(st.integers(1, 50), min_size=1, max_size=20), st.integers(0, 2**63))
def test_many_permutations_at_once_are_the_single_ones(sizes: list[int], key: int) -> None:
    positions = np.concatenate([np.arange(size) for size in sizes])
    each = np.repeat(np.array(sizes), sizes)
    keys = np.repeat(np.array([key ^ number for number in range(len(sizes))], np.uint64), sizes)
    together = permute_by_key(positions, size=each, key=keys)
    begin = 0
    for number, size in enumerate(sizes):
        alone = permute_by_key(np.arange(size), size=size, key=np.array([key ^ number], np.uint64))
        assert np.array_equal(together[begin : begin + size], alone)
        assert sorted(alone.tolist()) == list(range(size))
        begin += size


def test_pipeline_balances(flowers: Dataset) -> None:
    pipeline = make_pipeline(
        flowers,
        "train",
        batch_size=9,
        image_size=(16, 16),
        augment=[RandomResizedCrop()],
        balance="class",
        drop_remainder=False,
        output="dict",
    )
    batches = list(pipeline)
    labels = np.concatenate([batch["label"].numpy() for batch in batches])
    keys = np.concatenate([batch["key"].numpy() for batch in batches])
    assert [key.decode().startswith(f"class{label}/") for key, label in zip(keys, labels, strict=True)] == [
        True
    ] * 53
    assert sorted(np.bincount(labels).tolist()) == [17, 18, 18]


def test_repeated_examples_are_augmented_anew(rare: Dataset) -> None:
    pipeline = make_pipeline(
        rare,
        "train",
        batch_size=20,
        image_size=(16, 16),
        augment=[RandomResizedCrop()],
        balance="class",
        drop_remainder=False,
        output="dict",
        normalize=None,
        dtype="uint8",
    )
    (batch,) = pipeline
    of_rare = batch["image"].numpy()[batch["label"].numpy() == 1]
    assert len(of_rare) == 10
    assert len({image.tobytes() for image in of_rare}) > 5


def test_what_cannot_be_balanced(flowers: Dataset) -> None:
    with pytest.raises(UsageError, match=r"needs shuffle=True"):
        make_pipeline(flowers, "train", batch_size=2, balance="class", shuffle=False)
    with pytest.raises(UsageError, match=r"access='stream'"):
        make_pipeline(flowers, "train", batch_size=2, balance="class", access="stream")
    with pytest.raises(UsageError, match=r"balance expects one of 'class', None"):
        make_pipeline(flowers, "train", batch_size=2, balance="sample")  # type: ignore[arg-type]


def test_permutation_of_positions_has_not_changed() -> None:
    """Resuming a run of an older version must continue the same order."""
    assert permute(np.arange(10), size=10, seed=7, epoch=3).tolist() == [3, 7, 5, 8, 4, 1, 9, 6, 2, 0]
