"""Refuses a staging area that somebody else may have made: links, other users' files, what is not a file.

Whatever is below `.work` is read, overwritten and removed. So it must be what it seems, and this user's own. The folder
DATASET itself may be a link: its user made it.
"""

import errno
import os
import pwd
import re
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from fitfeed.schemas.errors import UsageError

MAX_DEPTH = 2
"""Folders below the staging area: one of the job, and those in it. Deeper ones are not of a conversion."""

TEMPORARY_NAME = re.compile(r".+\.tmp-[0-9a-f]{32}(-spool[0-9]+)?", re.DOTALL)
"""Names of files that are being written."""

MAX_REMOVALS = 10
"""How often a folder is removed in which files come and go meanwhile."""

CHANGED_MEANWHILE = frozenset({errno.ENOENT, errno.ENOTEMPTY})
"""Errors of removing a folder in which another process has removed, renamed or written a file."""


def require_own(root: Path) -> None:
    """Checks a staging area and everything in it. One that does not exist is fine.

    Args:
        root: The staging area.

    Raises:
        UsageError: If a part of it is a link, symbolic or hard, is neither a file nor a folder, or belongs to another user.
    """
    try:
        status = root.lstat()
    except OSError:  # there is none, or the attempt to make it will tell why not
        return
    if not stat.S_ISDIR(status.st_mode):
        msg = f"{root} is a link or a file. Expected a folder that a conversion made: the staging area of DATASET is never used through a link. Remove {root} and run the same command again."
        raise UsageError(msg)
    _require_owner(root, root, status)
    try:
        descriptor = _open_folder(root)
    except OSError as error:
        msg = f"cannot read {root}: {error.strerror}. Remove it and run the same command again."
        raise UsageError(msg) from error
    try:
        _require_own_entries(root, root, descriptor, depth=0)
    finally:
        os.close(descriptor)


def require_writable(root: Path) -> None:
    """Asks for permission at the nearest folder that exists. Taking the lock asks again, by writing.

    Raises:
        OSError: If nothing can be written there.
    """
    nearest = next(path for path in (root, *root.parents) if os.path.lexists(path))
    if not nearest.is_dir():
        # It may also be a link to nothing.
        reason = errno.ENOTDIR if nearest.exists() else errno.EEXIST
    elif not os.access(nearest, os.W_OK | os.X_OK):
        reason = errno.EROFS if os.statvfs(nearest).f_flag & os.ST_RDONLY else errno.EACCES
    else:
        return
    raise OSError(reason, os.strerror(reason))


def open_lock(root: Path, name: str) -> int:
    """Opens the file that a launch locks, readable by its owner only. Makes it if it does not exist.

    Raises:
        OSError: If it cannot be made, or is a link.
    """
    folder = _open_folder(root)
    try:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        return os.open(name, flags, 0o600, dir_fd=folder)
    finally:
        os.close(folder)


def sweep_temporary_files(folder: Path) -> None:
    """Removes the files that writers which were killed have left in a folder and below it, and follows no link."""
    for _, _, files, descriptor in os.fwalk(folder):
        for name in files:
            if TEMPORARY_NAME.fullmatch(name):
                os.unlink(name, dir_fd=descriptor)


def _open_folder(path: Path, *, within: int | None = None) -> int:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(path if within is None else path.name, flags, dir_fd=within)


def _require_own_entries(root: Path, folder: Path, descriptor: int, *, depth: int) -> None:
    for name, status in _entries(descriptor):
        path = folder / name
        _require_owner(root, path, status)
        if stat.S_ISREG(status.st_mode) and status.st_nlink < 2:  # some files are written in place
            continue
        if not stat.S_ISDIR(status.st_mode) or depth == MAX_DEPTH:
            msg = f"{path} is not a file of a conversion, but a link, a device or a folder. Nothing is read or removed through it. Remove {root} and run the same command again: it begins anew."
            raise UsageError(msg)
        try:
            below = _open_folder(path, within=descriptor)
        except FileNotFoundError:  # of a conversion that ends meanwhile
            continue
        try:
            _require_own_entries(root, path, below, depth=depth + 1)
        finally:
            os.close(below)


def _entries(descriptor: int) -> list[tuple[str, os.stat_result]]:
    """Names in a folder and what they are, in no order. Links are not followed."""
    found = []
    for name in os.listdir(descriptor):
        with suppress(FileNotFoundError):  # of a conversion that ends meanwhile
            found.append((name, os.stat(name, dir_fd=descriptor, follow_symlinks=False)))
    return found


def _require_owner(root: Path, path: Path, status: os.stat_result) -> None:
    if status.st_uid not in _own_users() and status.st_uid != _owner_of_new_files(root.parent):
        msg = f"{path} belongs to {_user_name(status.st_uid)}, and you are {_user_name(os.geteuid())}: what others leave in DATASET is not used. Choose another DATASET, or remove {root} and run the same command again."
        raise UsageError(msg)


def _own_users() -> set[int]:
    """Users whose files count as one's own: root can do anything anyway (OpenSSH), and behind sudo is a user (git)."""
    own = {os.geteuid(), 0}
    behind_sudo = os.environ.get("SUDO_UID", "")
    if os.geteuid() == 0 and behind_sudo.isdecimal():
        own.add(int(behind_sudo))
    return own


def _owner_of_new_files(folder: Path) -> int | None:
    """To whom a file belongs that one makes there. Some file systems (NFS, CIFS, FAT) do not give it to its maker."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            return os.fstat(file.fileno()).st_uid
    except OSError:
        return None


def _user_name(user: int) -> str:
    try:
        return f"{pwd.getpwuid(user).pw_name} ({user})"
    except KeyError:
        return f"user {user}"


def remove_folder(folder: Path) -> None:
    """Removes a folder with all that is in it. If there is none, nothing happens.

    A worker whose job has just ended, or was given up, may write its last file there meanwhile.

    Args:
        folder: The folder, which is not a link.

    Raises:
        OSError: If something cannot be removed.
    """
    for left in reversed(range(MAX_REMOVALS)):
        if not folder.exists():
            return
        try:
            shutil.rmtree(folder)
        except OSError as error:
            if not left or error.errno not in CHANGED_MEANWHILE:
                raise
