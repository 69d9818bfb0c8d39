"""The least CPU time that this machine needs for each stage: the same libraries on the same bytes, and nothing around them."""

import os
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from fitfeed.pipelines.stages.stage_times import Stage
from fitfeed.schemas.files import open_located
from fitfeed.schemas.payload import decode_payload

if TYPE_CHECKING:
    from fitfeed.pipelines import Dataset, Records

ROUNDS = 3

COPY_BYTES = 64 << 20
"""Of a copy that measures memory: more than the caches of processors have."""


class Sample:
    """Some images of a split, as stored and as pixels, in memory.

    Attributes:
        rows: Their numbers.
        payloads: Their stored bytes.
        pixels: uint8 or uint16 (height, width, channels) each.
    """

    def __init__(self, records: "Records", count: int) -> None:
        """Reads and decodes them: they are spread evenly over the split."""
        rows = np.linspace(0, len(records) - 1, min(count, len(records))).astype(int)
        self.rows: list[int] = sorted(set(rows.tolist()))
        self.payloads = [records.encoded(row) for row in self.rows]
        self.pixels = [
            records.pixels(row, payload=payload).pixels
            for row, payload in zip(self.rows, self.payloads, strict=True)
        ]
        self.bytes = statistics.mean(map(len, self.payloads))


def stage_floors(
    dataset: "Dataset", split: str, sample: Sample, *, image_shape: tuple[int, int, int], image_bytes: int
) -> dict[Stage, float]:
    """Measures the floor of each stage but the hand-over, in CPU seconds per image.

    Args:
        dataset: The dataset.
        split: Which split.
        sample: Some images of it.
        image_shape: (height, width, channels) of an image in a batch.
        image_bytes: Bytes of it.

    Returns:
        Without the stages that there are not: raw pixels are not decoded, and images in a store are not on this machine.
    """
    records = dataset.records(split)
    count, floors = len(sample.rows), dict[Stage, float]()
    if not records.are_far:
        floors["read"] = _cpu_s(lambda: _read(dataset, records, sample.rows)) / count
    if not records.is_raw:
        sizes = [pixels.shape[:2] for pixels in sample.pixels]
        floors["decode"] = _cpu_s(lambda: _decode(sample.payloads, sizes, records)) / count
    height, width, _ = image_shape
    floors["augment"] = _cpu_s(lambda: [cv2.resize(each, (width, height)) for each in sample.pixels]) / count
    one_copy = image_bytes / copy_rate(threads=1)
    floors["normalize"] = one_copy
    floors["batch"] = one_copy
    return floors


def copy_rate(*, threads: int) -> float:
    """Bytes per second that threads together copy from memory to memory; of one thread, per CPU second."""
    shares = [np.zeros((2, COPY_BYTES // threads), np.uint8) for _ in range(threads)]

    def copy(share: npt.NDArray[np.uint8]) -> None:
        share[0] = share[1]

    if threads == 1:
        return COPY_BYTES / _cpu_s(lambda: copy(shares[0]))
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(copy, shares))
        spent = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            list(pool.map(copy, shares))
            spent.append(time.perf_counter() - began)
    return COPY_BYTES // threads * threads / min(spent)


def _read(dataset: "Dataset", records: "Records", rows: Sequence[int]) -> None:
    """Reads ranges, one call each."""
    index = records.index
    files = {
        shard: open_located(dataset.path, records.shards[shard].file)
        for shard in {int(index.shard[row]) for row in rows}
    }
    memory = np.empty(max(int(index.length[row]) for row in rows), np.uint8)
    try:
        for row in rows:
            descriptor = files[int(index.shard[row])].fileno()
            os.preadv(descriptor, [memory[: int(index.length[row])].data], int(index.offset[row]))
    finally:
        for file in files.values():
            file.close()


def _decode(payloads: Sequence[bytes], sizes: Sequence[tuple[int, ...]], records: "Records") -> None:
    """Decodes all of each image: JPEG into memory that is there, as a pipeline does."""
    buffer = np.empty(max(height * width for height, width in sizes) * records.channels, np.uint8)
    for payload, (height, width) in zip(payloads, sizes, strict=True):
        decode_payload(
            payload, size=(height, width), channels=records.channels, depth=records.depth, buffer=buffer
        )


def _cpu_s(work: Callable[[], object]) -> float:
    """CPU seconds of this thread for some work: the least of some rounds, as it is a floor."""
    work()
    spent = []
    for _ in range(ROUNDS):
        began = time.thread_time()
        work()
        spent.append(time.thread_time() - began)
    return min(spent)
