"""How many images per second the disk delivers, where they are not in memory yet."""

import dataclasses
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fitfeed.pipelines.stages.feed_rates import Machinery
from fitfeed.pipelines.stages.stage_times import StageTimes
from fitfeed.schemas.files import open_located
from fitfeed.schemas.memory import available_memory

if TYPE_CHECKING:
    from fitfeed.pipelines import Dataset, Records

IMAGES = 256

MAX_S = 2.0
"""A slow disk is asked for fewer."""


class DiskAsked(NamedTuple):
    """What the disk was found to deliver.

    Attributes:
        times: What each stage takes in a later epoch, with the most that the disk delivers if it is waited for.
        cold_rate: Images per second in the first epoch; None: the dataset is in a store.
        is_cached: Whether later epochs find the split in memory.
    """

    times: StageTimes
    cold_rate: float | None
    is_cached: bool


def ask_disk(dataset: "Dataset", split: str, times: StageTimes, machinery: Machinery) -> DiskAsked:
    """Measures what the disk delivers, to as many workers as there are and, where they wait for it, to twice as many.

    Args:
        dataset: The dataset.
        split: Which split.
        times: What each stage takes, of images that were read where they are now.
        machinery: What executes the stages.
    """
    if dataset.records(split).are_far:
        return DiskAsked(times, None, is_cached=True)
    cold = cold_rate(dataset, split, threads=machinery.workers)
    is_cached = fits_in_memory(dataset, split)
    if not is_cached:  # each image comes from the disk in later epochs, too
        occupied = machinery.workers / cold
        times = times.with_stage("read", wait_s=max(times["read"].wait_s, occupied - times["read"].cpu_s))
    if times["read"].wait_s > times.worker_s / 10:
        most = cold_rate(dataset, split, threads=2 * machinery.workers)
        times = dataclasses.replace(times, max_read_rate=most)
    return DiskAsked(times, cold, is_cached=is_cached)


def cold_rate(dataset: "Dataset", split: str, *, threads: int) -> float:
    """Images per second that so many threads read, after the kernel was asked to forget these images.

    Only the bytes of these images leave the page cache, so a training on the same files hardly notices.

    Args:
        dataset: A dataset on this machine.
        split: Which split.
        threads: How many read.
    """
    records = dataset.records(split)
    rows = np.unique(np.linspace(0, len(records) - 1, min(IMAGES, len(records))).astype(int)).tolist()
    _forget(dataset, records, rows)
    return _read_rate(records, threads=threads, rows=rows)


def fits_in_memory(dataset: "Dataset", split: str, *, root: Path = Path("/")) -> bool:
    """Whether the kernel can keep a split in memory after its first epoch, beside all that runs now.

    Args:
        dataset: A dataset on this machine.
        split: Which split.
        root: As for `available_memory`.
    """
    return sum(shard.bytes for shard in dataset.splits[split].shards) < available_memory(root=root)


def _read_rate(records: "Records", *, threads: int, rows: Sequence[int]) -> float:
    """Images per second that so many threads read."""
    deadline = time.monotonic() + MAX_S
    memory = [np.empty(int(np.asarray(records.index.length)[rows].max()), np.uint8) for _ in range(threads)]

    def read(number: int) -> int:
        done = 0
        for row in rows[number::threads]:
            records.read_into(row, memory[number][: int(records.index.length[row])].data)
            done += 1
            if time.monotonic() > deadline:
                break
        return done

    with ThreadPoolExecutor(threads) as pool:
        began = time.perf_counter()
        done = sum(pool.map(read, range(threads)))
        return done / (time.perf_counter() - began)


def _forget(dataset: "Dataset", records: "Records", rows: Sequence[int]) -> None:
    page, index = os.sysconf("SC_PAGE_SIZE"), records.index
    for shard in {int(index.shard[row]) for row in rows}:
        with open_located(dataset.path, records.shards[shard].file) as file:
            os.fdatasync(file.fileno())  # pages that are not on the disk yet would stay
            for row in rows:
                if int(index.shard[row]) == shard:
                    offset = int(index.offset[row]) // page * page
                    length = int(index.offset[row]) + int(index.length[row]) - offset
                    os.posix_fadvise(file.fileno(), offset, -(-length // page) * page, os.POSIX_FADV_DONTNEED)
