"""Reads ahead of use: many reads under way, in the order in which they will be wanted.

A read from a store takes 40 ms, whatever the size of the file: one after the other, that is 24 images a second, and 634
with 32 under way.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from fitfeed.converters.reading.source_reader import ReadFile
from fitfeed.converters.source_file import SourceFile

MAX_IN_FLIGHT = 32
MAX_AHEAD_BYTES = 64 << 20
"""Of files that are being read, or wait to be used. A file that has more is read when nothing else is."""


@contextmanager
def reading_ahead(
    files: Iterable[SourceFile],
    read: ReadFile,
    *,
    threads: int = MAX_IN_FLIGHT,
    most_bytes: int = MAX_AHEAD_BYTES,
) -> Iterator[ReadFile]:
    """Reads files ahead while the block runs.

    Args:
        files: All that may be wanted, in this order. Any may be left out.
        read: Reads one. What it raises is raised where the file is wanted.
        threads: How many are read at once.
        most_bytes: How many bytes are read ahead, by the sizes of the files.

    Returns:
        A function that gives the content of a file.
    """
    with ThreadPoolExecutor(threads, thread_name_prefix="read-ahead") as pool:
        ahead = _ReadAhead(iter(files), lambda file: pool.submit(read, file), threads, most_bytes)
        try:
            yield ahead.take
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


class _ReadAhead:
    """The files that are being read, in the order of the plan. For one thread."""

    def __init__(
        self,
        files: Iterator[SourceFile],
        submit: Callable[[SourceFile], "Future[bytes]"],
        most_files: int,
        most_bytes: int,
    ) -> None:
        self._files, self._submit = files, submit
        self._most_files, self._most_bytes = most_files, most_bytes
        self._pending: deque[tuple[SourceFile, Future[bytes]]] = deque()
        self._bytes = 0
        self._next = next(files, None)

    def take(self, wanted: SourceFile) -> bytes:
        """Gives the content of a file. Those that come before it in the plan are not wanted any more."""
        while True:
            self._fill()
            if not self._pending:
                msg = f"{wanted.path} is not among the files to read, or was passed over"
                raise LookupError(msg)
            file, future = self._pending.popleft()
            self._bytes -= file.bytes
            if file == wanted:
                self._fill()  # the next ones are on their way while this one is decoded
                return future.result()
            future.cancel()

    def _fill(self) -> None:
        """Begins further reads, as far as there is room. One is always under way."""
        while self._next is not None and self._has_room(self._next.bytes):
            self._pending.append((self._next, self._submit(self._next)))
            self._bytes += self._next.bytes
            self._next = next(self._files, None)

    def _has_room(self, size: int) -> bool:
        if not self._pending:
            return True
        return len(self._pending) < self._most_files and self._bytes + size <= self._most_bytes
