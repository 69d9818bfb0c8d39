"""TFRecord shards of plain `tf.train.Example`, readable by anyone with stock TensorFlow."""

import hashlib
import os
from pathlib import Path

from converters.writers.base import Record, ShardWriter, StoredShard
from schemas.tfrecord import HEADER_BYTES, encode_example, frame

BUFFER_BYTES = 1 << 20


class TFRecordWriter(ShardWriter):
    """Streams records into a file, digesting as it goes: memory does not grow with the shard.

    Features of an example: `image` (bytes), `label` (int64), `key` (bytes, UTF-8), `format` (bytes:
    jpeg, png or raw), `height`, `width`, `channels` (int64).
    """

    def __init__(self, path: Path) -> None:
        """Opens the temporary file."""
        super().__init__(path)
        self._stream = self._temporary.open("wb", buffering=BUFFER_BYTES)
        self._digest = hashlib.sha256()
        self._position = 0
        self._offsets: list[int] = []

    def write(self, record: Record) -> None:
        """Adds a record."""
        message, image_offset = encode_example(record.payload, record.columns())
        before, after = frame(message)
        self._offsets.append(self._position + HEADER_BYTES + image_offset)
        for part in (before, message, after):
            self._stream.write(part)
            self._digest.update(part)
            self._position += len(part)

    def _complete(self) -> StoredShard:
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()
        return StoredShard(bytes=self._position, sha256=self._digest.hexdigest(), offsets=self._offsets)

    def _discard(self) -> None:
        self._stream.close()
        self._temporary.unlink(missing_ok=True)
