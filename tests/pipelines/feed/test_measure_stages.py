"""Stages are measured where they happen."""

import time

import cv2
import numpy as np
import pytest

from fitfeed.pipelines import Dataset
from fitfeed.pipelines.feed.measure_stages import measure_stages
from fitfeed.pipelines.reading.shard_files import ShardFiles
from fitfeed.schemas.payload import Pixels
from tests.pipelines.feed.test_batch_maker import maker

SLOW = np.zeros((600, 600, 3), np.uint8)


def blurred(image: Pixels) -> Pixels:
    cv2.GaussianBlur(SLOW, (0, 0), 3)
    return image


def test_own_functions_are_augmentation(flowers: Dataset) -> None:
    times = measure_stages(maker(flowers, augment=[blurred]), images=12, rounds=2)
    assert times.slowest == "augment"
    assert times["augment"].cpu_s > times["decode"].cpu_s


def test_a_slow_disk_is_waiting_of_reading(flowers: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    read_into = ShardFiles.read_into

    def slow(self: ShardFiles, shard: int, offset: int, memory: memoryview) -> int:
        time.sleep(0.01)
        return read_into(self, shard, offset, memory)

    monkeypatch.setattr(ShardFiles, "read_into", slow)
    times = measure_stages(maker(flowers), images=6, rounds=1)
    assert times.slowest == "read"
    assert times["read"].wait_s >= 0.01
    assert times["read"].cpu_s < 0.005


def test_raw_pixels_are_read_and_not_decoded(thumbnails: Dataset) -> None:
    plain = maker(thumbnails, augment=[], normalize=None, dtype="uint8", image_size=None)
    times = measure_stages(plain, images=6, rounds=1)
    assert times["read"].cpu_s > 0
    assert times["decode"].cpu_s == 0
    assert times.copied_bytes == 32 * 24 * 3


def test_rounds_end_in_time_and_are_told(flowers: Dataset) -> None:
    done: list[int] = []
    measure_stages(maker(flowers), images=6, rounds=5, max_s=0.0, progress=done.append)
    assert done == [1]
