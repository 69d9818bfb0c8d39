"""Random access to the examples of one or more splits, without TensorFlow."""

import math
import operator
import threading
from collections.abc import Sequence
from typing import Any, NamedTuple, SupportsIndex

import google_crc32c
import numpy as np
import numpy.typing as npt

from fitfeed.pipelines.arrays.buffer_pool import ThreadScratch
from fitfeed.pipelines.reading.dataset_files import DatasetFiles, ShardReader
from fitfeed.pipelines.reading.joined_index import JoinedIndex
from fitfeed.pipelines.reading.payloads import Payload
from fitfeed.pipelines.reading.traffic import TrafficCounter
from fitfeed.schemas.bit_depth import STORED_TYPES, native
from fitfeed.schemas.errors import DamagedExampleError
from fitfeed.schemas.index import Index
from fitfeed.schemas.index_labels import label_of
from fitfeed.schemas.manifest import Manifest
from fitfeed.schemas.payload import (
    FULL,
    DecodedPayload,
    DecodeWindow,
    Pixels,
    decode_payload,
    decode_window,
)
from fitfeed.schemas.storage.place import Range

MAX_READ_BYTES = 256 << 20
"""256 MiB in one sequential read. Beyond it, examples are so large, or so far apart, that each is read alone."""


class _Opened(NamedTuple):
    # Set together, so that another thread sees both or neither.
    rows: Index | JoinedIndex
    files: ShardReader


class Records:
    """Random access to the examples of one split, or of several, by number, in stored order.

    `records[i]` is `{"image": uint8 or uint16 (H, W, C), "label": ..., "key": str}`, which makes this a Grain
    random-access source and a PyTorch map-style dataset as it is. The index is opened when it is first
    used. Thread-safe. Picklable: the copy opens the files again, so it may be sent to another process.

    The examples of several splits are numbered through, in the order of the splits.

    Attributes:
        split: Name of the split; of several, all names with " + " between them.
        splits: The names.
        shards: The shards of all of them.
        channels: 1 or 3.
        depth: Bits per value, 8 or 16.
        dtype: The type of images: uint8 or uint16.
    """

    def __init__(self, files: DatasetFiles, manifest: Manifest, splits: Sequence[str]) -> None:
        """Use `Dataset.records`."""
        self._files, self._manifest = files, manifest
        self.splits, self.split = tuple(splits), " + ".join(splits)
        self._entries = [manifest.splits[split] for split in splits]
        self.shards = [shard for entry in self._entries for shard in entry.shards]
        self._raw = manifest.features.image.encoding == "raw"
        self.channels = manifest.features.image.channels
        self.depth = manifest.features.image.depth
        self.dtype = np.dtype(manifest.features.image.dtype)
        self._lock = threading.Lock()
        self._opened: _Opened | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles the address and manifest; the copy opens its own files."""
        return Records, (self._files, self._manifest, self.splits)

    def __repr__(self) -> str:
        """Names folder and split, as Grain asks of a source."""
        return f"Records({str(self._files.place)!r}, split={self.split!r}, examples={len(self)})"

    def __len__(self) -> int:
        """Returns the number of examples."""
        return sum(entry.examples for entry in self._entries)

    def __getitem__(self, number: SupportsIndex) -> dict[str, Any]:
        """Reads and decodes one example.

        Args:
            number: From -len to len - 1.

        Returns:
            A dict of `image`, the labels by name (`label` if there is one label) and `key`.

            - `image`: uint8 (height, width, channels), 0..255, or uint16, 0..65535; writable.
            - A label: int (class, int), float, float64 (n,) (floats), str (text), int64 (n,) class numbers (multiclass), or
              uint8 (height, width, 1), writable (mask).
            - `key`: str.

        Raises:
            IndexError: If there is no such example.
            DamagedExampleError: If it cannot be read or decoded, or is not what was stored.
        """
        row = self._row(number)
        features = self._manifest.features
        labels = {
            name: self.mask(name, row)
            if kind == "mask"
            else label_of(self.index.labels[name], features, name, row)
            for name, kind in features.label_kinds.items()
        }
        return {"image": self.pixels(row).pixels, **labels, "key": self.index.key(row)}

    def encoded(self, number: SupportsIndex) -> bytes:
        """Reads the stored bytes of an example: a JPEG or PNG file, or raw pixels (uint8, or little-endian uint16).

        Args:
            number: From -len to len - 1.

        Raises:
            IndexError: If there is no such example.
            DamagedExampleError: If it cannot be read.
        """
        row = self._row(number)
        payload = bytearray(int(self.index.length[row]))
        self.read_into(row, memoryview(payload))
        return bytes(payload)

    @property
    def index(self) -> Index | JoinedIndex:
        """The index: one row per example.

        Raises:
            DamagedDatasetError: If it contradicts the manifest.
        """
        return self._open().rows

    @property
    def common_size(self) -> tuple[int, int] | None:
        """(height, width) as stored, if all examples have the same; None otherwise."""
        height, width, _ = self._manifest.features.image.shape
        if height is not None and width is not None:
            return height, width
        heights, widths = np.asarray(self.index.height), np.asarray(self.index.width)
        if len(self) and heights.min() == heights.max() and widths.min() == widths.max():
            return int(heights[0]), int(widths[0])
        return None

    def place(self, row: int) -> tuple[str, int]:
        """Returns the split of row 0 <= `row` < len, and its number there."""
        index = self.index
        if isinstance(index, JoinedIndex):
            part, row = index.place(row)
            return self.splits[part], row
        return self.split, row

    def keys(self, rows: npt.NDArray[np.int64]) -> list[str]:
        """Returns the keys of examples; `rows`: int64 (n,)."""
        return [self.index.key(int(row)) for row in rows]

    def pixels(
        self,
        row: int,
        window: DecodeWindow = FULL,
        *,
        payload: Payload | None = None,
        scratch: ThreadScratch | None = None,
    ) -> DecodedPayload:
        """Reads and decodes the image of row 0 <= `row` < len.

        Args:
            row: Row of the index.
            window: The rows and the scale that are needed.
            payload: Its stored bytes, if they have been read already.
            scratch: Memory for the result. None: new memory.

        Returns:
            Pixels uint8 or uint16 (rows, columns, channels), writable; see `decode_window`. With `scratch`
            they are valid until the next call in this thread.

        Raises:
            DamagedExampleError: If it cannot be read or decoded, or is not what was stored.
        """
        if self._raw:
            return DecodedPayload(self._raw_pixels(row, payload, scratch))
        if payload is not None:
            return self._decode(row, np.frombuffer(payload, np.uint8), window, scratch)
        opened = self._open()
        size = int(opened.rows.length[row])
        memory = np.empty(size, np.uint8) if scratch is None else scratch.take("payload", (size,))
        self._read_into(opened, row, memory.data)
        return self._decode(row, memory, window, scratch)

    def read_into(self, row: int, memory: memoryview) -> None:
        """Reads the stored bytes of a row into memory of their size.

        Raises:
            DamagedExampleError: If they cannot be read.
        """
        self._read_into(self._open(), row, memory)

    def _read_into(self, opened: _Opened, row: int, memory: memoryview) -> None:
        index, files = opened
        try:
            done = files.read_into(int(index.shard[row]), int(index.offset[row]), memory)
        except OSError as error:
            raise self.damaged(row, f"cannot be read ({error})") from error
        if done < len(memory):
            raise self.damaged(row, f"the file ends after {done} of its {len(memory)} bytes")

    def read_all_into(self, rows: npt.NDArray[np.int64], out: npt.NDArray[np.uint8]) -> list[int]:
        """Reads the stored bytes of many rows, all of one size.

        Args:
            rows: int64 (n,), rows of the index, n >= 1.
            out: uint8 (n, size), C-contiguous, to be written.

        Returns:
            The places in `out` that could not be filled, ascending. `read_into` tells why.
        """
        index, files = self._open()
        return files.read_ranges(index.shard[rows], index.offset[rows], out)

    @property
    def are_far(self) -> bool:
        """Whether payloads should be read ahead of use, many at once: reading one takes long."""
        return self._files.are_far

    @property
    def traffic(self) -> TrafficCounter:
        """Counts what is fetched from a store."""
        return self._files.traffic

    def read_range(self, shard: int, offset: int, memory: memoryview) -> int:
        """Reads a range of a shard into memory of its size; returns how many bytes it has there.

        Raises:
            DamagedDatasetError: If the shard is missing, or was replaced.
            FeedError: If it cannot be read.
        """
        return self._open().files.read_into(shard, offset, memory)

    def read_several(self, shard: int, ranges: Sequence[Range]) -> list[int]:
        """Reads ranges of a shard, each as `read_range` does.

        Raises:
            DamagedDatasetError: If the shard is missing, or was replaced.
            FeedError: If it cannot be read.
        """
        return self._open().files.read_several(shard, ranges)

    @property
    def has_cache(self) -> bool:
        """Whether what is fetched is kept on this machine."""
        return self._files.has_cache

    def read_cached(self, shard: int, wanted: Range) -> bool:
        """Reads a range of a shard, if the cache has all of it; returns whether it has.

        Raises:
            FeedError: If this process was forked from the one that has opened the dataset.
        """
        return self._open().files.read_cached(shard, wanted)

    @property
    def is_raw(self) -> bool:
        """Whether images are stored as plain pixels."""
        return self._raw

    @property
    def is_native(self) -> bool:
        """Whether plain pixels are stored in this machine's byte order."""
        return STORED_TYPES[self.depth] == self.dtype

    def payloads(self, first: int, stop: int) -> list[bytes]:
        """Reads the stored bytes of consecutive examples of one shard in one sequential read.

        Args:
            first: First row.
            stop: Row after the last; more than `first`.

        Returns:
            The bytes of each example; empty where they cannot be read. Reading such an example alone
            raises the error, in the batch that it belongs to.
        """
        index, files = self._open()
        offsets = index.offset[first:stop]
        ends = offsets + index.length[first:stop]
        begin, end = int(offsets.min()), int(ends.max())
        if end - begin > MAX_READ_BYTES and stop - first > 1:
            return self._each_payload(first, stop)
        try:
            data = files.read(int(index.shard[first]), begin, end - begin)
        except OSError:
            if stop - first == 1:
                return [b""]
            return self._each_payload(first, stop)
        spans = zip((offsets - begin).tolist(), (ends - begin).tolist(), strict=True)
        return [data[start:stop] if stop <= len(data) else b"" for start, stop in spans]

    def _each_payload(self, first: int, stop: int) -> list[bytes]:
        return [payload for row in range(first, stop) for payload in self.payloads(row, row + 1)]

    def damaged(self, row: int, reason: str) -> DamagedExampleError:
        """Makes an error that names shard, key and byte offset of an example."""
        index = self.index
        file = self.shards[int(index.shard[row])].file
        split, place = self.place(row)
        return DamagedExampleError(
            f"{self._files.address(file)}: example {index.key(row)!r} (row {place} of {split!r}, payload at byte "
            f"{index.offset[row]}): {reason}. Restore the file, or convert again; `fitfeed verify` lists all damage."
        )

    def mask(self, name: str, row: int, *, payload: Payload | None = None) -> Pixels:
        """Reads and decodes a mask of row 0 <= `row` < len.

        Args:
            name: Name of the label.
            row: Row of the index.
            payload: Its stored bytes, if they have been read already.

        Returns:
            uint8 (height, width, 1), writable.

        Raises:
            DamagedExampleError: If it cannot be read or decoded, has another size than its image, or is not
                what was stored.
        """
        index, files = self._open()
        place, shape = index.labels[name], (*self._shape(index, row)[:2], 1)
        offset, length = int(place.offset[row]), int(place.length[row])
        try:
            if payload is None:
                payload = files.read(int(index.shard[row]), offset, length)
            if google_crc32c.value(np.frombuffer(payload, np.uint8)) != place.crc32c[row]:
                msg = "its bytes are not those that were stored (the CRC-32C differs)"
                raise ValueError(msg)  # noqa: TRY301 - named with its place below, like what a decoder finds
            if self._raw and len(payload) == math.prod(shape):
                return np.frombuffer(bytearray(payload), np.uint8).reshape(shape)
            mask = decode_payload(payload, size=shape[:2], channels=1)
        except (OSError, ValueError) as error:
            raise self.damaged(row, f"its {name}, {length} bytes at byte {offset}: {error}") from error
        return mask if mask.flags.writeable else mask.copy()

    def _raw_pixels(self, row: int, payload: Payload | None, scratch: ThreadScratch | None) -> Pixels:
        shape = self._shape(self.index, row)
        if payload is not None:
            return native(np.frombuffer(bytearray(payload), STORED_TYPES[self.depth]).reshape(shape))
        pixels = np.empty(shape, self.dtype) if scratch is None else scratch.take("pixels", shape, self.dtype)
        self.read_into(row, pixels.reshape(-1).view(np.uint8).data)
        return native(pixels.view(STORED_TYPES[self.depth]))

    def _decode(
        self, row: int, payload: npt.NDArray[np.uint8], window: DecodeWindow, scratch: ThreadScratch | None
    ) -> DecodedPayload:
        index = self.index
        height, width, channels = shape = self._shape(index, row)
        # This takes 1 to 2 us for 30 KB. It also finds damage that the decoder skips or decodes silently.
        if google_crc32c.value(payload) != index.crc32c[row]:
            raise self.damaged(row, "its bytes are not those that were stored (the CRC-32C differs)")
        buffer = None if scratch is None else scratch.take("pixels", (math.prod(shape),))
        try:
            decoded = decode_window(
                payload.data,
                window,
                size=(height, width),
                channels=channels,
                depth=self.depth,
                buffer=buffer,
            )
        except ValueError as error:
            raise self.damaged(row, str(error)) from error
        return decoded if decoded.pixels.flags.writeable else decoded._replace(pixels=decoded.pixels.copy())

    def _shape(self, index: Index | JoinedIndex, row: int) -> tuple[int, int, int]:
        return int(index.height[row]), int(index.width[row]), self.channels

    def _row(self, number: SupportsIndex) -> int:
        row = operator.index(number)
        if not -len(self) <= row < len(self):
            msg = f"split {self.split!r} has examples 0 to {len(self) - 1}. Received: {row}"
            raise IndexError(msg)
        return row % len(self)

    def _open(self) -> _Opened:
        opened = self._opened
        if opened is None:
            with self._lock:
                opened = self._opened
                if opened is None:
                    opened = self._opened = _Opened(self._open_index(), self._files.shards(self.shards))
        opened.rows.require_whole()
        return opened

    def _open_index(self) -> Index | JoinedIndex:
        indexes = [self._files.open_index(self._manifest, split) for split in self.splits]
        if len(indexes) == 1:
            return indexes[0]
        return JoinedIndex(indexes, shards=[len(entry.shards) for entry in self._entries])
