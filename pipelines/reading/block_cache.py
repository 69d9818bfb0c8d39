"""Keeps what was fetched from a store in a folder of this machine, for later epochs, runs and other processes.

    FOLDER/<SHA-256 of a shard>.blocks
        [block 0][block 1]      [block 3] ...  [checksums: 8 bytes for each block, 0 where there is none]

A file is as large as its shard, and sparse: it takes the room of those blocks that were fetched. It is named after the
content of the shard, so a shard that is replaced has another file, and copies of a dataset share theirs.

A block is written first, and its checksum after it. So whoever is killed, or runs into a full disk, leaves a block without a
checksum, or one that does not match: both are fetched again. There is no lock: the same bytes may be written twice.
"""

import logging
import os
import re
import threading
import time
import weakref
from pathlib import Path

import numpy as np
import numpy.typing as npt
from xxhash import xxh3_64_intdigest

from fitfeed.schemas.files import pwrite_all

BLOCK = 64 << 10
"""64 KiB: bytes with one checksum. What is needed of a shard is fetched in whole blocks, if there is a cache."""

ENTRY = 8
"""Bytes of a checksum."""

IDLE_S = 15 * 60
"""A file that was not used for so long may be deleted to make room for others."""

TOUCH_S = 60.0
"""Seconds between two notes that a file is in use."""

MIN_SCAN_BYTES = 64 << 20
"""64 MiB that this process may add before it looks again how full the folder is; less if the limit is small."""

SCAN_S = 60.0
"""Seconds after which a full cache looks again whether there is room."""

NAME = re.compile(r"[0-9a-f]{64}\.(blocks|index)")
"""What the cache deletes. Other files in its folder stay as they are."""

_logger = logging.getLogger("fitfeed.pipelines")


class BlockCache:
    """A folder of cached shards. Thread-safe; several processes may share the folder.

    A cache that is full stays as it is, while all that is in it is in use: for a dataset that is larger than the
    cache, each epoch would otherwise replace what the next one needs. What other datasets left there goes first.
    """

    def __init__(self, folder: Path, limit: int | None) -> None:
        """Makes the folder.

        Args:
            folder: Where to keep blocks.
            limit: Bytes that all files in it may take; None: no limit but the disk.

        Raises:
            OSError: If it cannot be made.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder, self._limit = folder, limit
        self._room = 0 if limit is not None else MIN_SCAN_BYTES
        self._scanned = -SCAN_S
        self._lock = threading.Lock()
        self._is_off = False

    def file(self, sha256: str, size: int) -> "CachedFile":
        """Opens the file of a shard, or makes it.

        Args:
            sha256: Of the shard, in hexadecimal.
            size: Its bytes.

        Raises:
            OSError: If that is not possible.
        """
        return CachedFile(self.folder / f"{sha256}.blocks", size)

    def takes(self, count: int) -> bool:
        """Whether there is room for some bytes more. They then count as written."""
        if self._is_off:
            return False
        if self._limit is None:
            return True
        with self._lock:
            if self._room < count and time.monotonic() - self._scanned >= SCAN_S:
                self._make_room(count)
            if self._room < count:
                return False
            self._room -= count
            if self._room < count:  # used up what this process may add without looking
                self._scanned = -SCAN_S
            return True

    def fail(self, error: OSError) -> None:
        """Goes on without adding anything, and logs why, once."""
        with self._lock:
            if self._is_off:
                return
            self._is_off = True
        _logger.warning(
            "the cache %s cannot be written (%s), so what it lacks is fetched each time. Make room there, or pass "
            "another folder as cache=",
            self.folder,
            error.strerror or error,
        )

    def _make_room(self, count: int) -> None:
        """Looks how full the folder is, and deletes files that are not in use, the least recently used first."""
        assert self._limit is not None  # noqa: S101  only a cache with a limit looks
        self._scanned = time.monotonic()
        found: list[tuple[float, int, Path]] = []
        with os.scandir(self.folder) as entries:
            for entry in entries:
                if NAME.fullmatch(entry.name):
                    try:
                        status = entry.stat(follow_symlinks=False)
                    except FileNotFoundError:  # deleted by another process
                        continue
                    found.append((status.st_mtime, status.st_blocks * 512, Path(entry.path)))
        used, now = sum(size for _, size, _ in found), time.time()
        step = min(MIN_SCAN_BYTES, max(count, self._limit // 16))
        for used_at, size, path in sorted(found):
            if used + step <= self._limit or now - used_at < IDLE_S:
                break
            path.unlink(missing_ok=True)
            used -= size
        self._room = max(0, min(step, self._limit - used))


class CachedFile:
    """The blocks of one shard. Thread-safe. Not picklable: it is opened in each process."""

    def __init__(self, path: Path, size: int) -> None:
        """Opens or makes the file.

        Args:
            path: The file.
            size: Bytes of the shard.

        Raises:
            OSError: If that is not possible, or if it is not a file of this size.
        """
        self._path, self._size = path, size
        blocks = -(-size // BLOCK)
        self._table = blocks * BLOCK
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        self._descriptor = os.open(path, flags, 0o600)
        weakref.finalize(self, os.close, self._descriptor)
        if os.fstat(self._descriptor).st_size != self._table + blocks * ENTRY:
            os.ftruncate(self._descriptor, self._table + blocks * ENTRY)  # sparse: it takes no room yet
        self._checksums = np.zeros(blocks, np.uint64)
        self._load(0, blocks)
        self._is_checked = bytearray(blocks)  # 1: by this process, so that a block is checked once
        self._touched = 0.0

    @property
    def is_deleted(self) -> bool:
        """Whether the file was deleted to make room: what is added to it is of no use to others."""
        return os.fstat(self._descriptor).st_nlink == 0

    def read_into(self, offset: int, memory: memoryview) -> bool:
        """Reads a range, if all of it is there.

        Args:
            offset: Where it begins in the shard.
            memory: Bytes, contiguous, writable; within the shard.

        Returns:
            Whether it was there. If not, the memory is undefined.

        Raises:
            OSError: If the file cannot be read.
        """
        first, stop = offset // BLOCK, -(-(offset + len(memory)) // BLOCK)
        if self._is_checked.find(0, first, stop) >= 0 and not self._check(first, stop):
            return False
        if os.preadv(self._descriptor, [memory], offset) < len(memory):
            return False
        self._touch()
        return True

    def missing(self, offset: int, length: int) -> tuple[int, int]:
        """Returns the range of whole blocks, (begin, end), in which all that is missing of a range lies."""
        first, stop = offset // BLOCK, -(-(offset + length) // BLOCK)
        absent = np.flatnonzero(self._checksums[first:stop] == 0)
        if not len(absent):  # it was deleted meanwhile, or a block is damaged
            return first * BLOCK, min(stop * BLOCK, self._size)
        return (first + int(absent[0])) * BLOCK, min((first + int(absent[-1]) + 1) * BLOCK, self._size)

    def add(self, offset: int, data: memoryview) -> None:
        """Keeps whole blocks.

        Args:
            offset: Where they begin, at a block.
            data: Their bytes, up to the end of a block or of the shard.

        Raises:
            OSError: If they cannot be written.
        """
        first = offset // BLOCK
        sums = [_checksum(data[start : start + BLOCK]) for start in range(0, len(data), BLOCK)]
        pwrite_all(self._descriptor, offset, data)
        entries = np.array(sums, "<u8")
        pwrite_all(self._descriptor, self._table + first * ENTRY, memoryview(entries.tobytes()))
        self._checksums[first : first + len(sums)] = entries
        self._is_checked[first : first + len(sums)] = bytes([1]) * len(sums)

    def _check(self, first: int, stop: int) -> bool:
        if not self._checksums[first:stop].all():
            self._load(first, stop)  # another process may have added it
            if not self._checksums[first:stop].all():
                return False
        begin, end = first * BLOCK, min(stop * BLOCK, self._size)
        data = memoryview(os.pread(self._descriptor, end - begin, begin))
        for block in range(first, stop):
            start = (block - first) * BLOCK
            if _checksum(data[start : min(start + BLOCK, end - begin)]) != int(self._checksums[block]):
                self._checksums[block] = 0  # it is fetched again
                return False
        self._is_checked[first:stop] = bytes([1]) * (stop - first)
        return True

    def _load(self, first: int, stop: int) -> None:
        count = stop - first
        data = os.pread(self._descriptor, count * ENTRY, self._table + first * ENTRY)
        loaded: npt.NDArray[np.uint64] = np.frombuffer(data, "<u8")
        self._checksums[first : first + len(loaded)] = loaded

    def _touch(self) -> None:
        now = time.monotonic()
        if now - self._touched > TOUCH_S:
            self._touched = now
            os.utime(self._descriptor)


def _checksum(block: memoryview) -> int:
    return xxh3_64_intdigest(block) or 1  # 0 stands for a block that is not there
