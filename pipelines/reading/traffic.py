"""Counts what is fetched from a store, what the cache has saved, and how long batches have waited."""

import threading
from typing import NamedTuple


class Traffic(NamedTuple):
    """What has been read of a dataset in a store so far. As JSON, it is what `to_dict` returns.

    Attributes:
        requests: Ranges and files that were requested. Repetitions after an error are not counted.
        bytes_fetched: Bytes that were received.
        bytes_from_cache: Bytes that the folder `cache=` had.
        hit_rate: The share of the cache in all bytes that were read, 0..1; 0 if nothing was read.
        stalls: Batches that were not there when they were wanted.
        stall_s: Seconds that all batches together have waited for bytes.
    """

    requests: int
    bytes_fetched: int
    bytes_from_cache: int
    hit_rate: float
    stalls: int
    stall_s: float

    def to_dict(self) -> dict[str, int | float]:
        """Returns all numbers by name, as plain JSON."""
        return self._asdict()


MIN_STALL_S = 0.001
"""A batch that waits for less was there in time."""


class TrafficCounter:
    """Counts for one open dataset, all of its pipelines together. Thread-safe."""

    def __init__(self) -> None:
        """Starts at zero."""
        self._lock = threading.Lock()
        self._requests = self._fetched = self._from_cache = self._stalls = 0
        self._stall_s = 0.0

    def fetched(self, requests: int, count: int) -> None:
        """Counts requests, and the bytes that they have brought."""
        with self._lock:
            self._requests += requests
            self._fetched += count

    def from_cache(self, count: int) -> None:
        """Counts bytes that the cache had."""
        with self._lock:
            self._from_cache += count

    def waited(self, seconds: float) -> None:
        """Counts how long a batch has waited."""
        with self._lock:
            self._stalls += seconds >= MIN_STALL_S
            self._stall_s += seconds

    def read(self) -> Traffic:
        """Returns the numbers."""
        with self._lock:
            read = self._fetched + self._from_cache
            hit_rate = self._from_cache / read if read else 0.0
            return Traffic(
                self._requests,
                self._fetched,
                self._from_cache,
                hit_rate,
                self._stalls,
                round(self._stall_s, 6),
            )
