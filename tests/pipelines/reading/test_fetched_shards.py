"""Ranges of far shards, with and without a cache: the right bytes, whatever happens to the cache or the network."""

import errno
import logging
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fitfeed.pipelines import Dataset
from fitfeed.pipelines.reading.block_cache import BLOCK
from fitfeed.pipelines.reading.dataset_files import ShardReader
from fitfeed.schemas.errors import DamagedDatasetError, FeedError
from fitfeed.schemas.storage.place import Range
from tests.effort import tries
from tests.pipelines.build_dataset import build_dataset, raw_example
from tests.pipelines.far_place import NETWORK, far


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two shards of four blocks each."""
    examples = [raw_example(number) for number in range(220)]
    return build_dataset(tmp_path_factory.mktemp("large") / "large", {"train": examples}, is_raw=True)


def opened(folder: Path, cache: Path | None = None, limit: int | None = None) -> tuple[Dataset, ShardReader]:
    dataset = far(folder, cache, limit)
    return dataset, dataset._files.shards(dataset.splits["train"].shards)


def contents(folder: Path, dataset: Dataset) -> list[bytes]:
    return [(folder / shard.file).read_bytes() for shard in dataset.splits["train"].shards]


@pytest.mark.parametrize("cached", [False, True])
@given(st.data())
@settings(max_examples=tries(20), deadline=None)
def test_ranges_are_those_of_the_file(
    large: Path, tmp_path_factory: pytest.TempPathFactory, cached: bool, data: st.DataObject
) -> None:
    cache = tmp_path_factory.mktemp("cache") if cached else None
    dataset, shards = opened(large, cache)
    files = contents(large, dataset)
    for _ in range(8):
        shard = data.draw(st.integers(0, 1))
        offset = data.draw(st.integers(0, len(files[shard]) + 10))
        length = data.draw(st.integers(0, 3 * BLOCK))
        assert shards.read(shard, offset, length) == files[shard][offset : offset + length]
    traffic = dataset.traffic
    assert traffic.bytes_fetched == sum(length for *_, length in NETWORK.shard_reads())
    assert cached or not traffic.bytes_from_cache


@pytest.mark.parametrize("cached", [False, True])
def test_several_ranges_are_read_as_each_alone(large: Path, tmp_path: Path, cached: bool) -> None:
    dataset, shards = opened(large, tmp_path if cached else None)
    content = contents(large, dataset)[1]
    starts = [0, 70_000, len(content) - 40, len(content) + 5]
    ranges = [Range(start, memoryview(bytearray(100))) for start in starts]
    assert shards.read_several(1, ranges) == [100, 100, 40, 0]
    for start, memory in ranges:
        assert bytes(memory).rstrip(b"\0") == content[start : start + 100].rstrip(b"\0")
    asked = [Range(start, memoryview(bytearray(100))) for start in (70_000, len(content) - 40)]
    assert [shards.read_cached(1, one) for one in asked] == [cached, False]
    assert shards.read_several(1, [Range(len(content), memoryview(bytearray(9)))]) == [0]
    if cached:
        assert bytes(asked[0].memory) == content[70_000:][:100]


def test_each_block_is_fetched_once_and_by_no_later_run(large: Path, tmp_path: Path) -> None:
    dataset, shards = opened(large, tmp_path)
    size = dataset.splits["train"].shards[0].bytes
    for offset in range(0, size, 20_000):
        shards.read(0, offset, 20_000)
    assert dataset.traffic.bytes_fetched == size
    later, shards = opened(large, tmp_path)
    assert shards.read(0, 0, size) == contents(large, later)[0]
    assert later.traffic.to_dict() == {
        "requests": 0,
        "bytes_fetched": 0,
        "bytes_from_cache": size,
        "hit_rate": 1.0,
        "stalls": 0,
        "stall_s": 0.0,
    }


def test_rows_of_one_length_are_read_and_those_beyond_the_end_are_named(large: Path) -> None:
    dataset, shards = opened(large)
    files = contents(large, dataset)
    out = np.zeros((3, 100), np.uint8)
    at = np.array([5, len(files[0]) - 50, 700])
    assert shards.read_ranges(np.array([0, 0, 1], np.int32), at, out) == [1]
    assert out[0].tobytes() == files[0][5:105]
    assert out[2].tobytes() == files[1][700:800]


def test_a_full_cache_fetches_no_more_than_is_needed(large: Path, tmp_path: Path) -> None:
    dataset, shards = opened(large, tmp_path, limit=2 * BLOCK)
    for offset in range(0, 4 * BLOCK, BLOCK):
        shards.read(0, offset, 100)
        shards.read(1, offset, 100)
    used = sum(path.stat().st_blocks * 512 for path in tmp_path.glob("*.blocks"))
    assert 0 < used <= 2 * BLOCK + 3 * 4096  # and the checksums
    assert dataset.traffic.bytes_fetched < 3 * BLOCK


def test_a_full_disk_is_said_once_and_reading_goes_on(
    large: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    dataset, shards = opened(large, tmp_path)
    shards.read(0, 0, 100)

    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", full)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert shards.read(0, 2 * BLOCK, 100) == contents(large, dataset)[0][2 * BLOCK :][:100]
    assert shards.read(0, 0, 100) == contents(large, dataset)[0][:100]
    assert len(caplog.records) == 1
    assert "No space left on device" in caplog.text


def test_a_cached_file_that_was_deleted_is_made_again(large: Path, tmp_path: Path) -> None:
    dataset, shards = opened(large, tmp_path)
    shards.read(0, 0, 100)
    (path,) = tmp_path.glob("*.blocks")
    path.unlink()
    assert shards.read(0, 3 * BLOCK, 100) == contents(large, dataset)[0][3 * BLOCK :][:100]
    assert path.exists()


def test_a_shard_that_is_cut_off_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    folder = build_dataset(tmp_path / "cut", {"train": [raw_example(i) for i in range(60)]}, is_raw=True)
    for cache in (None, tmp_path / "cache"):
        dataset, shards = opened(folder, cache)
        path = folder / dataset.splits["train"].shards[0].file
        content = path.read_bytes()
        path.write_bytes(content[:-500])
        assert shards.read(0, len(content) - 1000, 1000) == content[-1000:-500]
        path.write_bytes(content)


def test_failures_are_no_damage_of_examples(large: Path) -> None:
    dataset, shards = opened(large)
    NETWORK.is_dead = True
    with pytest.raises(
        FeedError, match=r"far:/.*train-00000-of-00002.tfrecord cannot be read: the store could"
    ):
        shards.read(0, 0, 10)
    NETWORK.is_dead = False
    assert shards.read(0, 0, 10) == contents(large, dataset)[0][:10]


def test_a_missing_shard_is_a_damaged_dataset(tmp_path: Path) -> None:
    folder = build_dataset(tmp_path / "gone", {"train": [raw_example(i) for i in range(6)]}, is_raw=True)
    dataset, shards = opened(folder)
    (folder / dataset.splits["train"].shards[1].file).unlink()
    with pytest.raises(DamagedDatasetError, match=r"far:/.*train-00001-of-00002.tfrecord is missing"):
        shards.read(1, 0, 10)


def test_another_process_may_not_use_its_connections(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, shards = opened(large)
    shards.read(0, 0, 10)
    child = os.getpid() + 1
    monkeypatch.setattr(os, "getpid", lambda: child)
    with pytest.raises(FeedError, match='multiprocessing_context="spawn"'):
        shards.read(0, 0, 10)
