"""Reads examples of a dataset in a store, as `FarReader` reads files: many ranges at once, ahead of use."""

import errno
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

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
    """Reads what a dataset in a store has stored."""

    @override
    @contextmanager
    def reading(self, files: Iterable[SourceFile], *, most: int) -> Iterator[ReadFile]:
        with (
            _opened_shards(self._place) as shards,
            reading_ahead(files, lambda file: self._read_range(shards, file, most=most)) as read,
        ):
            yield read

    @override
    def digest(self, file: SourceFile) -> bytes | None:
        try:
            with _opened_shards(self._place) as shards:
                return xxhash.xxh3_128_digest(self._read_range(shards, file, most=file.bytes))
        except ImageError:
            return None

    def _read_range(self, shards: "_Shards", file: SourceFile, *, most: int) -> bytes:
        stored = stored_at(file)
        require_size(file, most)
        try:
            data = shards.open(stored.shard).read(stored.offset, file.bytes)
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


class _Shards:
    """Shards that are read by ranges, each opened once. Thread-safe."""

    def __init__(self, place: Place, opened: ExitStack) -> None:
        self._place, self._opened = place, opened
        self._files: dict[str, OpenFile] = {}
        self._lock = threading.Lock()

    def open(self, shard: str) -> OpenFile:
        """Opens a shard, if no thread did.

        Raises:
            OSError: If it cannot be opened.
        """
        with self._lock:
            if shard not in self._files:
                self._files[shard] = self._place.open(shard)
                self._opened.callback(self._files[shard].close)
            return self._files[shard]


@contextmanager
def _opened_shards(place: Place) -> Iterator[_Shards]:
    with ExitStack() as opened:
        yield _Shards(place, opened)
