"""What slows stages for `bench_is_right`: functions in `augment`, in a module that worker processes can import, and a disk."""

import threading
import time

import cv2
import numpy as np

from fitfeed.pipelines.reading.shard_files import ShardFiles
from fitfeed.schemas.payload import Pixels


def blur(image: Pixels) -> Pixels:
    """Some milliseconds without the interpreter lock."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), 6), image.dtype)


def count(image: Pixels) -> Pixels:
    """Some milliseconds of Python, which hold the lock."""
    total = 0
    for number in range(40_000):
        total += number
    return image


def arrange(image: Pixels) -> Pixels:
    """Some milliseconds of NumPy, with and without the lock."""
    values = image.ravel()
    order = np.argsort(values, kind="stable")
    return np.ascontiguousarray(values[order[np.argsort(order)]].reshape(image.shape))


class ThrottledDisk:
    """Lets all reads of this process together have so many bytes per second, from when it is made."""

    def __init__(self, bytes_per_s: float) -> None:
        """Replaces the method that reads.

        Args:
            bytes_per_s: How many.
        """
        self._rate, self._lock, self._free_at = bytes_per_s, threading.Lock(), 0.0
        read = ShardFiles.read_into

        def slow(files: ShardFiles, shard: int, offset: int, memory: memoryview) -> int:
            time.sleep(self._wait(len(memory)))
            return read(files, shard, offset, memory)

        ShardFiles.read_into = slow  # type: ignore[method-assign, assignment]

    def _wait(self, length: int) -> float:
        with self._lock:
            now = time.monotonic()
            self._free_at = max(now, self._free_at) + length / self._rate
            return self._free_at - now
