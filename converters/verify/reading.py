"""Reads a file of a dataset once, from end to end, and computes its SHA-256 on the way."""

import hashlib
import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from fitfeed.converters.verify.report import Finding
from fitfeed.schemas.manifest_parts import File

CHUNK_BYTES = 1 << 20


class Reading:
    """One sequential pass over a file. Use as a context manager.

    Attributes:
        path: The file.
        stream: The same, open.
        entry: What the manifest says of the file.
        position: How many bytes were read.
        size: How many the file has.
    """

    def __init__(
        self,
        path: Path,
        entry: File,
        progress: Callable[[int], None],
        stream: BinaryIO | None = None,
        again: "Callable[[], AbstractContextManager[Path]] | None" = None,
    ) -> None:
        """Opens the file.

        Args:
            path: The file.
            entry: What the manifest says of it.
            progress: Called with the size of each piece that was read.
            stream: The same file, if it is open already.
            again: Gives the file once more, if a second look must not be at the same copy.
        """
        self.stream = path.open("rb", buffering=CHUNK_BYTES) if stream is None else stream
        self._again = again or (lambda: nullcontext(path))
        self.path, self.entry, self._progress = path, entry, progress
        self._digest, self._start_digest = hashlib.sha256(), ""
        self.size = os.fstat(self.stream.fileno()).st_size
        self.position = 0

    def __enter__(self) -> Self:
        """Returns the reading."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the file."""
        self.stream.close()

    @property
    def left(self) -> int:
        """How many bytes are still to be read."""
        return self.size - self.position

    def read(self, length: int) -> bytes:
        """Reads the next bytes.

        Returns:
            `length` bytes, or fewer at the end of the file.
        """
        return self._taken(self.stream.read(max(0, min(length, self.left))))

    def read_line(self, limit: int) -> bytes:
        """Reads to the end of a line, at most `limit` bytes."""
        return self._taken(self.stream.readline(limit))

    def _taken(self, data: bytes) -> bytes:
        expected_end = self.entry.bytes - self.position
        if 0 <= expected_end < len(data):
            start = self._digest.copy()
            start.update(data[:expected_end])
            self._start_digest = start.hexdigest()
        self._digest.update(data)
        self.position += len(data)
        self._progress(len(data))
        return data

    def read_until(self, position: int) -> None:
        """Reads up to a position, and drops what was read."""
        while self.position < position and self.read(min(CHUNK_BYTES, position - self.position)):
            pass

    def finish(self, known: Mapping[str, str]) -> Finding | None:
        """Reads the rest, and compares the whole file with the manifest.

        Args:
            known: SHA-256 to file name, for all files of the manifest.
        """
        self.read_until(self.size)
        entry, digest = self.entry, self._digest.hexdigest()
        if digest == entry.sha256 and self.position == entry.bytes:
            return None
        if digest in known and known[digest] != entry.file:
            return self._finding("swapped", f"it holds the content of {known[digest]}; put both back")
        if self.position > entry.bytes:
            if self._start_digest == entry.sha256:
                detail = (
                    f"{self.position - entry.bytes} bytes follow after its {entry.bytes}, which are whole"
                )
                return self._finding("appended", detail, offset=entry.bytes)
            return self._finding("size", f"it has {self.position} bytes instead of {entry.bytes}")
        if self.position < entry.bytes:
            detail = f"it ends after {self.position} of its {entry.bytes} bytes"
            return self._finding("truncated", detail, offset=self.position)
        return self._second_look(digest)

    def _second_look(self, digest: str) -> Finding:
        """Reads the file again, to see whether the disk or the memory of this machine is at fault."""
        with self._again() as path:
            again = sha256_from_disk(path)
        if again == self.entry.sha256:
            detail = "its SHA-256 was wrong when it was first read, and right when it was read again from disk: the file is whole, but the memory of this machine, or the connection to its disk, may be at fault"
            return self._finding("memory", detail)
        same = "the same both times it was read" if again == digest else "and different each time it is read"
        return self._finding(
            "sha256", f"its SHA-256 is wrong, {same}: {digest}, expected {self.entry.sha256}"
        )

    def _finding(self, kind: str, detail: str, *, offset: int | None = None) -> Finding:
        return Finding(file=self.entry.file, kind=kind, detail=detail, offset=offset)


def sha256_from_disk(path: Path) -> str:
    """SHA-256 of a file. It is read from the disk, not from the system's memory, if the system permits that."""
    with path.open("rb", buffering=0) as stream:
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return hashlib.file_digest(stream, "sha256").hexdigest()
