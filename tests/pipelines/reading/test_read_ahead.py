"""Payloads of coming batches: the right ones, in few requests, in bounded memory, before they are asked for."""

import errno
import gc
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fitfeed.pipelines import Dataset, open_dataset
from fitfeed.pipelines.order.batch_request import BatchRequest
from fitfeed.pipelines.order.global_batches import EpochSteps
from fitfeed.pipelines.order.shuffle import Order
from fitfeed.pipelines.reading import read_ahead
from fitfeed.pipelines.reading.read_ahead import ReadAhead
from fitfeed.pipelines.reading.records import Records
from fitfeed.pipelines.reading.requests_at_once import RequestsAtOnce
from fitfeed.schemas.errors import DamagedDatasetError, FeedError
from fitfeed.schemas.storage.place import Found, Range
from tests.pipelines.build_dataset import Format
from tests.pipelines.far_place import NETWORK, FarPlace, far
from tests.unsettled import settle, unsettle


def reader(dataset: Dataset, *, shuffle: bool = True, batch_size: int = 8) -> tuple[ReadAhead, EpochSteps]:
    steps = EpochSteps(examples=53, batch_size=batch_size, shard=(0, 1), drop_remainder=False)
    order = Order(steps=steps, shuffle=shuffle, seed=3)
    return ReadAhead(order, dataset.records("train"), steps=len(steps)), steps


def assert_right(request: BatchRequest, dataset: Dataset) -> None:
    records = dataset.records("train")
    assert request.payloads is not None
    assert [records.encoded(row) for row in request.examples.tolist()] == [bytes(p) for p in request.payloads]


def settled(one: ReadAhead) -> int:
    """How many reads there are, once all that is read ahead is there."""
    for batch in one._waiting.values():
        batch.reads.wait()
    return len(NETWORK.reads)


@pytest.mark.parametrize("shuffle", [False, True])
def test_every_payload_is_the_right_one_over_two_epochs(flowers: Dataset, shuffle: bool) -> None:
    one, steps = reader(far(flowers.path), shuffle=shuffle)
    for epoch in range(2):
        for step in range(len(steps)):
            assert_right(one.request(epoch, step), flowers)


def test_the_next_batches_are_read_over_the_end_of_the_epoch(flowers: Dataset) -> None:
    dataset = far(flowers.path)
    one, steps = reader(dataset)
    last = len(steps) - 1
    one.request(0, last)
    before = settled(one)
    assert_right(one.request(1, 0), flowers)
    assert_right(one.request(1, 1), flowers)
    assert (1, 2) in one._waiting
    assert dataset.traffic.stalls <= 1
    assert before > 8


def test_neighbors_are_read_by_one_request(flowers: Dataset) -> None:
    one, steps = reader(far(flowers.path), shuffle=False, batch_size=53)
    one.request(0, 0)
    settled(one)
    shards = [name for name, _, length in NETWORK.shard_reads() if length]
    assert len(steps) == 1
    assert len(shards) == 2 * len(
        flowers.splits["train"].shards
    )  # of this batch, and of that of the next epoch


def test_what_waits_is_bounded(flowers: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_ahead, "MAX_WAITING_BYTES", 1)
    one, _ = reader(far(flowers.path), batch_size=4)
    one.request(0, 0)
    assert list(one._waiting) == [(0, 1)]
    monkeypatch.setattr(read_ahead, "MAX_WAITING_BYTES", 100_000)
    one.request(0, 1)
    waiting = sum(batch.bytes for batch in one._waiting.values())
    assert 100_000 <= waiting < 200_000


def test_many_requests_are_under_way_at_once(flowers: Dataset) -> None:
    dataset = far(flowers.path)
    _ = dataset.records("train").index
    NETWORK.latency_s = 0.05
    one, _ = reader(dataset, batch_size=32)
    began = time.perf_counter()
    one.request(0, 0)
    assert time.perf_counter() - began < 0.8  # one after the other: 1.6 s
    assert 0 < dataset.traffic.stall_s < 0.8  # less than the latency where the requests were sent slowly
    assert dataset.traffic.stalls == 1


def test_batches_that_are_used_say_how_many_requests_should_be_under_way(
    flowers: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted: list[tuple[int, float]] = []

    def after(self: RequestsAtOnce, requests: int, least_s: float) -> int:
        noted.append((requests, least_s))
        return 70 + len(noted)

    monkeypatch.setattr(RequestsAtOnce, "after", after)
    one, _ = reader(far(flowers.path))
    for step in range(3):
        one.request(0, step)
    assert one._readers.at_once == 73
    assert all(0 < requests <= 8 and 0 < least_s < 60 for requests, least_s in noted)


def test_requests_may_come_out_of_order_and_again(flowers: Dataset) -> None:
    one, _ = reader(far(flowers.path))
    places = [(0, 1), (0, 0), (0, 3), (0, 2), (0, 2), (5, 4), (0, 4), (5, 5)]
    with ThreadPoolExecutor(2) as pool:
        for request in pool.map(lambda place: one.request(*place), places):
            assert_right(request, flowers)


def test_batches_that_nobody_wants_any_more_are_given_up(
    flowers: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_ahead, "MAX_UNUSED", 2)
    monkeypatch.setattr(read_ahead, "MAX_WAITING_BYTES", 1)
    one, _ = reader(far(flowers.path))
    one.request(0, 0)
    for step in range(4):
        one.request(7, step)
    assert list(one._waiting) == [(7, 4)]


def test_a_dead_network_is_an_error_and_reading_goes_on_when_it_is_back(flowers: Dataset) -> None:
    dataset = far(flowers.path)
    one, _ = reader(dataset)
    assert_right(one.request(0, 0), flowers)
    settled(one)
    NETWORK.is_dead = True
    with pytest.raises(
        FeedError, match=r"far:/.*-of-.* cannot be read: the store could not be reached.*11 times"
    ):
        one.request(3, 0)
    NETWORK.is_dead = False
    assert_right(one.request(3, 0), flowers)


def test_a_shard_that_ends_early_leaves_payloads_empty(own_copy: Callable[[Format], Path]) -> None:
    folder = own_copy("tfrecord")
    dataset = far(folder)
    shard = folder / dataset.splits["train"].shards[-1].file
    shard.write_bytes(shard.read_bytes()[:-2000])
    one, _ = reader(dataset, shuffle=False, batch_size=53)
    payloads = one.request(0, 0).payloads
    assert payloads is not None
    lengths = [len(payload) for payload in payloads]
    assert lengths[:40] == dataset.records("train").index.length[:40].tolist()
    assert lengths[-1] == 0


@pytest.mark.parametrize("by", ["another", "nothing yet", "what is no manifest"])
def test_a_dataset_that_is_replaced_meanwhile_is_noticed(own_copy: Callable[[Format], Path], by: str) -> None:
    folder, other = own_copy("tfrecord"), own_copy("hdf5")
    dataset = far(folder)
    _ = dataset.records("train").index
    manifest = folder / "manifest.json"
    manifest.unlink()
    if by == "another":
        manifest.write_bytes((other / "manifest.json").read_bytes())
    elif by == "what is no manifest":
        manifest.write_bytes(b"{}")
    with pytest.raises(DamagedDatasetError, match="was replaced since it was opened"):
        reader(dataset)[0].request(0, 0)


def test_a_manifest_with_the_same_shards_changes_nothing(own_copy: Callable[[Format], Path]) -> None:
    folder = own_copy("tfrecord")
    unsettle(folder)
    dataset = far(folder)
    _ = dataset.records("train").index
    settle(folder)  # as an append does right after it is committed
    one, steps = reader(dataset)
    for step in range(len(steps)):
        assert_right(one.request(0, step), open_dataset(folder))


def test_a_manifest_is_compared_once_and_not_by_each_thread(
    own_copy: Callable[[Format], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = own_copy("tfrecord")
    unsettle(folder)
    dataset = far(folder)
    records = dataset.records("train")
    _ = records.index
    settle(folder)
    all_found = threading.Barrier(len(records.shards), timeout=30)
    find, read, compared = FarPlace.find, FarPlace.read, []

    def find_together(self: FarPlace, name: str) -> Found:
        found = find(self, name)
        if name == "manifest.json":
            all_found.wait()
        return found

    def note(self: FarPlace, name: str, *, at_most: int) -> tuple[bytes, Found]:
        compared.append(name)
        return read(self, name, at_most=at_most)

    monkeypatch.setattr(FarPlace, "find", find_together)
    monkeypatch.setattr(FarPlace, "read", note)
    one, _ = reader(dataset, batch_size=53)
    assert_right(one.request(0, 0), open_dataset(folder))
    assert compared == ["manifest.json"]


@pytest.mark.parametrize("is_raw", [False, True])
def test_raw_pixels_are_not_asked_for_in_groups(
    flowers: Dataset, thumbnails: Dataset, monkeypatch: pytest.MonkeyPatch, is_raw: bool
) -> None:
    """Nothing but the condition of each request says that they are of the right shard."""
    asked: list[int] = []
    read = Records.read_several

    def note(self: Records, shard: int, ranges: Sequence[Range]) -> list[int]:
        asked.append(len(ranges))
        return read(self, shard, ranges)

    monkeypatch.setattr(Records, "read_several", note)
    dataset = thumbnails if is_raw else flowers
    one, _ = reader(far(dataset.path), batch_size=20)
    assert_right(one.request(0, 0), dataset)
    assert (max(asked) == 1) == is_raw


def test_a_network_that_fails_while_a_manifest_is_compared_is_said_so(
    own_copy: Callable[[Format], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = far(own_copy("tfrecord"))
    _ = dataset.records("train").index

    def find(*_: Any) -> None:
        raise OSError(errno.ETIMEDOUT, "the store could not be reached")

    monkeypatch.setattr(FarPlace, "find", find)
    monkeypatch.setattr(FarPlace, "open", lambda *_: None)
    with pytest.raises(
        FeedError, match=r"far:/.*manifest.json cannot be read: the store could not be reached"
    ):
        reader(dataset)[0].request(0, 0)


def test_a_shard_that_is_replaced_meanwhile_is_noticed(own_copy: Callable[[Format], Path]) -> None:
    folder = own_copy("tfrecord")
    dataset = far(folder)
    one, _ = reader(dataset)
    one.request(0, 0)
    for shard in dataset.splits["train"].shards:
        content = (folder / shard.file).read_bytes()
        (folder / shard.file).unlink()
        (folder / shard.file).write_bytes(content[::-1])
    with pytest.raises(DamagedDatasetError, match="was replaced"):
        one.request(9, 0)


def test_threads_end_with_the_reader(flowers: Dataset) -> None:
    NETWORK.reset()
    one, _ = reader(far(flowers.path))
    one.request(0, 0)
    del one
    gc.collect()
    for _ in range(100):
        if not any(thread.name.startswith("fitfeed-reads") for thread in threading.enumerate()):
            return
        time.sleep(0.02)
    pytest.fail("threads are left")


def test_a_batch_is_never_wrong_when_memory_is_reused(flowers: Dataset) -> None:
    """Memory of a slot comes back only when all payloads in it are gone."""
    held: list[Any] = []

    def memory(size: int) -> tuple[Any, int]:
        array = np.zeros(size, np.uint8)
        held.append(array)
        return array, len(held) - 1

    dataset = far(flowers.path)
    steps = EpochSteps(examples=53, batch_size=8, shard=(0, 1), drop_remainder=False)
    order = Order(steps=steps, shuffle=True, seed=3)
    one = ReadAhead(order, dataset.records("train"), steps=len(steps), memory=memory)
    request = one.request(0, 0)
    payloads: Any = request.payloads
    slot = payloads.slot
    assert np.shares_memory(np.frombuffer(payloads[0], np.uint8), held[slot])
    assert_right(request, flowers)
