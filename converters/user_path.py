"""Files that a user names: on this machine, or in a store."""

import io
import os
from pathlib import Path, PurePosixPath
from typing import TypeAlias

from typing_extensions import override

from fitfeed.converters.open_source import open_regular
from fitfeed.schemas.storage.local import LocalPlace
from fitfeed.schemas.storage.open_place import open_place
from fitfeed.schemas.storage.place import OpenFile, Place

UserPath: TypeAlias = Path | Place
"""A file or a folder: on this machine a path, in a store the place."""

AHEAD_BYTES = 4 << 20
"""What is read at once of a file in a store, as each read takes long."""


def user_path(given: str | os.PathLike[str] | Place, what: str) -> UserPath:
    """What a user names, as a path or an address.

    Args:
        given: As it was given.
        what: What messages call it, such as `--labels`.

    Raises:
        UsageError: If it is an address of something else than a store.
    """
    place = open_place(given, what)
    return place.path if isinstance(place, LocalPlace) else place


def name_of(path: UserPath) -> str:
    """The last part of a path."""
    return pure(path).name


def pure(path: UserPath) -> PurePosixPath:
    """The path as a text with parts, which leads nowhere."""
    return PurePosixPath(str(path))


def folder_of(path: UserPath) -> UserPath:
    """The folder that a file is in."""
    return path.parent if isinstance(path, Path) else path.split()[0]


def whole(path: UserPath) -> str:
    """The whole path, without following links, or the address."""
    return os.path.abspath(path) if isinstance(path, Path) else str(path)  # noqa: PTH100 - links stay


def address_of(path: UserPath) -> str:
    """An absolute path without links, or the address."""
    return str(path.resolve()) if isinstance(path, Path) else str(path)


def is_folder(path: UserPath) -> bool:
    """Whether a path is that of a folder. What is not there is none on this machine, and may be one in a store.

    Raises:
        OSError: If the store does not say.
    """
    if isinstance(path, Path):
        return path.is_dir()
    folder, name = path.split()
    try:
        folder.find(name)
    except FileNotFoundError:
        return True
    return False


def open_user_file(path: UserPath) -> io.BufferedReader:
    """Opens a file to read it from its beginning to its end.

    Raises:
        ImageError: If something else is there.
        OSError: If nothing is there, or it may not be read.
    """
    if isinstance(path, Path):
        return os.fdopen(open_regular(str(path)), "rb")
    folder, name = path.split()
    return io.BufferedReader(_FarStream(folder.open(name)), AHEAD_BYTES)


class _FarStream(io.RawIOBase):
    """A file of a store as a stream."""

    def __init__(self, file: OpenFile) -> None:
        super().__init__()
        self._file, self._offset = file, 0

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]
        done = self._file.read_into(self._offset, memoryview(buffer).cast("B"))
        self._offset += done
        return done

    @override
    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()
