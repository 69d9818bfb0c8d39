"""Reads files of a folder of this machine. Nothing is read ahead: the system does that."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import xxhash
from typing_extensions import override

from fitfeed.converters.open_source import open_regular
from fitfeed.converters.reading.local_files import read_unchanged
from fitfeed.converters.reading.source_reader import ReadFile, SourceReader
from fitfeed.converters.rejects import ImageError
from fitfeed.converters.source_file import SourceFile
from fitfeed.schemas.cpus import available_cpus

CHUNK_BYTES = 1 << 20


class LocalReader(SourceReader):
    """Reads files of a folder of this machine."""

    def __init__(self, folder: str | Path) -> None:
        """Takes the folder. Nothing is read."""
        self._folder = str(folder)

    @property
    @override
    def address(self) -> str:
        return str(Path(self._folder).resolve())

    @property
    @override
    def threads(self) -> int:
        return available_cpus()  # they wait for the disk, and xxhash releases the GIL

    @property
    @override
    def memory_bytes(self) -> int:
        return 0

    @override
    def folder_digest(self) -> str:
        """The inode tells two disks apart that were mounted at the same place one after the other."""
        place = Path(self._folder).resolve()
        text = b"%d %b" % (place.stat().st_ino, str(place).encode("utf-8", "surrogateescape"))
        return hashlib.sha256(text).hexdigest()[:32]

    @override
    def uri_digest(self) -> str | None:
        return None

    @override
    @contextmanager
    def reading(self, files: Iterable[SourceFile], *, most: int) -> Iterator[ReadFile]:
        def read(file: SourceFile) -> bytes:
            whole = file._replace(path=f"{self._folder}/{file.path}")
            return read_unchanged(whole, self._folder, most=most)

        yield read

    @override
    def digest(self, file: SourceFile) -> bytes | None:
        digest = xxhash.xxh3_128()
        try:
            with os.fdopen(open_regular(f"{self._folder}/{file.path}"), "rb", buffering=0) as stream:
                while chunk := stream.read(CHUNK_BYTES):
                    digest.update(chunk)
        except (OSError, ImageError):
            return None
        return digest.digest()
