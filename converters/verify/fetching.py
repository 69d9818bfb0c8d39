"""Opens the files of a dataset one after the other; in a store, the next is fetched while one is checked."""

import itertools
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from fitfeed.schemas.storage.place import Place


class _Fetched(ExitStack):
    """A copy, which is removed at the end."""

    path: Path


class Fetching:
    """The files of a dataset as files of this machine; of a store, at most two besides those held open. A context manager."""

    def __init__(self, place: Place, names: Sequence[str]) -> None:
        """Names the files. Nothing is fetched before the block begins.

        Args:
            place: The dataset.
            names: Its files, in the order in which they will be asked for. Some may be left out.
        """
        self._place, self._names = place, names
        self._next = dict(itertools.pairwise(names)) if place.is_far else {}
        self._thread = ThreadPoolExecutor(1)
        self._waiting: dict[str, Future[_Fetched]] = {}

    def __enter__(self) -> Self:
        """Begins to fetch the first."""
        if self._place.is_far and self._names:
            self._begin(self._names[0])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Waits for a file that is being fetched, and removes it."""
        self._drop_all()
        self._thread.shutdown()

    @contextmanager
    def file(self, name: str) -> Iterator[Path]:
        """A file of this machine with the same bytes, while the block runs.

        Raises:
            OSError: If it cannot be found or read, or there is no room for a copy.
        """
        if not self._place.is_far:
            with self._place.as_file(name) as path:
                yield path
            return
        future = self._waiting.pop(name, None)
        if future is None:  # files between were left out
            self._drop_all()
            future = self._thread.submit(self._fetch, name)
        with future.result() as fetched:
            if name in self._next:
                self._begin(self._next[name])
            yield fetched.path

    def _begin(self, name: str) -> None:
        self._waiting[name] = self._thread.submit(self._fetch, name)

    def _fetch(self, name: str) -> _Fetched:
        fetched = _Fetched()
        fetched.path = fetched.enter_context(self._place.as_file(name))
        return fetched

    def _drop_all(self) -> None:
        for future in self._waiting.values():
            if future.exception() is None:
                future.result().close()
        self._waiting.clear()
