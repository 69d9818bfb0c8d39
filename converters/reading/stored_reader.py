"""Reads examples of a dataset of this machine, as `LocalReader` reads files of a folder."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import xxhash
from typing_extensions import override

from fitfeed.converters.reading.local_files import READ_ATTEMPTS, READ_RETRY_DELAY_S
from fitfeed.converters.reading.local_reader import LocalReader
from fitfeed.converters.reading.source_reader import ReadFile
from fitfeed.converters.reading.stored_payload import read_stored, stored_at
from fitfeed.converters.rejects import ImageError
from fitfeed.converters.source_file import SourceFile, StoredAt
from fitfeed.schemas.errors import ConversionError


class StoredReader(LocalReader):
    """Reads what a dataset has stored."""

    @override
    @contextmanager
    def reading(self, files: Iterable[SourceFile], *, most: int) -> Iterator[ReadFile]:
        yield lambda file: self._read(file, stored_at(file), most=most)

    @override
    def digest(self, file: SourceFile) -> bytes | None:
        try:
            data = read_stored(file, stored_at(file), Path(self._folder), most=file.bytes)
        except (OSError, ImageError):
            return None
        return xxhash.xxh3_128_digest(data)

    def _read(self, file: SourceFile, stored: StoredAt, *, most: int) -> bytes:
        for attempt in range(1, READ_ATTEMPTS + 1):
            try:
                return read_stored(file, stored, Path(self._folder), most=most)
            except PermissionError as error:
                raise ImageError("unreadable", f"no permission to read its shard {stored.shard}") from error
            except OSError as error:
                failure = error
                time.sleep(READ_RETRY_DELAY_S * attempt)
        msg = f"cannot read {self._folder}/{stored.shard}: {failure.strerror}, {READ_ATTEMPTS} times. Repair the disk or the network and run the same command again: it continues."
        raise ConversionError(msg) from failure
