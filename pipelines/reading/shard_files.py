"""Positioned reads from shard files, whatever their container format.

A payload is a byte range that the index names, so one `pread` fetches it: no record parsing, no
HDF5 library with its global lock, no shared file position. The interpreter lock is free during it.

Memory mapping would copy 128 raw images of 150 KB in 1.9 ms instead of 2.7. But if a mapped file is
cut off, or the disk fails, access ends the process by SIGBUS: there is no error to raise and no
example to skip. Asking the kernel first (`MADV_POPULATE_READ`) costs 1 ms, as much as it would save.
"""

import itertools
import os
import threading
import weakref
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from fitfeed.schemas.errors import DamagedDatasetError
from fitfeed.schemas.files import open_located, pread_all, pread_into
from fitfeed.schemas.storage.place import Range

MAX_OPEN_FILES = 128
"""Files that stay open. It is well below the usual limit of 1,024 descriptors a process, and few datasets
have more shards."""


class _OpenFile:
    """A descriptor that is closed when nobody holds it any more.

    So a file that leaves the cache is not closed while a thread still reads it.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self.descriptor = stream.fileno()
        weakref.finalize(self, stream.close)


class ShardFiles:
    """Reads byte ranges of the shards of a split. Thread-safe. A file is opened when it is first read.

    It is not picklable: descriptors belong to their process.
    """

    def __init__(self, folder: Path, names: Sequence[str], *, open_files: int = MAX_OPEN_FILES) -> None:
        """Stores the names of the files, and opens none.

        Args:
            folder: The folder of the dataset.
            names: Shard file names, in the order of the manifest.
            open_files: How many files stay open; the least recently used is closed first.
        """
        self._folder, self._names = folder, names
        self._open_files = open_files
        self._files: OrderedDict[int, _OpenFile] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, shard: int, offset: int, length: int) -> bytes:
        """Reads a byte range.

        Returns:
            Fewer than `length` bytes only where the file ends.

        Raises:
            DamagedDatasetError: If the file is missing, is outside the folder or cannot be opened.
            OSError: If it cannot be read.
        """
        file = self._file(shard)  # it stays open while it has a name here
        return pread_all(file.descriptor, offset, length)

    def read_into(self, shard: int, offset: int, memory: memoryview) -> int:
        """Reads a byte range into memory of its size (bytes, contiguous, writable).

        Returns:
            How many bytes were read; fewer than asked only where the file ends.

        Raises:
            DamagedDatasetError: If the file is missing, is outside the folder or cannot be opened.
            OSError: If it cannot be read.
        """
        file = self._file(shard)
        return pread_into(file.descriptor, offset, memory)

    def read_several(self, shard: int, ranges: Sequence[Range]) -> list[int]:
        """Reads byte ranges of a shard, each as `read_into` does."""
        return [self.read_into(shard, *wanted) for wanted in ranges]

    def read_cached(self, shard: int, wanted: Range) -> bool:
        """Returns False: there is no cache."""
        return False

    def read_ranges(
        self, shards: npt.NDArray[np.int32], offsets: npt.NDArray[np.int64], out: npt.NDArray[np.uint8]
    ) -> list[int]:
        """Reads n >= 1 byte ranges of one length. Ranges that follow each other in a file are read by one call.

        A loop that Numba compiles was tried instead. It saves 0.4 us a range, of some 3 us that an image of 64
        pixels takes, and its import and first call cost 0.7 s and 46 MB in each process.

        Args:
            shards: int32 (n,), the shard of each range.
            offsets: int64 (n,), where each range begins.
            out: uint8 (n, length), C-contiguous, to be written.

        Returns:
            The places in `out` that are not filled, ascending: the file ends there, or reading failed.
            `read_into` tells why.

        Raises:
            DamagedDatasetError: If a file is missing, is outside the folder or cannot be opened.
        """
        length = out.shape[1]
        apart = (shards[1:] != shards[:-1]) | (offsets[1:] != offsets[:-1] + length)
        bounds = [0, *(np.flatnonzero(apart) + 1).tolist(), len(out)]
        numbers, starts = shards.tolist(), offsets.tolist()
        files = {number: self._file(number) for number in set(numbers)}  # held, so that none closes meanwhile
        unread: list[int] = []
        for first, stop in itertools.pairwise(bounds):
            try:
                count = os.preadv(files[numbers[first]].descriptor, (out[first:stop].data,), starts[first])
            except OSError:
                count = 0  # which range of a run cannot be read shows when each is read by itself
            unread += range(first + count // length, stop)
        return unread

    def _file(self, shard: int) -> _OpenFile:
        with self._lock:
            file = self._files.get(shard)
            if file is None:
                file = self._files[shard] = self._open(shard)
                if len(self._files) > self._open_files:
                    self._files.popitem(last=False)
            else:
                self._files.move_to_end(shard)
            return file

    def _open(self, shard: int) -> _OpenFile:
        try:
            return _OpenFile(open_located(self._folder, self._names[shard]))
        except OSError as error:
            msg = f"{self._folder / self._names[shard]} cannot be opened: {error.strerror}. Restore it, or its permissions."
            raise DamagedDatasetError(msg) from error
