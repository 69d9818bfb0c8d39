"""Reads byte ranges of shards that are far away: in an object store, or behind a folder of cached blocks.

A failure here is that of a connection, or of permissions, and not of an example. So it is a `FeedError`, which no option
skips. What is skipped is damage: a shard that ends too early.
"""

import errno
import os
import threading
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fitfeed.pipelines.reading.block_cache import BlockCache, CachedFile
from fitfeed.pipelines.reading.traffic import TrafficCounter
from fitfeed.schemas.errors import DamagedDatasetError, FeedError, FitfeedError
from fitfeed.schemas.files import damaged_file
from fitfeed.schemas.manifest import MANIFEST_NAME, MAX_MANIFEST_BYTES, parse_manifest
from fitfeed.schemas.manifest_parts import Shard
from fitfeed.schemas.storage.place import OpenFile, Place, Range


class FetchedShards:
    """Reads byte ranges of the shards of a split. Thread-safe. A shard is opened when it is first read.

    It is not picklable: its connections belong to their process.
    """

    def __init__(
        self,
        place: Place,
        shards: Sequence[Shard],
        *,
        manifest_identity: str,
        cache: BlockCache | None,
        traffic: TrafficCounter,
    ) -> None:
        """Stores what is to be read, and opens nothing.

        Args:
            place: Where the dataset is.
            shards: The shards, in the order of the manifest.
            manifest_identity: Identity of the manifest that has them. A dataset that is replaced loses its manifest
                first, and gets the new one last. So a shard is one of this manifest, if it is opened while the
                manifest is there, or another one that has the same shards: an append changes none.
            cache: Keeps what was fetched. None: nothing is kept.
            traffic: Counts what is fetched.
        """
        self._place, self._shards, self._manifest_identity = place, shards, manifest_identity
        self._cache, self._traffic = cache, traffic
        self._files: dict[int, OpenFile] = {}
        self._cached: dict[int, CachedFile] = {}
        self._opening = [threading.Lock() for _ in shards]  # so that one shard does not wait for another
        self._comparing = threading.Lock()
        self._pid = os.getpid()

    def read(self, shard: int, offset: int, length: int) -> bytes:
        """Reads a byte range.

        Returns:
            Fewer than `length` bytes only where the shard ends.

        Raises:
            DamagedDatasetError: If the shard is missing, or was replaced.
            FeedError: If it cannot be read.
        """
        memory = bytearray(length)
        done = self.read_into(shard, offset, memoryview(memory))
        return bytes(memoryview(memory)[:done])

    def read_into(self, shard: int, offset: int, memory: memoryview) -> int:
        """Reads a byte range into memory of its size (bytes, contiguous, writable).

        Returns:
            How many bytes were read; fewer than asked only where the shard ends.

        Raises:
            DamagedDatasetError: If the shard is missing, or was replaced.
            FeedError: If it cannot be read, or this process was forked after the first read.
        """
        return self.read_several(shard, [Range(offset, memory)])[0]

    def read_several(self, shard: int, ranges: Sequence[Range]) -> list[int]:
        """Reads byte ranges of a shard, each as `read_into` does.

        Raises:
            DamagedDatasetError: If the shard is missing, or was replaced.
            FeedError: If it cannot be read, or this process was forked after the first read.
        """
        self._check_process()
        size = self._shards[shard].bytes
        inside = [Range(offset, memory[: max(0, size - offset)]) for offset, memory in ranges]
        if self._cache is None:
            return self._fetch_several(shard, inside)
        return [self._read_through(self._cache, shard, *wanted) for wanted in inside]

    def read_cached(self, shard: int, wanted: Range) -> bool:
        """Reads a byte range, if the cache has all of it.

        Returns:
            Whether it has. If not, the memory is undefined.

        Raises:
            FeedError: If this process was forked after the first read.
        """
        self._check_process()
        offset, memory = wanted
        if self._cache is None or offset + len(memory) > self._shards[shard].bytes:
            return False
        try:
            is_there = self._cached_file(self._cache, shard).read_into(offset, memory)
        except OSError as error:
            self._cache.fail(error)
            return False
        if is_there:
            self._traffic.from_cache(len(memory))
        return is_there

    def read_ranges(
        self, shards: npt.NDArray[np.int32], offsets: npt.NDArray[np.int64], out: npt.NDArray[np.uint8]
    ) -> list[int]:
        """Reads n >= 1 byte ranges of one length, one after the other: who reads ahead asks for payloads instead.

        Args:
            shards: int32 (n,), the shard of each range.
            offsets: int64 (n,), where each range begins.
            out: uint8 (n, length), C-contiguous, to be written.

        Returns:
            The places in `out` that are not filled, ascending: the shard ends there.

        Raises:
            DamagedDatasetError: If a shard is missing, or was replaced.
            FeedError: If one cannot be read.
        """
        ranges = enumerate(zip(shards.tolist(), offsets.tolist(), strict=True))
        return [i for i, (shard, at) in ranges if self.read_into(shard, at, out[i].data) < out.shape[1]]

    def _read_through(self, cache: BlockCache, shard: int, offset: int, memory: memoryview) -> int:
        """Reads a range within a shard; what the cache lacks is fetched, and kept."""
        if not len(memory) or self.read_cached(shard, Range(offset, memory)):
            return len(memory)
        try:
            file = self._cached_file(cache, shard)
            if file.is_deleted:  # to make room, while this process did not use it
                file = self._cached_file(cache, shard, again=True)
            begin, end = file.missing(offset, len(memory))
        except OSError as error:
            cache.fail(error)
            return self._fetch(shard, offset, memory)
        if not cache.takes(end - begin):
            return self._fetch(shard, offset, memory)
        blocks = memoryview(bytearray(end - begin))
        done = self._fetch(shard, begin, blocks)
        if done < len(blocks):  # the shard is cut off: whoever reads the range says so
            return self._fetch(shard, offset, memory)
        first, stop = max(begin, offset), min(end, offset + len(memory))
        try:
            file.add(begin, blocks)
            if stop - first < len(memory) and file.read_into(offset, memory):
                self._traffic.from_cache(len(memory) - (stop - first))
                return len(memory)
        except OSError as error:
            cache.fail(error)
        if stop - first < len(memory):  # another part was deleted meanwhile
            return self._fetch(shard, offset, memory)
        memory[:] = blocks[first - begin : stop - begin]
        return len(memory)

    def _cached_file(self, cache: BlockCache, shard: int, *, again: bool = False) -> CachedFile:
        file = None if again else self._cached.get(shard)
        if file is None:
            with self._opening[shard]:
                file = None if again else self._cached.get(shard)
                if file is None:
                    entry = self._shards[shard]
                    file = self._cached[shard] = cache.file(entry.sha256, entry.bytes)
        return file

    def _fetch(self, shard: int, offset: int, memory: memoryview) -> int:
        return self._fetch_several(shard, [Range(offset, memory)])[0]

    def _fetch_several(self, shard: int, ranges: Sequence[Range]) -> list[int]:
        if not any(len(memory) for _, memory in ranges):
            return [0] * len(ranges)
        file = self._files.get(shard) or self._open(shard)
        try:
            counts = file.read_several(ranges)
        except OSError as error:
            raise self._failed(shard, error) from error
        self._traffic.fetched(len(ranges), sum(counts))
        return counts

    def _open(self, shard: int) -> OpenFile:
        with self._opening[shard]:
            file = self._files.get(shard)
            if file is None:
                name = self._shards[shard].file
                try:
                    file = self._place.open(name)
                except OSError as error:
                    raise self._failed(shard, error) from error
                self._require_manifest(name)
                self._files[shard] = file
            return file

    def _require_manifest(self, name: str) -> None:
        """Checks that a shard that was just opened belongs to the manifest that was read.

        Raises:
            DamagedDatasetError: If the dataset was replaced meanwhile.
            FeedError: If that cannot be found out.
        """
        try:
            identity = self._place.find(MANIFEST_NAME).identity
            with self._comparing:  # others that wait for it have the same manifest, which is read once
                if identity != self._manifest_identity:
                    self._manifest_identity = self._compared_manifest(name)
        except (FileNotFoundError, FitfeedError):
            raise self._replaced(self._place.address(name)) from None
        except OSError as error:
            msg = f"{self._place.address(MANIFEST_NAME)} cannot be read: {error.strerror or error}."
            raise FeedError(msg) from error

    def _compared_manifest(self, name: str) -> str:
        """Returns the identity of the manifest that is there now, if it has the same shards: it is that of an append, or of its final names."""
        text, found = self._place.read(MANIFEST_NAME, at_most=MAX_MANIFEST_BYTES + 1)
        now = parse_manifest(self._place, text)
        published = {shard.file: shard.sha256 for split in now.splits.values() for shard in split.shards}
        if any(published.get(shard.file) != shard.sha256 for shard in self._shards):
            raise self._replaced(self._place.address(name))
        return found.identity

    def _replaced(self, address: str) -> DamagedDatasetError:
        msg = f"{self._place} was replaced since it was opened, so {address} is not what its index says. Open the dataset again, and begin anew."
        return DamagedDatasetError(msg)

    def _failed(self, shard: int, error: OSError) -> Exception:
        address, reason = self._place.address(self._shards[shard].file), error.strerror or str(error)
        if isinstance(error, FileNotFoundError):
            return damaged_file(address, error)
        if error.errno == errno.ESTALE:
            return self._replaced(address)
        return FeedError(
            f"{address} cannot be read: {reason}. No example was skipped. Training can go on from here: start=(epoch, step), or ResumeTraining."
        )

    def _check_process(self) -> None:
        if os.getpid() != self._pid:
            msg = (
                f"{self._place} cannot be read in process {os.getpid()}, which was forked from {self._pid}: connections do "
                f"not survive a fork. Start processes by multiprocessing.get_context('spawn'); for a DataLoader of PyTorch, pass "
                f'multiprocessing_context="spawn".'
            )
            raise FeedError(msg)
