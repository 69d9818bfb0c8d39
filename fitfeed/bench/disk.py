"""How many images per second the disk delivers, where they are not in memory yet."""

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fitfeed.schemas.files import open_located

if TYPE_CHECKING:
    from fitfeed.pipelines import Dataset, Records

IMAGES = 256

MAX_S = 2.0
"""A slow disk is asked for fewer."""


def cold_rate(dataset: "Dataset", split: str, *, threads: int, rows: Sequence[int]) -> float:
    """Images per second that so many threads read, after the kernel was asked to forget these images.

    Only the bytes of these images leave the page cache, so a training on the same files hardly notices.

    Args:
        dataset: A dataset on this machine.
        split: Which split.
        threads: How many read.
        rows: Which images.
    """
    records = dataset.records(split)
    _forget(dataset, records, rows)
    return read_rate(records, threads=threads, rows=rows)


def read_rate(records: "Records", *, threads: int, rows: Sequence[int]) -> float:
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


def fits_in_memory(dataset: "Dataset", split: str, *, meminfo: Path = Path("/proc/meminfo")) -> bool:
    """Whether the kernel can keep a split in memory after its first epoch, beside all that runs now."""
    stored = sum(shard.bytes for shard in dataset.splits[split].shards)
    for line in meminfo.read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return stored < int(line.split()[1]) * 1024
    return True


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
