"""A folder that behaves as a store does: nothing in it can be mapped, and reading takes time and may fail."""

import errno
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from typing_extensions import override

from fitfeed.pipelines import Dataset
from fitfeed.pipelines.reading.cache_options import CacheOptions
from fitfeed.pipelines.reading.dataset_files import DatasetFiles
from fitfeed.schemas.manifest import find_manifest
from fitfeed.schemas.storage.local import LocalPlace
from fitfeed.schemas.storage.place import OpenFile


class Network:
    """What all reads of far places go through. Tests change it.

    Threads of a test may read on when it has ended. So places that were made before a reset are not seen after it.
    """

    def __init__(self) -> None:
        self.resets = 0
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        with self._lock:
            self.resets += 1
            self.latency_s, self.is_dead = 0.0, False
            self.reads: list[tuple[str, int, int]] = []
            self.before: Callable[[str, int], None] = lambda name, offset: None

    def pass_through(self, resets: int, name: str, offset: int, length: int) -> None:
        with self._lock:
            if resets != self.resets:
                return
            self.reads.append((name, offset, length))
        time.sleep(self.latency_s)
        with self._lock:
            if resets != self.resets:
                return
            before, is_dead = self.before, self.is_dead
        before(name, offset)
        if is_dead:
            reason = "the store could not be reached, or broke off its answer, 11 times in 181 s"
            raise OSError(errno.ETIMEDOUT, reason, name)

    def shard_reads(self) -> list[tuple[str, int, int]]:
        return [read for read in self.reads if "-of-" in read[0]]


NETWORK = Network()


@dataclass(frozen=True)
class FarPlace(LocalPlace):
    """A folder behind a network."""

    resets: int = field(default_factory=lambda: NETWORK.resets, compare=False, repr=False)

    @override
    def __str__(self) -> str:
        return f"far:/{self.path}"

    @override
    def address(self, name: str) -> str:
        return f"{self}/{name}"

    @property
    @override
    def is_far(self) -> bool:
        return True

    @property
    @override
    def local_folder(self) -> None:  # as that of a store
        return None

    @override
    def open(self, name: str) -> OpenFile:
        NETWORK.pass_through(self.resets, name, 0, 0)
        identity = self.find(name).identity
        return FarFile(self, name, super().open(name), identity)


class FarFile(OpenFile):
    """A file behind a network. As an object of a store, it fails once another one has its name."""

    def __init__(self, place: FarPlace, name: str, inner: OpenFile, identity: str) -> None:
        self._place, self._name, self._inner, self._identity = place, name, inner, identity

    @override
    def read_into(self, offset: int, memory: memoryview) -> int:
        NETWORK.pass_through(self._place.resets, self._name, offset, len(memory))
        if self._place.find(self._name).identity != self._identity:
            raise OSError(errno.ESTALE, "it was replaced meanwhile by another object", self._name)
        return self._inner.read_into(offset, memory)

    @override
    def close(self) -> None:
        self._inner.close()


def far(folder: Path, cache: Path | None = None, limit: int | None = None) -> Dataset:
    """Opens a dataset that is behind the network."""
    NETWORK.reset()
    place = FarPlace(folder)
    manifest, identity = find_manifest(place)
    options = None if cache is None else CacheOptions(cache, limit)
    return Dataset(DatasetFiles(place, identity, options), manifest)
