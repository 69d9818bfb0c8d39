"""Collects the payloads of a shard, and writes them as one contiguous, uncompressed HDF5 data set."""

import os
from pathlib import Path

import h5py

from fitfeed.schemas.bit_depth import Depth

COPY_BYTES = 1 << 20  # twice that is held at a time


class Blob:
    """Keeps payloads in a spool file beside the target until their total size is known.

    The spool is needed because a contiguous data set cannot grow. Memory does not grow with the shard. Not thread-safe.

    Attributes:
        ends: 0, and then the end of each payload.
    """

    def __init__(self, spool: Path, name: str, *, depth: Depth = 8) -> None:
        """Opens the spool.

        Args:
            spool: A temporary file.
            name: Name of the data set.
            depth: Bits per value.
        """
        self._path, self._name, self._depth = spool, name, depth
        self._spool = spool.open("w+b")
        self.ends = [0]
        self.start = 0

    def write(self, payload: bytes) -> None:
        """Adds a payload."""
        self._spool.write(payload)
        self.ends.append(self.ends[-1] + len(payload))

    @property
    def offsets(self) -> list[int]:
        """The byte of the file at which each payload begins, after space was reserved."""
        return [self.start + end for end in self.ends[:-1]]

    def reserve(self, file: h5py.File, shape: tuple[int, ...]) -> None:
        """Reserves space for all payloads. It is filled without HDF5, by writing to the file."""
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_layout(h5py.h5d.CONTIGUOUS)
        properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        properties.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
        properties.set_obj_track_times(False)
        links = h5py.h5p.create(h5py.h5p.LINK_CREATE)
        if not self._name.isascii():  # a label may have any name that a column can have
            links.set_char_encoding(h5py.h5t.CSET_UTF8)
        space = h5py.h5s.create_simple(shape)
        kind = h5py.h5t.STD_U16LE if self._depth == 16 else h5py.h5t.STD_U8LE
        dataset = h5py.h5d.create(file.id, self._name.encode(), kind, space, properties, links)
        self.start = dataset.get_offset() if self.ends[-1] else 0

    def copy_into(self, path: Path) -> None:
        """Copies the payloads to their place, and syncs them to disk."""
        self._spool.seek(0)
        with path.open("r+b") as target:
            target.seek(self.start)
            while chunk := self._spool.read(COPY_BYTES):
                target.write(chunk)
            target.flush()
            os.fsync(target.fileno())

    def discard(self) -> None:
        """Removes the spool."""
        self._spool.close()
        self._path.unlink(missing_ok=True)
