"""A folder of this machine as its one worker sees it."""

import fcntl
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from typing_extensions import override

from fitfeed.schemas.files import sync_file, sync_folder
from fitfeed.schemas.storage.claim import Claim, HeldLock
from fitfeed.schemas.storage.own_folder import (
    open_lock,
    remove_folder,
    require_own,
    require_writable,
    sweep_temporary_files,
)
from fitfeed.schemas.storage.place import Found
from fitfeed.schemas.storage.work_area import BuiltFile, WorkArea


class LocalWorkArea(WorkArea):
    """A folder of this machine."""

    def __init__(self, folder: Path) -> None:
        """Names the folder."""
        self._folder = folder

    @property
    @override
    def moves_at_once(self) -> bool:
        return True

    @property
    @override
    def advice(self) -> str:
        return "Make room there"

    @property
    @override
    def access_advice(self) -> str:
        return "Choose a folder that you may write to"

    @property
    @override
    def builds_in_place(self) -> bool:
        return True

    @property
    @override
    def put_bytes(self) -> int:
        return 0

    @override
    def require_own(self) -> None:
        require_own(self._folder)

    @override
    def require_writable(self) -> None:
        require_writable(self._folder)

    @override
    def make(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)

    @override
    def is_file(self) -> bool:
        return self._folder.exists() and not self._folder.is_dir()

    @override
    def has_folder(self, name: str) -> bool:
        return (self._folder / name).is_dir()

    @override
    def is_empty(self) -> bool:
        return not self._folder.is_dir() or not any(self._folder.iterdir())

    @override
    def names(self, patterns: Iterable[str]) -> set[str]:
        return {path.name for pattern in patterns for path in self._folder.glob(pattern)}

    @override
    def find_file(self, name: str) -> Found | None:
        try:
            status = (self._folder / name).lstat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return Found.of_status(name, status) if stat.S_ISREG(status.st_mode) else None

    @override
    @contextmanager
    def hold(self, name: str, *, notify: Callable[[str], None] = lambda text: None) -> Iterator[Claim]:
        lock = open_lock(self._folder, name)
        try:
            _take(lock)
            yield HeldLock()
        finally:
            os.close(lock)

    @override
    def remove(self) -> None:
        remove_folder(self._folder)

    @override
    def mark(self, name: str) -> str:
        """The modification time is chosen, to be another one than the change time: see `marked`."""
        mark = self._folder / name
        mark.touch()
        with suppress(OSError):  # then it counts as no mark
            os.utime(mark, ns=(0, 0))
        sync_file(mark)
        return str(mark.lstat().st_ctime_ns)

    @override
    def marked(self, name: str) -> str | None:
        """Linux sets the change time of an inode, and no program can choose it.

        But on file systems where both times are always the same (FAT, some network mounts), it can.
        """
        try:
            status = (self._folder / name).lstat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return None if status.st_ctime_ns == status.st_mtime_ns else str(status.st_ctime_ns)

    @override
    @contextmanager
    def building(self, name: str) -> Iterator[BuiltFile]:
        built = BuiltFile(self._folder / name)
        yield built
        built.end(Found.of_status(name, built.path.stat()))

    @override
    def sync(self) -> None:
        sync_folder(self._folder)

    @override
    def sweep(self) -> None:
        sweep_temporary_files(self._folder)


def _take(lock: int) -> None:
    """Locks a file, unless another process holds it, or has removed it with its folder since it was opened."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise BlockingIOError from error  # the text of the system does not say who holds it
    if os.fstat(lock).st_nlink == 0:
        raise BlockingIOError
