"""Finds the files of a dataset without ever leaving its folder, and writes files whole or not at all."""

import errno
import hashlib
import io
import os
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fitfeed.schemas.errors import DamagedDatasetError


def locate(folder: Path, name: str) -> Path:
    """The path of a dataset's file, which is safe to open while nobody changes the folder: else, see `open_located`.

    A symbolic link is followed only if it ends inside the folder, so that a dataset cannot choose which other files
    its reader opens. Pipes and devices are refused, because opening one may wait for ever.

    Args:
        folder: The dataset. Its own path may have links.
        name: A plain file name, as in the manifest.

    Returns:
        The path with all links resolved.

    Raises:
        DamagedDatasetError: If the file is missing, is not a regular file, or is outside the folder.
    """
    path = folder / name
    try:
        found = Path(os.path.realpath(path, strict=True))
        mode = found.stat().st_mode
    except FileNotFoundError as error:
        what = "is a link to nothing" if path.is_symlink() else "is missing"
        msg = f"{path} {what}. Restore it, or convert the dataset again with --overwrite."
        raise DamagedDatasetError(msg) from error
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}. Restore it, or its permissions."
        raise DamagedDatasetError(msg) from error
    if not found.is_relative_to(os.path.realpath(folder)):
        msg = f"{path} is a link out of the dataset's folder, which is never followed. If you trust it, replace the link by a copy of the file."
        raise DamagedDatasetError(msg)
    if not stat.S_ISREG(mode):
        msg = f"{path} is not a regular file. Restore it, or convert the dataset again with --overwrite."
        raise DamagedDatasetError(msg)
    return found


def open_located(folder: Path, name: str, *, buffering: int = io.DEFAULT_BUFFER_SIZE) -> io.BufferedReader:
    """Opens the file that `locate` finds, to be read: the very file that was checked, whatever happens to names meanwhile.

    Args:
        folder: The dataset. Its own path may have links.
        name: A plain file name, as in the manifest.
        buffering: Bytes that are read ahead.

    Raises:
        DamagedDatasetError: If the file is missing, is not a regular file or is outside the folder.
        OSError: If it cannot be opened.
    """
    path = locate(folder, name)
    try:
        descriptor = _open_below(Path(os.path.realpath(folder)), path)
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno not in (errno.ELOOP, errno.ENOTDIR, errno.ENXIO):
            raise
        raise _replaced_error(path) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _replaced_error(path)
    return io.BufferedReader(io.FileIO(descriptor), buffering)


def _replaced_error(path: Path) -> DamagedDatasetError:
    msg = f"{path} was replaced by something else while it was opened. Restore it, or convert the dataset again with --overwrite."
    return DamagedDatasetError(msg)


def _open_below(folder: Path, path: Path) -> int:
    """Opens a file step by step from a folder, and refuses every link on the way.

    Not blocking, because opening a named pipe would otherwise wait for a writer for ever.
    """
    *between, name = path.relative_to(folder).parts
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    step = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in between:
            before, step = step, os.open(part, flags | os.O_DIRECTORY, dir_fd=step)
            os.close(before)
        return os.open(name, flags | os.O_NONBLOCK, dir_fd=step)
    finally:
        os.close(step)


def atomic_write(path: Path, content: bytes | memoryview | str) -> None:
    """Replaces a file so that a reader, or a restart after a power cut, finds the old one or the new one, whole.

    The content is on disk before the file gets its name. If the new name itself must survive a power cut, call
    `sync_folder` afterwards: it takes as long as all the rest.

    Args:
        path: The file.
        content: The whole content; text is written as UTF-8.

    Raises:
        OSError: If it cannot be written. The old file is then as it was, and no temporary file is left.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Gives a temporary file to write, which replaces `path` in one step if the block ends without an error.

    It is for content that another library writes; `atomic_write`, with the same guarantees, is for content in memory.

    Args:
        path: The file.

    Raises:
        OSError: If it cannot be written. The old file is then as it was, and no temporary file is left.
    """
    temporary = path.with_name(f"{path.name}.tmp-{uuid.uuid4().hex}")
    try:
        yield temporary
        sync_file(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Makes renames in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    """Makes a file's content survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
