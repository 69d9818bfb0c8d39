"""Reads examples of a dataset in a store, as `FarReader` reads files: many ranges at once, ahead of use."""

import errno
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import xxhash
from typing_extensions import override

from fitfeed.converters.reading.far_reader import FarReader
from fitfeed.converters.reading.read_ahead import reading_ahead
from fitfeed.converters.reading.source_reader import ReadFile
from fitfeed.converters.reading.stored_payload import (
    require_size,
    require_stored,
    shard_changed,
    shard_missing,
    stored_at,
)
from fitfeed.converters.rejects import ImageError
from fitfeed.converters.source_file import SourceFile
from fitfeed.schemas.storage.place import OpenFile, Place


class FarStoredReader(FarReader):
    """Reads what a dataset in a store has stored. Each shard is opened once: an object in a store holds nothing open."""

    def __init__(self, place: Place) -> None:
        """Takes the place. Nothing is read."""
        super().__init__(place)
        self._shards: dict[str, OpenFile] = {}
        self._lock = threading.Lock()

    @override
    @contextmanager
    def reading(self, files: Iterable[SourceFile], *, most: int) -> Iterator[ReadFile]:
        with reading_ahead(files, lambda file: self._read_range(file, most=most)) as read:
            yield read

    @override
    def digest(self, file: SourceFile) -> bytes | None:
        try:
            return xxhash.xxh3_128_digest(self._read_range(file, most=file.bytes))
        except ImageError:
            return None

    def _read_range(self, file: SourceFile, *, most: int) -> bytes:
        stored = stored_at(file)
        require_size(file, most)
        try:
            data = self._open(stored.shard).read(stored.offset, file.bytes)
            return require_stored(
                data, file, stored, lambda: self._place.find(stored.shard).identity != file.etag
            )
        except FileNotFoundError as error:
            raise shard_missing(stored) from error
        except OSError as error:
            if error.errno == errno.ESTALE:
                raise shard_changed(stored) from error
            self._require_answer(stored.shard, error)
            raise ImageError("unreadable", f"no permission to read its shard {stored.shard}") from error

    def _open(self, shard: str) -> OpenFile:
        with self._lock:
            if shard not in self._shards:
                self._shards[shard] = self._place.open(shard)
            return self._shards[shard]
