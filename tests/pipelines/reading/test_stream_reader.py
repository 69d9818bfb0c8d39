"""Payloads that are read ahead: the right ones, in one read for each chunk, and no more of them than needed."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from fitfeed.pipelines import Dataset
from fitfeed.pipelines.order import chunks as chunks_module
from fitfeed.pipelines.order.batch_request import BatchRequest
from fitfeed.pipelines.order.chunks import ChunkOrder, chunk_bounds
from fitfeed.pipelines.order.global_batches import EpochSteps
from fitfeed.pipelines.order.stream_order import INTERLEAVED, StreamOrder
from fitfeed.pipelines.reading import stream_reader
from fitfeed.pipelines.reading.records import Records
from fitfeed.pipelines.reading.stream_reader import StreamReader, shuffle_window


class Watched:
    """Records that tell which rows were read as payloads."""

    def __init__(self, records: Records) -> None:
        self._records, self.reads, self._lock = records, list[tuple[int, int]](), threading.Lock()
        self.are_far, self.traffic = records.are_far, records.traffic

    def payloads(self, first: int, stop: int) -> list[bytes]:
        with self._lock:
            self.reads.append((first, stop))
        return self._records.payloads(first, stop)


@pytest.fixture(autouse=True)
def chunks_of_four(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks_module, "CHUNK", 4)


def reader(
    dataset: Dataset, *, window: int = 20, shuffle: bool = True, batch_size: int = 8
) -> tuple[StreamReader, Watched, EpochSteps]:
    steps = EpochSteps(examples=53, batch_size=batch_size, shard=(0, 1), drop_remainder=False)
    shards = [shard.examples for shard in dataset.splits["train"].shards]
    chunks = ChunkOrder(chunks=chunk_bounds(shards), steps=steps, shuffle=shuffle, seed=1)
    watched = Watched(dataset.records("train"))
    return StreamReader(watched, StreamOrder(chunks=chunks, window=window)), watched, steps  # type: ignore[arg-type]


def assert_right(request: BatchRequest, dataset: Dataset) -> None:
    records, payloads = dataset.records("train"), request.payloads
    assert payloads is not None
    assert [records.encoded(row) for row in request.examples.tolist()] == list(payloads)


@pytest.mark.parametrize("shuffle", [False, True])
def test_every_chunk_is_read_once_and_every_payload_is_the_right_one(flowers: Dataset, shuffle: bool) -> None:
    one, watched, steps = reader(flowers, shuffle=shuffle)
    for epoch in range(3):
        watched.reads.clear()
        requests = [one.request(epoch, step) for step in range(len(steps))]
        for request in requests:
            assert_right(request, flowers)
            assert request.rng_index is request.examples
        used = np.concatenate([request.examples for request in requests]).tolist()
        assert sorted(used) == list(range(53))
        assert (used == list(range(53))) is not shuffle
        assert sorted(watched.reads) == sorted(set(watched.reads))
        assert sum(stop - first for first, stop in watched.reads) == 53


def test_requests_may_come_from_several_threads_out_of_order(flowers: Dataset) -> None:
    one, watched, _ = reader(flowers)
    order = [(epoch, step) for epoch in range(2) for step in (1, 0, 3, 2, 5, 4, 6)]
    with ThreadPoolExecutor(2) as pool:
        requests = list(pool.map(lambda place: one.request(*place), order))
    for request in requests:
        assert_right(request, flowers)
    assert len(watched.reads) == len(set(watched.reads)) * 2


def test_only_what_is_needed_soon_has_been_read(flowers: Dataset) -> None:
    """The first step needs what enters the window, and a few chunks that keep the disk busy."""
    one, watched, _ = reader(flowers, window=1, shuffle=False)
    one.request(0, 0)
    assert len(watched.reads) <= 2 + INTERLEAVED
    assert max(stop for _, stop in watched.reads) <= 8 + 4 * INTERLEAVED


def test_a_resumed_epoch_does_not_read_what_was_used_before(flowers: Dataset) -> None:
    whole, _, steps = reader(flowers, shuffle=False)
    resumed, watched, _ = reader(flowers, shuffle=False)
    for step in range(3, len(steps)):
        ours, theirs = resumed.request(0, step), whole.request(0, step)
        assert np.array_equal(ours.examples, theirs.examples)
        assert_right(ours, flowers)
    assert min(first for first, _ in watched.reads) >= 16 - 4  # the step before, and the rest of its chunk


def test_iterations_that_share_an_epoch_get_the_same_examples(flowers: Dataset) -> None:
    """The payloads were handed out once. Whoever comes later gets empty ones, and the examples are read alone."""
    one, _, steps = reader(flowers)
    for step in range(len(steps)):
        first, second = one.request(4, step), one.request(4, step)
        assert np.array_equal(first.examples, second.examples)
        assert_right(first, flowers)
        assert second.payloads == [b""] * len(first.examples)


def test_epochs_that_nobody_goes_on_with_are_forgotten(flowers: Dataset) -> None:
    one, _, _ = reader(flowers)
    for epoch in range(5):
        assert_right(one.request(epoch, 0), flowers)
    assert list(one._epochs) == [3, 4]
    assert_right(one.request(0, 1), flowers)  # it may come back all the same


def test_the_window_has_as_many_examples_as_fit_into_memory(
    flowers: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = flowers.records("train")
    assert shuffle_window(records) == 53
    monkeypatch.setattr(stream_reader, "MAX_SHUFFLE_BYTES", int(records.index.length.mean()) * 7)
    assert shuffle_window(records) == 7
    monkeypatch.setattr(stream_reader, "MAX_SHUFFLE_BYTES", 1)
    assert shuffle_window(records) == 1
