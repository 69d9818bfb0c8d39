"""HDF5 shards: images contiguous and uncompressed, so that readers find each by its byte offset."""

import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from converters.writers.base import Record, ShardWriter, StoredShard, file_sha256

COPY_BYTES = 1 << 20  # twice that is held at a time


class HDF5Writer(ShardWriter):
    """Spools payloads beside the target, then lays them out as one contiguous data set.

    A contiguous data set cannot grow and its size is only known at the end, hence the spool; memory
    does not grow with the shard.

    Data sets: `image` (raw: (N, height, width, channels) uint8; else all payloads one after the
    other as (bytes,) uint8, payload i being `image[image_offset[i]:image_offset[i + 1]]`),
    `image_offset` (not for raw), `label` int64, `key` fixed-length UTF-8, `format` fixed-length
    ASCII, `height`, `width`, `channels` int64.
    """

    def __init__(self, path: Path, *, raw: bool) -> None:
        """Opens the spool."""
        super().__init__(path)
        self._raw = raw
        self._spool_path = self._temporary.with_name(self._temporary.name + "-spool")
        self._spool = self._spool_path.open("w+b")
        self._ends = [0]
        self._records: list[dict[str, Any]] = []

    def write(self, record: Record) -> None:
        """Adds a record."""
        if self._raw and self._records and self._shape(record) != self._first_shape():
            msg = f"raw HDF5 shards hold images of one shape. Received: {self._shape(record)} after {self._first_shape()}"
            raise ValueError(msg)
        self._spool.write(record.payload)
        self._ends.append(self._ends[-1] + len(record.payload))
        self._records.append(record.columns())

    def _complete(self) -> StoredShard:
        with h5py.File(self._temporary, "w") as file:
            image = self._create_image(file)
            start = image.id.get_offset() if self._ends[-1] else 0
            self._create_columns(file)
        self._copy_spool_to(start)
        return StoredShard(
            bytes=self._temporary.stat().st_size,
            sha256=file_sha256(self._temporary),
            offsets=[start + end for end in self._ends[:-1]],
        )

    def _create_image(self, file: h5py.File) -> h5py.Dataset:
        """Reserves the space of all payloads, to be filled through the file itself."""
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_layout(h5py.h5d.CONTIGUOUS)
        properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        properties.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
        properties.set_obj_track_times(False)
        shape = (len(self._records), *self._first_shape()) if self._raw else (self._ends[-1],)
        space = h5py.h5s.create_simple(shape)
        return h5py.Dataset(h5py.h5d.create(file.id, b"image", h5py.h5t.STD_U8LE, space, properties))

    def _create_columns(self, file: h5py.File) -> None:
        if not self._raw:
            _create(file, "image_offset", np.asarray(self._ends, "<i8"))
        for name in ("label", "height", "width", "channels"):
            _create(file, name, np.asarray([record[name] for record in self._records], "<i8"))
        for name, charset in (("key", "utf-8"), ("format", "ascii")):
            values = [record[name] for record in self._records]
            _create(
                file, name, np.asarray(values, h5py.string_dtype(charset, max(map(len, values), default=1)))
            )

    def _copy_spool_to(self, start: int) -> None:
        self._spool.seek(0)
        with self._temporary.open("r+b") as target:
            target.seek(start)
            while chunk := self._spool.read(COPY_BYTES):
                target.write(chunk)
            target.flush()
            os.fsync(target.fileno())

    def _discard(self) -> None:
        self._spool.close()
        self._spool_path.unlink(missing_ok=True)
        self._temporary.unlink(missing_ok=True)

    def _first_shape(self) -> tuple[int, int, int]:
        first = self._records[0] if self._records else {"height": 1, "width": 1, "channels": 3}
        return first["height"], first["width"], first["channels"]

    @staticmethod
    def _shape(record: Record) -> tuple[int, int, int]:
        return record.height, record.width, record.channels


def _create(file: h5py.File, name: str, values: npt.NDArray[Any]) -> None:
    file.create_dataset(name, data=values, track_times=False)  # a clock would make equal shards differ
