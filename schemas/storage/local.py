"""A folder of this machine as a place."""

import errno
import fcntl
import os
import shutil
import stat
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from typing_extensions import override

from fitfeed.schemas.files import (
    RefusedFileError,
    atomic_write,
    locate_below,
    open_below,
    pread_into,
    replacing,
    sync_file,
)
from fitfeed.schemas.storage.local_area import LocalWorkArea
from fitfeed.schemas.storage.own_folder import remove_folder
from fitfeed.schemas.storage.place import Entries, Found, OpenFile, Place, Result, require_name
from fitfeed.schemas.storage.work_area import BuiltFile, WorkArea

NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS})
"""Errors of file systems that have no hard links (FAT, some network drives)."""

NO_LOCKS = frozenset({errno.EBADF, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})
"""Errors of file systems that cannot lock a folder (NFS). There, only the lock that a conversion holds keeps others away."""


@dataclass(frozen=True)
class LocalPlace(Place):
    """A folder of this machine. It need not exist: writing makes it.

    Attributes:
        path: The folder. It may be a link itself.
    """

    path: Path

    @override
    def __str__(self) -> str:
        return str(self.path)

    @override
    def below(self, name: str) -> Self:
        return type(self)(self.path / require_name(name))

    @override
    def absolute(self) -> Self:
        return type(self)(self.path.absolute())

    @override
    def address(self, name: str) -> str:
        return str(self.path / name)

    @override
    def split(self) -> tuple[Self, str]:
        return type(self)(self.path.parent), self.path.name

    @property
    @override
    def is_far(self) -> bool:
        return False

    @property
    @override
    def local_folder(self) -> Path | None:
        return self.path

    @override
    def choose(self, *, local: Callable[[Path], Result], far: Callable[[Place], Result]) -> Result:
        return local(self.path)

    @override
    def area(self) -> WorkArea:
        return LocalWorkArea(self.path)

    @override
    def exists(self) -> bool:
        return self.path.exists()

    @override
    def within(self, other: Place) -> bool:
        return isinstance(other, LocalPlace) and self.path.resolve().is_relative_to(other.path.resolve())

    @override
    def files(self, *, deep: bool = False) -> Iterator[Found]:
        waiting = [""]
        while waiting:
            below = waiting.pop()
            for entry in _entries(self.path / below):
                name = f"{below}{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    waiting += [f"{name}/"] if deep else []
                elif found := self._listed(name, entry):
                    yield found

    def _listed(self, name: str, entry: os.DirEntry[str]) -> Found | None:
        """A file; None if it is not one, or is gone meanwhile. A link counts as the file that it leads to in here."""
        try:
            status = locate_below(self.path, name).stat() if entry.is_symlink() else entry.stat()
        except (FileNotFoundError, RefusedFileError):
            return None
        return Found.of_status(name, status) if stat.S_ISREG(status.st_mode) else None

    @override
    def folders(self) -> list[str]:
        return sorted(entry.name for entry in _entries(self.path) if entry.is_dir(follow_symlinks=False))

    @override
    def entries(self) -> Entries:
        return Entries(list(self.files()), self.folders())

    @override
    def find(self, name: str) -> Found:
        return Found.of_status(name, locate_below(self.path, require_name(name)).stat())

    @override
    def open(self, name: str) -> OpenFile:
        return _LocalFile(open_below(self.path, require_name(name)))

    @override
    def read(self, name: str, *, at_most: int) -> tuple[bytes, Found]:
        descriptor = open_below(self.path, require_name(name))
        try:
            found = Found.of_status(name, os.fstat(descriptor))
            parts = [os.read(descriptor, min(at_most, found.bytes))]
            size = len(parts[0])
            while size < at_most and (more := os.read(descriptor, min(at_most - size, 1 << 20))):
                parts.append(more)  # the file grew, or the system returned fewer bytes than asked for
                size += len(more)
            if not _is_as_it_was(found, os.fstat(descriptor)):
                raise OSError(errno.ESTALE, "it was changed while it was read", self.address(name))
            return b"".join(parts), found
        finally:
            os.close(descriptor)

    @override
    @contextmanager
    def as_file(self, name: str) -> Iterator[Path]:
        yield locate_below(self.path, require_name(name))

    @override
    def write(self, name: str, content: bytes) -> Found:
        atomic_write(self._to_write(name), content)
        return self.find(name)

    @override
    def write_if(self, name: str, content: bytes, *, identity: str | None) -> Found:
        path = self._to_write(name)
        temporary = path.with_name(f"{path.name}.tmp-{uuid.uuid4().hex}")
        try:
            temporary.write_bytes(content)
            sync_file(temporary)
            with _locked(path.parent):
                self._take_name(temporary, name, identity)
        finally:
            temporary.unlink(missing_ok=True)
        return self.find(name)

    def _take_name(self, temporary: Path, name: str, identity: str | None) -> None:
        path = self.path / name
        if identity is None:
            try:
                os.link(temporary, path)  # fails if there is one, even where folders cannot be locked
            except OSError as error:
                if isinstance(error, FileExistsError) or (error.errno in NO_LINKS and os.path.lexists(path)):
                    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from error
                if error.errno not in NO_LINKS:
                    raise
                temporary.replace(path)
            return
        try:
            now = self.find(name).identity
        except FileNotFoundError:
            now = None
        if now != identity:
            what = "it is gone" if now is None else "it was replaced meanwhile"
            raise FileExistsError(errno.EEXIST, what, str(path))
        temporary.replace(path)

    @override
    @contextmanager
    def writing(self, name: str) -> Iterator[BuiltFile]:
        with replacing(self._to_write(name)) as temporary:
            built = BuiltFile(temporary)
            yield built
        built.end(self.find(name))

    def _to_write(self, name: str) -> Path:
        """The path to write, whose folder is made. No link on the way may lead out of this folder."""
        path = self.path / require_name(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not Path(os.path.realpath(path.parent)).is_relative_to(os.path.realpath(self.path)):
            raise RefusedFileError(
                errno.EPERM, "is reached by a link out of the folder, which is never followed", str(path)
            )
        return path

    @override
    def copy(self, name: str, new: str, *, through: str, size: int | None = None) -> Found:
        with self.as_file(name) as source, self.writing(through) as target:
            shutil.copyfile(source, target.path)
        return self.move(through, new)

    @override
    def move(self, name: str, new: str, *, size: int | None = None) -> Found:
        descriptor = open_below(self.path, require_name(name))
        try:
            (self.path / name).replace(self._to_write(new))
            return Found.of_status(new, os.fstat(descriptor))  # the new name may be another file's by now
        finally:
            os.close(descriptor)

    @override
    def delete(self, name: str) -> None:
        (self.path / require_name(name)).unlink(missing_ok=True)

    @override
    def delete_all(self) -> None:
        if self.path.is_symlink():
            self.path.unlink()
        else:
            remove_folder(self.path)


def _is_as_it_was(found: Found, status: os.stat_result) -> bool:
    """Whether a file that is open still has the content that it had. One that was replaced or deleted has: only its ctime is another."""
    now = Found.of_status(found.name, status)
    return now == found or (now.identity == found.identity and status.st_nlink == 0)


class _LocalFile(OpenFile):
    """A descriptor: it stays the file that was opened, whoever has its name."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @override
    def read_into(self, offset: int, memory: memoryview) -> int:
        return pread_into(self._descriptor, offset, memory)

    @override
    def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """What is in a folder, in no order; nothing if there is none."""
    try:
        listing = os.scandir(folder)
    except FileNotFoundError:
        return
    with listing:
        yield from listing


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Lets one process at a time compare a file and replace it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
        yield
    finally:
        os.close(descriptor)
