"""Opens a file that a user names, on this machine or in a store, to read it from its beginning to its end."""

import io
import os
from pathlib import Path

from typing_extensions import override

from fitfeed.converters.open_source import open_regular
from fitfeed.schemas.storage.place import OpenFile, Place

AHEAD_BYTES = 4 << 20
"""What is read at once of a file in a store, as each read takes long."""


def open_user_file(place: Place) -> io.BufferedReader:
    """Opens a file.

    Args:
        place: The file.

    Raises:
        ImageError: If something else is there.
        OSError: If nothing is there, or it may not be read.
    """
    return place.choose(local=_open_local, far=_open_far)


def _open_local(path: Path) -> io.BufferedReader:
    return os.fdopen(open_regular(str(path)), "rb")


def _open_far(place: Place) -> io.BufferedReader:
    folder, name = place.split()
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
