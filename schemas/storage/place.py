"""What can be done at a place: list it, and find, read, write, move and delete its files.

| | folder of this machine | object store |
|---|---|---|
| address | a path | `gs://`, `s3://` or `az://` |
| identity of a file | inode, size and times | ETag |
| `writing` | a temporary file beside it, renamed | a temporary file of this machine, put whole |
| `write_if` | a link, which fails if the name exists; or a comparison under a lock | a conditional put |

Errors are `OSError`, with a `strerror` that a message can end with: `FileNotFoundError`, `FileExistsError` and
`PermissionError` say what they say of files.
"""

import abc
import errno
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path, PurePosixPath
from typing import NamedTuple, Self, TypeVar

from typing_extensions import override

from fitfeed.schemas.storage.work_area import BuiltFile, WorkArea

Result = TypeVar("Result")


class Found(NamedTuple):
    """A file of a place.

    Attributes:
        name: Its path below the place, with `/`.
        bytes: Its size.
        identity: A text that is another one when its content has been replaced.
        mtime_ns: When its content was last modified, in nanoseconds; 0 of an object that was just put, as a store does
            not say that.
        ctime_ns: When its inode was last changed, in nanoseconds; 0 in a store.
    """

    name: str
    bytes: int
    identity: str
    mtime_ns: int = 0
    ctime_ns: int = 0

    @classmethod
    def of_status(cls, name: str, status: os.stat_result) -> Self:
        """A file of this machine."""
        identity = f"{status.st_ino}-{status.st_size}-{status.st_mtime_ns}"
        return cls(name, status.st_size, identity, status.st_mtime_ns, status.st_ctime_ns)


class Entries(NamedTuple):
    """What is in a folder, or right below a prefix.

    Attributes:
        files: The files, in no order.
        folders: The names of the folders, sorted.
    """

    files: list[Found]
    folders: list[str]


MAX_SEVERAL = 11
"""Ranges that should be read together: a store is asked for ten at once, and for the last one after them."""


class Range(NamedTuple):
    """A byte range of a file, and where it goes.

    Attributes:
        offset: Where it begins.
        memory: Memory of its size (bytes, contiguous, writable).
    """

    offset: int
    memory: memoryview


class OpenFile(abc.ABC):
    """A file whose ranges are read, from many threads. It stays the file that was opened, or reading it fails.

    It is not picklable.
    """

    @abc.abstractmethod
    def read_into(self, offset: int, memory: memoryview) -> int:
        """Reads a range into memory of its size (bytes, contiguous, writable).

        Returns:
            How many bytes were read; fewer than asked only where the file ends.

        Raises:
            OSError: If it cannot be read, or another file has its name now.
        """

    def read_several(self, ranges: Sequence[Range]) -> list[int]:
        """Reads ranges, each as `read_into` does. A store takes the time of two answers for up to `MAX_SEVERAL`.

        Returns:
            How many bytes of each were read.

        Raises:
            OSError: If one cannot be read, or another file has its name now.
        """
        return [self.read_into(offset, memory) for offset, memory in ranges]

    @abc.abstractmethod
    def close(self) -> None:
        """Ends reading."""

    def read(self, offset: int, length: int) -> bytes:
        """Reads a range; fewer than `length` bytes only where the file ends.

        Raises:
            OSError: If it cannot be read, or another file has its name now.
        """
        memory = bytearray(length)
        done = self.read_into(offset, memoryview(memory))
        return bytes(memoryview(memory)[:done])


class Place(abc.ABC):
    """A folder, or a prefix in a store. It is an address: picklable, and nothing is read before it is asked for.

    Names are paths below it, with `/`. In a folder they are never followed out of it.
    """

    @override
    @abc.abstractmethod
    def __str__(self) -> str:
        """The address, as a user would write it. Nothing secret is in it."""

    @abc.abstractmethod
    def below(self, name: str) -> Self:
        """The place below this one."""

    @abc.abstractmethod
    def absolute(self) -> Self:
        """The same place, whatever this process makes its working folder later."""

    def address(self, name: str) -> str:
        """The address of a file, for messages."""
        return f"{str(self).rstrip('/')}/{name}"

    @property
    def name(self) -> str:
        """The last part of the address."""
        return PurePosixPath(str(self)).name

    @abc.abstractmethod
    def split(self) -> tuple[Self, str]:
        """The place that this one is in, and its name there: for an address that turns out to be that of a file."""

    @property
    @abc.abstractmethod
    def is_far(self) -> bool:
        """Whether a read takes so long that many should be under way at once."""

    @property
    @abc.abstractmethod
    def local_folder(self) -> Path | None:
        """The folder of this machine that this place is, for what maps files or keeps descriptors; None in a store."""

    @abc.abstractmethod
    def choose(self, *, local: Callable[[Path], Result], far: Callable[["Place"], Result]) -> Result:
        """Calls what does something for this kind of place, and returns its result: nobody else asks which kind it is.

        Args:
            local: Does it with a path of this machine.
            far: Does it with a place in a store.
        """

    @abc.abstractmethod
    def area(self) -> WorkArea:
        """The place as a launch sees it that works here alone."""

    @abc.abstractmethod
    def exists(self) -> bool:
        """Whether there is such a folder, or anything below the prefix.

        Raises:
            OSError: If it cannot be found out.
        """

    @abc.abstractmethod
    def within(self, other: "Place") -> bool:
        """Whether this is the other place, or is below it, when all links are followed."""

    @abc.abstractmethod
    def files(self, *, deep: bool = False) -> Iterator[Found]:
        """The files here, in no order; with `deep`, those of all folders below, too. Nothing if the place is not there.

        In a store, memory stays bounded with `deep` only: the files of one folder come all at once.

        Raises:
            OSError: If it cannot be listed.
        """

    @abc.abstractmethod
    def folders(self) -> list[str]:
        """The names of the folders here, sorted.

        Raises:
            OSError: If it cannot be listed.
        """

    @abc.abstractmethod
    def entries(self) -> Entries:
        """Files and folders here. In a store, that is one listing, and not two.

        Raises:
            OSError: If it cannot be listed.
        """

    @abc.abstractmethod
    def find(self, name: str) -> Found:
        """Size and identity of a file.

        Raises:
            FileNotFoundError: If it is not there.
            OSError: If it cannot be found out.
        """

    def find_each(self, names: Iterable[str]) -> Iterator[Found]:
        """`find` of many files of one folder, one after the other. A store is asked for a thousand at once.

        Raises:
            FileNotFoundError: If the next is not there.
            OSError: If it cannot be found out.
        """
        return map(self.find, names)

    @abc.abstractmethod
    def open(self, name: str) -> OpenFile:
        """Opens a file, so that its ranges can be read.

        Raises:
            FileNotFoundError: If it is not there.
            OSError: If it cannot be opened.
        """

    @abc.abstractmethod
    def read(self, name: str, *, at_most: int) -> tuple[bytes, Found]:
        """Reads the first `at_most` bytes of a file: the whole file, if it has no more. The bytes are those of that identity.

        Raises:
            FileNotFoundError: If it is not there.
            OSError: If it cannot be read.
        """

    @abc.abstractmethod
    def as_file(self, name: str) -> AbstractContextManager[Path]:
        """A file of this machine with the same bytes, to read while the block runs.

        Raises:
            FileNotFoundError: If it is not there.
            OSError: If it cannot be read, or there is no room for a copy.
        """

    @abc.abstractmethod
    def write(self, name: str, content: bytes) -> Found:
        """Replaces a file: a reader finds the old one or the new one, whole.

        Raises:
            OSError: If it cannot be written.
        """

    @abc.abstractmethod
    def write_if(self, name: str, content: bytes, *, identity: str | None) -> Found:
        """Writes a file, if it is still the one of this identity; or, if None, if there is none. Of two, one succeeds.

        Raises:
            FileExistsError: If it is another one, or is gone.
            OSError: If it cannot be written.
        """

    @abc.abstractmethod
    def writing(self, name: str) -> AbstractContextManager[BuiltFile]:
        """A path of this machine to write to. What is there replaces the file when the block ends without an error.

        Raises:
            OSError: If it cannot be written.
        """

    @abc.abstractmethod
    def copy(self, name: str, new: str, *, through: str, size: int | None = None) -> Found:
        """Copies a file to another name, and replaces what has it. In a store, nothing is fetched for that, but what S3 does not copy by one request.

        Args:
            name: The file.
            new: Its other name.
            through: What a folder calls the copy until it is whole.
            size: Its bytes, if it was just listed. A store is asked for them otherwise.

        Raises:
            FileNotFoundError: If it is not there.
            OSError: If it cannot be copied.
        """

    @abc.abstractmethod
    def move(self, name: str, new: str, *, size: int | None = None) -> Found:
        """Gives a file another name, and replaces what has it. In a store it is copied, as by `copy`, then deleted.

        Args:
            name: The file.
            new: Its other name.
            size: As for `copy`.

        Raises:
            FileNotFoundError: If it is not there.
            OSError: If it cannot be moved.
        """

    @abc.abstractmethod
    def delete(self, name: str) -> None:
        """Deletes a file, if it is there.

        Raises:
            OSError: If it cannot be deleted.
        """

    @abc.abstractmethod
    def delete_all(self) -> None:
        """Deletes the place with all below it. Links are deleted, not followed.

        Raises:
            OSError: If something cannot be deleted.
        """


def require_name(name: str) -> str:
    """Checks that a name is a path below a place.

    Raises:
        OSError: If it is empty or absolute, or has empty parts, `.` or `..`.
    """
    if not name or "\0" in name or any(part in ("", ".", "..") for part in name.split("/")):
        raise OSError(errno.EINVAL, "its name is not a path below the folder", name)
    return name
