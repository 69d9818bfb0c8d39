"""The disk is asked, and memory too."""

import os
import time
from pathlib import Path

import pytest

from fitfeed.bench import disk
from fitfeed.pipelines import Dataset
from fitfeed.pipelines.reading.shard_files import ShardFiles
from fitfeed.pipelines.stages.feed_rates import Machinery
from fitfeed.pipelines.stages.stage_times import StageTimes
from tests.schemas.test_cpus import make_root

SLOW_S = 4e-3


@pytest.fixture
def slow_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is slow until the kernel has the bytes in memory."""
    cached, read, forget = set[tuple[int, int]](), ShardFiles.read_into, os.posix_fadvise

    def slow(files: ShardFiles, shard: int, offset: int, memory: memoryview) -> int:
        if (shard, offset) not in cached:
            time.sleep(SLOW_S)
        cached.add((shard, offset))
        return read(files, shard, offset, memory)

    def forgets(descriptor: int, offset: int, length: int, advice: int) -> None:
        cached.clear()
        forget(descriptor, offset, length, advice)

    monkeypatch.setattr(ShardFiles, "read_into", slow)
    monkeypatch.setattr(os, "posix_fadvise", forgets)


def test_the_disk_is_asked(photos: Dataset) -> None:
    assert disk.cold_rate(photos, "train", threads=2) > 0


@pytest.mark.usefixtures("slow_disk")
def test_the_most_that_a_disk_delivers_is_not_what_memory_does(photos: Dataset) -> None:
    waiting = StageTimes.of(decode=1e-3).with_stage("read", wait_s=SLOW_S)
    times, cold, is_cached = disk.ask_disk(photos, "train", waiting, Machinery(cpus=1, workers=1))
    assert is_cached
    assert cold is not None
    assert cold <= 1 / SLOW_S
    assert times.max_read_rate is not None
    assert times.max_read_rate <= 2 / SLOW_S, "two threads, each waiting for the disk"


@pytest.mark.usefixtures("slow_disk")
def test_what_memory_cannot_hold_is_waited_for_always(
    photos: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "fits_in_memory", lambda *_: False)
    times, _, is_cached = disk.ask_disk(
        photos, "train", StageTimes.of(read=1e-6, decode=1e-3), Machinery(cpus=1, workers=1)
    )
    assert not is_cached
    assert times["read"].wait_s > SLOW_S / 2
    assert times.max_read_rate is not None


def test_a_disk_that_nobody_waits_for_has_no_limit(photos: Dataset) -> None:
    times = StageTimes.of(decode=1e-3)
    assert disk.ask_disk(photos, "train", times, Machinery(cpus=1, workers=1)).times == times


def test_a_split_fits_into_memory_or_not(photos: Dataset, tmp_path: Path) -> None:
    root = make_root(tmp_path, {"proc/meminfo": "MemTotal: 1 kB\nMemAvailable: 1 kB\n"})
    assert not disk.fits_in_memory(photos, "train", root=root)
    assert disk.fits_in_memory(photos, "train")
