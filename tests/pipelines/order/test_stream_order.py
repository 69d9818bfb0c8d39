"""The order of stream access: that of the `tf.data` stages which it was first made of, and of nothing else."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from fitfeed.pipelines.order.chunks import ChunkOrder, chunk_bounds
from fitfeed.pipelines.order.global_batches import EpochSteps
from fitfeed.pipelines.order.philox import philox
from fitfeed.pipelines.order.stream_order import INTERLEAVED, StreamOrder, interleaved, shuffled_within
from tests.effort import tries


@tf.function(
    input_signature=[
        tf.TensorSpec([None, 2], tf.int64),
        *[tf.TensorSpec([], tf.int64) for _ in ("at_once", "window", "seed")],
    ]
)
def by_tensorflow(chunks: tf.Tensor, at_once: tf.Tensor, window: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """The examples of chunks, interleaved and shuffled by `tf.data`: int64 (n,). Traced once for all inputs."""
    tf.random.set_seed(1)  # of this function's graph
    examples = tf.data.Dataset.from_tensor_slices(chunks).interleave(
        lambda bounds: tf.data.Dataset.range(bounds[0], bounds[1]),
        cycle_length=at_once,
        num_parallel_calls=at_once,
        deterministic=True,
    )
    shuffled = examples.shuffle(window, seed=seed, reshuffle_each_iteration=False)
    return shuffled.batch(tf.int64.max).get_single_element()


def order_of(
    shards: list[int],
    *,
    window: int,
    shard: tuple[int, int] = (0, 1),
    shuffle: bool = True,
    seed: int = 0,
    batch_size: int = 8,
) -> StreamOrder:
    steps = EpochSteps(examples=sum(shards), batch_size=batch_size, shard=shard, drop_remainder=False)
    chunks = ChunkOrder(chunks=chunk_bounds(shards), steps=steps, shuffle=shuffle, seed=seed)
    return StreamOrder(chunks=chunks, window=window)


def test_philox_is_that_of_its_authors() -> None:
    """The first of the known answers of Random123."""
    assert [hex(number) for number in philox(0, 0, count=4).tolist()] == [
        "0x6627e8d5",
        "0xe169c58d",
        "0xbc57ac4c",
        "0x9b00dbd8",
    ]
    assert philox(3, 2**40 + 5, count=7).tolist() == philox(3, 2**40 + 5, count=40)[:7].tolist()
    assert philox(3, 2**40 + 5, count=7).tolist() != philox(3, 5, count=7).tolist()


@settings(max_examples=tries(60))
@given(st.lists(st.integers(1, 12), min_size=1, max_size=40), st.sampled_from([1, 3, 8]))
def test_chunks_are_interleaved_as_by_tensorflow(sizes: list[int], at_once: int) -> None:
    ends = np.cumsum(sizes)
    chunks = np.stack([ends - sizes, ends], axis=1)
    ours = interleaved(np.array(sizes), at_once=at_once)
    theirs = by_tensorflow(chunks, at_once, 1, 0)  # a window of one keeps the order
    assert ours.tolist() == theirs.numpy().tolist()


@settings(max_examples=tries(40))
@given(
    st.lists(st.integers(60, 200), min_size=1, max_size=6),
    st.integers(1, 900),
    st.integers(0, 2**40),
    st.integers(0, 1000),
)
def test_the_order_is_that_of_tensorflow(shards: list[int], window: int, seed: int, epoch: int) -> None:
    order = order_of(shards, window=window, seed=seed)
    ours, chunks = order.of_epoch(epoch), order.chunks
    theirs = by_tensorflow(chunks.of_epoch(epoch), INTERLEAVED, window, chunks.shuffle_seed(epoch))
    assert ours.examples.tolist() == theirs.numpy().tolist()


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("shuffle", [False, True])
def test_the_workers_use_every_example_once(workers: int, shuffle: bool) -> None:
    shards = [100, 64, 1, 70]
    orders = [
        order_of(shards, window=50, shard=(worker, workers), shuffle=shuffle) for worker in range(workers)
    ]
    epochs = [[order.of_epoch(epoch).examples for order in orders] for epoch in range(2)]
    for parts in epochs:
        assert sorted(np.concatenate(parts).tolist()) == list(range(235))
    first, second = (np.concatenate(parts).tolist() for parts in epochs)
    assert (first == list(range(235))) is not shuffle
    assert (first == second) is not shuffle


def test_an_example_comes_from_its_chunk_and_not_before_that_enters() -> None:
    window = 40
    order = order_of([150, 90, 33], window=window).of_epoch(3)
    bounds = order.chunks[order.chunk_of]
    assert ((bounds[:, 0] <= order.examples) & (order.examples < bounds[:, 1])).all()
    assert (np.arange(len(order.examples)) > order.enters[order.chunk_of] - window).all()
    assert (np.diff(order.enters) > 0).all()


def test_a_window_of_one_keeps_the_order() -> None:
    assert shuffled_within(1, philox(1, 2, count=50)).tolist() == list(range(50))
