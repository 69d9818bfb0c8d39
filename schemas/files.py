"""Finds the files of a dataset without ever leaving its folder, and writes files whole or not at all."""

import hashlib
import os
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fitfeed.schemas.errors import DamagedDatasetError


def locate(folder: Path, name: str) -> Path:
    """The path of a dataset's file, which is safe to open.

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
