"""What a launch needs of a place in which it works for hours: that nobody else works there, and proof of what it wrote.

| | folder of this machine | object store |
|---|---|---|
| one launch at a time | `flock`, which ends with the process | a claim, which is renewed, and expires |
| what others may have made | links, files of other users: refused | nothing: who may write there may write the dataset |
| when a mark was made | the change time of its inode, by the kernel | time and ETag, by the server |
| a file that takes long to write | is renamed when it is whole | is put when it is whole |
| `Place.move` | one step, for any size | a copy |
"""

import abc
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from fitfeed.schemas.storage.claim import Claim

if TYPE_CHECKING:
    from fitfeed.schemas.storage.place import Found


class BuiltFile:
    """A file that is built, and then has its name.

    Attributes:
        path: Where the writer leaves it.
    """

    def __init__(self, path: Path) -> None:
        """Names the path."""
        self.path = path
        self._found: Found | None = None

    def end(self, found: "Found") -> None:
        """Says what has the name now."""
        self._found = found

    @property
    def found(self) -> "Found":
        """The file under its name, after the block."""
        if self._found is None:
            msg = f"{self.path} is still being built"
            raise RuntimeError(msg)
        return self._found


class WorkArea(abc.ABC):
    """A place as its one worker sees it. Picklable, like the place."""

    @property
    @abc.abstractmethod
    def moves_at_once(self) -> bool:
        """Whether `Place.move` is one step, for files of any size."""

    @property
    @abc.abstractmethod
    def advice(self) -> str:
        """What to do before the same command is run again, where something could not be written."""

    @property
    @abc.abstractmethod
    def access_advice(self) -> str:
        """What to do where one may not write, as an imperative without a full stop."""

    @property
    @abc.abstractmethod
    def builds_in_place(self) -> bool:
        """Whether `building` writes the file where it will be, so that it needs no room elsewhere."""

    @property
    @abc.abstractmethod
    def put_bytes(self) -> int:
        """What a process needs of memory at the end of `building`, besides the writer's."""

    @abc.abstractmethod
    def require_own(self) -> None:
        """Refuses a place that somebody else may have made. One that is not there is fine.

        Raises:
            UsageError: If it may be.
        """

    @abc.abstractmethod
    def require_writable(self) -> None:
        """Finds out whether one may write there. Writes nothing.

        Raises:
            OSError: If one may not.
        """

    @abc.abstractmethod
    def make(self) -> None:
        """Makes the folder, if places have folders.

        Raises:
            OSError: If it cannot be made.
        """

    @abc.abstractmethod
    def is_file(self) -> bool:
        """Whether it is a file, and not a folder."""

    @abc.abstractmethod
    def has_folder(self, name: str) -> bool:
        """Whether there is a folder of this name, or a link to one."""

    @abc.abstractmethod
    def is_empty(self) -> bool:
        """Whether there is nothing at all here.

        Raises:
            OSError: If it cannot be found out.
        """

    @abc.abstractmethod
    def names(self, patterns: Iterable[str]) -> set[str]:
        """Names here that have one of some patterns, whatever they are names of.

        Raises:
            OSError: If it cannot be found out.
        """

    @abc.abstractmethod
    def find_file(self, name: str) -> "Found | None":
        """The file of this name; None if there is none, or it is a link to one.

        Raises:
            OSError: If it cannot be found out.
        """

    def has_file(self, name: str) -> bool:
        """Whether there is a file of this name, which is not a link to one.

        Raises:
            OSError: If it cannot be found out.
        """
        return self.find_file(name) is not None

    @abc.abstractmethod
    def hold(
        self, name: str, *, notify: Callable[[str], None] = lambda text: None
    ) -> AbstractContextManager[Claim]:
        """Keeps others out while the block runs, and for no longer than this process lives.

        Args:
            name: Of the file that shows it.
            notify: Receives one line, if it must be waited for to see whether another one is alive.

        Raises:
            BlockingIOError: If another one holds it.
            OSError: If it cannot be held, or the store does not put on the condition that a name is free.
        """

    @abc.abstractmethod
    def remove(self) -> None:
        """Removes the folder itself, if places have folders, with all that is left in it.

        Raises:
            OSError: If it cannot be removed.
        """

    @abc.abstractmethod
    def mark(self, name: str) -> str:
        """Makes a file, and returns what shows that it was made here, and then: no program can choose it.

        Raises:
            OSError: If it cannot be made.
        """

    @abc.abstractmethod
    def marked(self, name: str) -> str | None:
        """What `mark` returned of the file that is there now; None if there is none, or if programs can choose it there.

        Raises:
            OSError: If it cannot be found out.
        """

    @abc.abstractmethod
    def building(self, name: str) -> AbstractContextManager[BuiltFile]:
        """A path at which a writer leaves a whole file (as a `ShardWriter` does). When the block ends, the file is here.

        Raises:
            OSError: If it cannot be written.
        """

    @abc.abstractmethod
    def sync(self) -> None:
        """Makes names of files survive a power cut.

        Raises:
            OSError: If that fails.
        """

    @abc.abstractmethod
    def sweep(self) -> None:
        """Removes what writers that were killed have left.

        Raises:
            OSError: If it cannot be removed.
        """
