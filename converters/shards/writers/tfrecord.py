"""Writes TFRecord shards of plain `tf.train.Example`, which stock TensorFlow reads."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from fitfeed.converters.shards.writers.base import Record, ShardWriter, StoredShard
from fitfeed.schemas.features import LabelKind
from fitfeed.schemas.tfrecord import HEADER_BYTES, FeatureValue, encode_example, frame

BUFFER_BYTES = 1 << 20


class TFRecordWriter(ShardWriter):
    """Streams records into a file, and computes its SHA-256 on the way. Memory does not grow with the shard.

    Features of an example: `image` (bytes), `key` (bytes, UTF-8), the labels (class, multiclass and
    int: int64; float and floats: float32; text and mask: bytes), `format` (bytes: jpeg, png or raw), `height`,
    `width`, `channels` (int64).
    """

    def __init__(self, path: Path, labels: Mapping[str, LabelKind]) -> None:
        """Opens the temporary file.

        Args:
            path: Final name of the shard.
            labels: Label name to kind.
        """
        super().__init__(path)
        self._stream = self._temporary.open("wb", buffering=BUFFER_BYTES)
        self._digest = hashlib.sha256()
        self._position = 0
        self._offsets: list[int] = []
        masks = [name for name, kind in labels.items() if kind == "mask"]
        self._mask_offsets: dict[str, list[int]] = {name: [] for name in masks}  # also if no record follows

    def write(self, record: Record) -> None:
        """Adds a record."""
        message, offsets = encode_example(record.payload, _features(record))
        before, after = frame(message)
        start = self._position + HEADER_BYTES
        self._offsets.append(start + offsets["image"])
        for name in record.masks:
            self._mask_offsets[name].append(start + offsets[name])
        for part in (before, message, after):
            self._stream.write(part)
            self._digest.update(part)
            self._position += len(part)

    def _complete(self) -> StoredShard:
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()
        return StoredShard(
            bytes=self._position,
            sha256=self._digest.hexdigest(),
            offsets=self._offsets,
            mask_offsets=self._mask_offsets,
        )

    def _discard(self) -> None:
        self._stream.close()
        self._temporary.unlink(missing_ok=True)


def _features(record: Record) -> dict[str, FeatureValue]:
    """All features but the image, by name, in the order in which they are stored."""
    labels = {
        name: label.encode() if isinstance(label, str) else label for name, label in record.labels.items()
    }
    return {
        "key": record.key.encode(),
        **labels,
        "format": record.format.encode(),
        "height": record.height,
        "width": record.width,
        "channels": record.channels,
    }
