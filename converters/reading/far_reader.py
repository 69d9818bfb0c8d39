"""Reads files of a place whose reads take long: many at once, ahead of use.

What goes wrong is one of three things:

| | what happens |
|---|---|
| the file is gone, or another one has its name | it is rejected, as `vanished` |
| the store refuses this file, though it still lists the folder | it is rejected, as `unreadable` |
| the store does not answer, or refuses the folder, too | the conversion ends: the same command continues later |

The last must not reject files: a network that is down for a minute would take ten million of them.
"""

import hashlib
from collections.abc import Iterable
from contextlib import AbstractContextManager

import xxhash
from typing_extensions import override

from fitfeed.converters.reading.read_ahead import MAX_AHEAD_BYTES, MAX_IN_FLIGHT, reading_ahead
from fitfeed.converters.reading.source_reader import ReadFile, SourceReader
from fitfeed.converters.rejects import ImageError
from fitfeed.converters.source_file import SourceFile, why_changed
from fitfeed.schemas.errors import RemoteError
from fitfeed.schemas.storage.place import Place

CHUNK_BYTES = 8 << 20
URI_KEY = b"fitfeed source"
"""So that the hash is not that of the address in any list of hashes."""

THREAD_BYTES = 8 << 20
"""What the stack of a thread reserves."""


class FarReader(SourceReader):
    """Reads files of a place whose reads take long."""

    def __init__(self, place: Place) -> None:
        """Takes the place. Nothing is read."""
        self._place = place

    @property
    @override
    def address(self) -> str:
        return str(self._place)

    @property
    @override
    def threads(self) -> int:
        return MAX_IN_FLIGHT

    @property
    @override
    def memory_bytes(self) -> int:
        return MAX_AHEAD_BYTES + MAX_IN_FLIGHT * THREAD_BYTES

    @override
    def folder_digest(self) -> str:
        return hashlib.sha256(self.address.encode()).hexdigest()[:32]

    @override
    def uri_digest(self) -> str | None:
        return hashlib.blake2b(self.address.encode(), digest_size=16, key=URI_KEY).hexdigest()

    @override
    def reading(self, files: Iterable[SourceFile], *, most: int) -> AbstractContextManager[ReadFile]:
        return reading_ahead(files, lambda file: self._read(file, most=most))

    @override
    def digest(self, file: SourceFile) -> bytes | None:
        path, digest = file.path, xxhash.xxh3_128()
        try:
            start, found = self._place.read(path, at_most=CHUNK_BYTES)
            digest.update(start)
            if found.bytes > len(start):
                self._add_rest(digest, path, len(start))
        except FileNotFoundError:
            return None
        except OSError as error:
            self._require_answer(path, error)
            return None
        return digest.digest()

    def _add_rest(self, digest: xxhash.xxh3_128, path: str, offset: int) -> None:
        file = self._place.open(path)
        try:
            while chunk := file.read(offset, CHUNK_BYTES):
                digest.update(chunk)
                offset += len(chunk)
        finally:
            file.close()

    def _read(self, file: SourceFile, *, most: int) -> bytes:
        if file.bytes > most:  # known before anything is fetched
            raise ImageError(
                "bomb", f"the file has more than {most} bytes, more than any image that is allowed"
            )
        try:
            data, found = self._place.read(file.path, at_most=max(file.bytes, 1))
        except FileNotFoundError as error:
            raise ImageError("vanished", "the file was listed, but is gone") from error
        except OSError as error:
            self._require_answer(file.path, error)
            raise ImageError("unreadable", "no permission to read the file") from error
        if (found.bytes, found.identity, len(data)) != (file.bytes, file.etag, file.bytes):
            raise ImageError("vanished", why_changed(file, found.bytes))
        return data

    def _require_answer(self, path: str, error: OSError) -> None:
        """Ends the conversion, unless it is only this file that may not be read.

        Raises:
            RemoteError: If the store does not answer, or does not let the folder be listed either: then the
                permission is not that of one file, but a credential that has expired.
        """
        if isinstance(error, PermissionError):
            try:
                next(self._place.files(deep=True), None)  # one page
            except OSError:
                pass
            else:
                return
        msg = f"cannot read {self._place.address(path)}: {error.strerror or error}. Once the network, the store or the credentials are repaired, run the same command again: it continues."
        raise RemoteError(msg) from error
