"""Writes HDF5 shards. Images are contiguous and uncompressed, so that readers find each by its byte offset."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from fitfeed.converters.shards.writers.base import Record, ShardWriter, StoredShard
from fitfeed.converters.shards.writers.hdf5_payload import Blob
from fitfeed.schemas.bit_depth import Depth
from fitfeed.schemas.features import LabelKind
from fitfeed.schemas.files import file_sha256


class HDF5Writer(ShardWriter):
    """Writes payloads as contiguous data sets, after all of them are known.

    Data sets: `image` (raw: (N, height, width, channels) uint8, or uint16 for 16 bits; else all payloads one after the
    other as (bytes,) uint8, payload i being `image[image_offset[i]:image_offset[i + 1]]`),
    `image_offset` (not for raw), `key` fixed-length UTF-8, `format` fixed-length ASCII, `height`,
    `width`, `channels` int64. A label is int64 (class, int) or float64 (float) of its name; masks are
    stored as images are; text (uint8, UTF-8) and multiclass (int64) as one flat data set with a
    `<name>_offset`.
    """

    def __init__(self, path: Path, labels: Mapping[str, LabelKind], *, raw: bool, depth: Depth = 8) -> None:
        """Opens the spool files."""
        super().__init__(path)
        self._raw, self._labels = raw, labels
        self._blobs: dict[str, Blob] = {}
        masks = [name for name, kind in labels.items() if kind == "mask"]
        for number, name in enumerate(["image", *masks]):
            spool = self._temporary.with_name(f"{self._temporary.name}-spool{number}")
            self._blobs[name] = Blob(spool, name, depth=depth if raw and name == "image" else 8)
        self._columns: dict[str, list[Any]] = {
            name: []
            for name in (*labels, "height", "width", "channels", "key", "format")
            if name not in masks
        }
        self._first: Record | None = None

    def write(self, record: Record) -> None:
        """Adds a record."""
        self._first = self._first or record
        if self._raw and _shape(record) != _shape(self._first):
            msg = f"raw HDF5 shards hold images of one shape. Received: {_shape(record)} after {_shape(self._first)}"
            raise ValueError(msg)
        for name, payload in {"image": record.payload, **record.masks}.items():
            self._blobs[name].write(payload)
        values = {**record.labels, "key": record.key.encode(), "format": record.format.encode()}
        for name, column in self._columns.items():
            column.append(values[name] if name in values else getattr(record, name))

    def _complete(self) -> StoredShard:
        with h5py.File(self._temporary, "w") as file:
            for name, blob in self._blobs.items():
                blob.reserve(file, self._blob_shape(name, blob))
            self._create_columns(file)
        for blob in self._blobs.values():
            blob.copy_into(self._temporary)
        image, *masks = self._blobs
        return StoredShard(
            bytes=self._temporary.stat().st_size,
            sha256=file_sha256(self._temporary),
            offsets=self._blobs[image].offsets,
            mask_offsets={name: self._blobs[name].offsets for name in masks},
        )

    def _blob_shape(self, name: str, blob: Blob) -> tuple[int, ...]:
        if not self._raw:
            return (blob.ends[-1],)
        height, width, channels = (1, 1, 3) if self._first is None else _shape(self._first)
        return len(self._columns["key"]), height, width, channels if name == "image" else 1

    def _create_columns(self, file: h5py.File) -> None:
        if not self._raw:
            for name, blob in self._blobs.items():
                _create(file, f"{name}_offset", np.asarray(blob.ends, "<i8"))
        for name, values in self._columns.items():
            kind = self._labels.get(name)
            if kind in ("text", "multiclass"):
                _create_ragged(file, name, values, is_text=kind == "text")
            elif name in ("key", "format"):
                charset = "utf-8" if name == "key" else "ascii"
                length = max(map(len, values), default=1)
                _create(file, name, np.asarray(values, h5py.string_dtype(charset, length)))
            else:
                _create(file, name, np.asarray(values, "<f8" if kind in ("float", "floats") else "<i8"))

    def _discard(self) -> None:
        for blob in self._blobs.values():
            blob.discard()
        self._temporary.unlink(missing_ok=True)


def _shape(record: Record) -> tuple[int, int, int]:
    return record.height, record.width, record.channels


def _create_ragged(file: h5py.File, name: str, values: list[Any], *, is_text: bool) -> None:
    """Values of different lengths, one after the other, and the end of each."""
    parts = [text.encode() for text in values] if is_text else values
    flat: npt.NDArray[Any]
    if is_text:
        flat = np.frombuffer(b"".join(parts), np.uint8)
    else:
        flat = np.asarray([number for part in parts for number in part], "<i8")
    _create(file, name, flat)
    _create(file, f"{name}_offset", np.cumsum([0, *map(len, parts)], dtype="<i8"))


def _create(file: h5py.File, name: str, values: npt.NDArray[Any]) -> None:
    file.create_dataset(name, data=values, track_times=False)  # a clock would make equal shards differ
