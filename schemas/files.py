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

REPLACED = (errno.ELOOP, errno.ENOTDIR, errno.ENXIO)
"""What opening a path that has no link says if it has one now."""


class RefusedFileError(OSError):
    """What has this name is not a file of this folder. `strerror` says what it is, and how to mend it."""


def locate(folder: Path, name: str) -> Path:
    """The path of a dataset's file, which is safe to open while nobody changes the folder: else, see `open_located`.

    Args:
        folder: The dataset. Its own path may have links.
        name: A plain file name, as in the manifest.

    Returns:
        The path with all links resolved.

    Raises:
        DamagedDatasetError: If the file is missing, is not a regular file, or is outside the folder.
    """
    try:
        return locate_below(folder, name)
    except OSError as error:
        raise damaged_file(folder / name, error) from error


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
        descriptor = _open_found(folder, path)
    except RefusedFileError as error:
        raise damaged_file(path, error) from error
    return io.BufferedReader(io.FileIO(descriptor), buffering)


def damaged_file(path: Path | str, error: OSError) -> DamagedDatasetError:
    """What to say of a dataset's file that cannot be found or opened.

    Args:
        path: Its path, or its address in a store.
        error: Why not.
    """
    if isinstance(error, FileNotFoundError):
        msg = f"{path} is missing. Restore it, or convert the dataset again with --overwrite."
    elif isinstance(error, RefusedFileError):
        msg = f"{path} {error.strerror}."
    else:
        msg = f"{path} cannot be read: {error.strerror}. Restore it, or its permissions."
    return DamagedDatasetError(msg)


def locate_below(folder: Path, name: str) -> Path:
    """The path of a file in a folder, which is safe to open while nobody changes the folder: else, see `open_below`.

    A symbolic link is followed only if it ends inside the folder, so that a dataset cannot choose which other files
    its reader opens. Pipes and devices are refused, because opening one may wait for ever.

    Args:
        folder: The folder. Its own path may have links.
        name: A path below it.

    Returns:
        The path with all links resolved.

    Raises:
        RefusedFileError: If it is not a regular file, or is outside the folder.
        OSError: If it is missing, or cannot be looked at.
    """
    path = folder / name
    try:
        found = Path(os.path.realpath(path, strict=True))
    except FileNotFoundError as error:
        if not path.is_symlink():
            raise
        text = "is a link to nothing. Restore it, or convert the dataset again with --overwrite"
        raise RefusedFileError(errno.ENOENT, text, str(path)) from error
    mode = found.stat().st_mode
    if not found.is_relative_to(os.path.realpath(folder)):
        text = "is a link out of the dataset's folder, which is never followed. If you trust it, replace the link by a copy of the file"
        raise RefusedFileError(errno.EPERM, text, str(path))
    if not stat.S_ISREG(mode):
        text = "is not a regular file. Restore it, or convert the dataset again with --overwrite"
        raise RefusedFileError(errno.EPERM, text, str(path))
    return found


def open_below(folder: Path, name: str) -> int:
    """Opens the file that `locate_below` finds, to be read, and returns its descriptor: see `open_located`.

    Raises:
        RefusedFileError: If it is not a regular file, or is outside the folder.
        OSError: If it is missing, or cannot be opened.
    """
    return _open_found(folder, locate_below(folder, name))


def open_plain(path: Path, *, buffering: int = io.DEFAULT_BUFFER_SIZE) -> io.BufferedReader:
    """Opens a file that was found by `locate_below`, to be read. Nothing is followed, and nothing waits.

    Args:
        path: The path, which has no links.
        buffering: Bytes that are read ahead.

    Raises:
        RefusedFileError: If something else has the name now.
        OSError: If it cannot be opened.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in REPLACED:
            raise _replaced_error(path) from error
        raise
    _require_regular(descriptor, path)
    return io.BufferedReader(io.FileIO(descriptor), buffering)


def _open_found(folder: Path, path: Path) -> int:
    try:
        descriptor = _open_below(Path(os.path.realpath(folder)), path)
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno not in REPLACED:
            raise
        raise _replaced_error(path) from error
    _require_regular(descriptor, path)
    return descriptor


def _require_regular(descriptor: int, path: Path) -> None:
    """Closes a descriptor of what is not a regular file, and says so."""
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _replaced_error(path)


def _replaced_error(path: Path) -> RefusedFileError:
    text = "was replaced by something else while it was opened. Restore it, or convert the dataset again with --overwrite"
    return RefusedFileError(errno.EPERM, text, str(path))


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


def pread_into(descriptor: int, offset: int, memory: memoryview) -> int:
    """Reads a byte range into memory of its size, however few bytes the system returns at once.

    Args:
        descriptor: Of an open file.
        offset: Where the range begins.
        memory: Bytes, contiguous and writable.

    Returns:
        How many bytes were read; fewer than asked only where the file ends.

    Raises:
        OSError: If it cannot be read.
    """
    done = 0
    while done < len(memory) and (count := os.preadv(descriptor, [memory[done:]], offset + done)):
        done += count
    return done


def pread_all(descriptor: int, offset: int, length: int) -> bytes:
    """Reads a byte range, however few bytes the system returns at once.

    Args:
        descriptor: Of an open file.
        offset: Where the range begins.
        length: Its bytes.

    Returns:
        Fewer than `length` bytes only where the file ends.

    Raises:
        OSError: If it cannot be read.
    """
    data = os.pread(descriptor, length, offset)
    while len(data) < length and (more := os.pread(descriptor, length - len(data), offset + len(data))):
        data += more
    return data


def pwrite_all(descriptor: int, offset: int, data: memoryview) -> None:
    """Writes all bytes to a place in a file, however few the system takes at once.

    Args:
        descriptor: Of an open file.
        offset: Where they begin in the file.
        data: Bytes, contiguous.

    Raises:
        OSError: If they cannot be written.
    """
    done = 0
    while done < len(data):
        done += os.pwrite(descriptor, data[done:], offset + done)


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
