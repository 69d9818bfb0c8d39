"""The copies that F4 is divided by: all images, once each, whichever way and in however many threads."""

import threading
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from benchmarks import floors
from fitfeed.pipelines import open_dataset
from tests.pipelines.build_dataset import build_dataset, raw_example


@pytest.mark.parametrize("threads", [1, 3])
def test_an_epoch_copies_each_image_once(threads: int) -> None:
    copied: list[int] = []
    lock = threading.Lock()

    def copy(number: int, memory: npt.NDArray[np.uint8]) -> None:
        assert memory.shape == (7,)
        with lock:
            copied.append(number)

    copying = floors.Copying(copy, images=20, length=7, batch_size=2, threads=threads)
    assert copying.epoch() == 20
    assert sorted(copied) == list(range(20))


def test_all_ways_copy_the_stored_bytes(tmp_path: Path) -> None:
    folder = build_dataset(tmp_path / "d", {"train": [raw_example(i) for i in range(8)]}, is_raw=True)
    dataset = open_dataset(folder)
    records = dataset.records("train")
    shards = [dataset.path / shard.file for shard in dataset.splits["train"].shards]
    payloads = [records.encoded(number) for number in range(8)]
    ways = [
        floors.from_memory([np.frombuffer(payload, np.uint8) for payload in payloads]),
        floors.from_memory(floors.mapped(shards, records.index)),
        floors.from_page_cache(shards, records.index),
    ]
    for copy in ways:
        for number, payload in enumerate(payloads):
            memory = np.zeros(len(payload), np.uint8)
            copy(number, memory)
            assert memory.tobytes() == payload
