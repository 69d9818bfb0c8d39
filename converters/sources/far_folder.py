"""Finds files of a place in a store: a few by asking for each, many by listing all of them once."""

import errno
from collections.abc import Iterable, Sequence

from typing_extensions import override

from fitfeed.converters.link_report import LinkReport
from fitfeed.converters.source_file import SourceFile
from fitfeed.converters.sources.far_walk import walk
from fitfeed.converters.sources.source_folder import SourceFolder
from fitfeed.schemas.errors import RemoteError
from fitfeed.schemas.storage.place import Found, Place

MAX_ASKED = 64
"""Files that are asked for one by one: 40 ms each."""

MAX_NAME_BYTES = 1024
"""Stores do not have longer names, and answer such a request with an error."""


class FarFolder(SourceFolder):
    """A place in a store as the folder of a source. There are no links."""

    def __init__(self, place: Place, files: Sequence[SourceFile] = ()) -> None:
        """Takes the place, and the files in it that are known."""
        address = str(place).rstrip("/")
        self.roots, self.name = (address,), address.rpartition("/")[2]
        self._place, self._listed = place, files
        self._known: dict[str, SourceFile] | None = None
        self._asked = 0

    @override
    def file(self, path: str) -> SourceFile:
        """Finds a file, as a local folder does.

        Raises:
            FileNotFoundError: If it is not there.
            RemoteError: If the store does not say.
        """
        if self._known is None:  # most sources never need it
            self._known = {file.path: file for file in self._listed}
        if path not in self._known and self._asked <= MAX_ASKED:
            try:
                self._look_up(path, self._known)
            except FileNotFoundError:
                raise
            except OSError as error:
                if error.errno == errno.EINVAL:  # no object can have such a name
                    raise FileNotFoundError(path) from error
                raise cannot_list(self._place, error) from error
        if path not in self._known:
            raise FileNotFoundError(path)
        return self._known[path]

    @override
    def require_none(self) -> None:
        """There are no links."""

    @override
    def report(self, paths: Iterable[str]) -> LinkReport:
        return LinkReport()

    def _look_up(self, path: str, known: dict[str, SourceFile]) -> None:
        if len(path.encode(errors="replace")) > MAX_NAME_BYTES:
            raise FileNotFoundError(path)
        self._asked += 1
        if self._asked <= MAX_ASKED:
            known[path] = source_file(path, self._place.find(path))
            return
        for some in walk(self._place, _by_path):
            known |= some


def _by_path(prefix: str, listed: Iterable[Found]) -> dict[str, SourceFile]:
    return {(path := prefix + found.name): source_file(path, found) for found in listed}


def source_file(path: str, found: Found) -> SourceFile:
    """A file as it is found, by its path in the source."""
    return SourceFile(path, found.bytes, 0, 0, found.identity)


def cannot_list(place: Place, error: OSError) -> RemoteError:
    """The error of a place that cannot be listed: the same command may succeed later."""
    msg = (
        f"cannot list {place}: {error.strerror or error}. Once that is repaired, run the same command again."
    )
    return RemoteError(msg)
