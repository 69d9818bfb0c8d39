"""Reads the files of several sources, each from its own folder, store or dataset."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

from fitfeed.converters.reading.open_reader import open_reader
from fitfeed.converters.reading.source_reader import ReadFile, SourceReader
from fitfeed.converters.source_file import SourceFile, SourceRoot


class SourcesReader:
    """Reads files by the paths that they have among all sources. Thread-safe."""

    def __init__(self, roots: Iterable[SourceRoot]) -> None:
        """Takes the sources. Nothing is read."""
        self._roots = {root.number: root for root in roots}
        self._readers = {root.number: _reader_of(root) for root in self._roots.values()}

    @property
    def threads(self) -> int:
        """How many threads may read at once, and gain by it."""
        return max(reader.threads for reader in self._readers.values())

    @property
    def memory_bytes(self) -> int:
        """What `reading` takes at most, besides the file that was asked for."""
        return sum(reader.memory_bytes for reader in self._readers.values())

    @contextmanager
    def reading(self, files: Iterable[SourceFile], *, most: int) -> Iterator[ReadFile]:
        """Reads files, each if it still is the one that was listed: see `SourceReader.reading`."""
        if len(self._roots) == 1:
            ((number, root),) = self._roots.items()
            with self._readers[number].reading(map(root.file, files), most=most) as read:
                yield lambda file: read(root.file(file))
            return
        of_source: defaultdict[int, list[SourceFile]] = defaultdict(list)
        for file in files:
            of_source[file.source].append(self._roots[file.source].file(file))
        with ExitStack() as stack:
            reads = {
                number: stack.enter_context(self._readers[number].reading(some, most=most))
                for number, some in of_source.items()
            }
            yield lambda file: reads[file.source](self._roots[file.source].file(file))

    def digest(self, file: SourceFile) -> bytes | None:
        """xxh3-128 of a file; None if it is not there, or cannot be read.

        Raises:
            ConversionError: If a store does not answer.
        """
        return self._readers[file.source].digest(self._roots[file.source].file(file))


def _reader_of(root: SourceRoot) -> SourceReader:
    return open_reader(root.folder, stored=root.kind == "dataset")
