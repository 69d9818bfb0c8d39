"""Opens files of a source. What a path leads to is found out before anything is opened for reading.

Opening can do harm by itself: a named pipe waits for a writer, and `/dev/watchdog` restarts the machine. So a path is
opened with `O_PATH` first, which neither reads nor waits. That descriptor tells what is there and where, and the same
thing is then opened through the descriptor. A link that changes meanwhile changes nothing.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from fitfeed.converters.rejects import ImageError
from fitfeed.schemas.errors import ConversionError, NotFoundError, UsageError

KERNEL_FOLDERS = ("/proc/", "/sys/", "/dev/")
"""What is below these is memory, devices and settings of the machine. It is never read."""

SHARED_MEMORY = "/dev/shm/"
"""Files below it are like those on a disk."""

DESCRIPTORS = "/proc/self/fd"
"""Links to what this process has opened."""


class Located(NamedTuple):
    """What a path leads to.

    Attributes:
        path: Where it really is, without any link in the path.
        status: What is there.
    """

    path: str
    status: os.stat_result


def is_of_kernel(path: str) -> bool:
    """Whether a path without links is in `KERNEL_FOLDERS`, or is one of them."""
    return f"{path}/".startswith(KERNEL_FOLDERS) and not f"{path}/".startswith(SHARED_MEMORY)


def is_within(path: str, folder: str) -> bool:
    """Whether a path without links is in a folder, or is the folder."""
    return f"{path}/".startswith(f"{folder.rstrip('/')}/")


def find_out(path: str) -> Located:
    """Follows all links of a path, and reads nothing.

    Raises:
        OSError: If nothing is there, or the way there is closed.
    """
    handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        return _located(handle)
    finally:
        os.close(handle)


def open_regular(path: str) -> int:
    """Opens a regular file for reading. Nothing else is ever opened.

    Returns:
        Its descriptor, which the caller closes.

    Raises:
        ImageError: If something else is there.
        OSError: If nothing is there, or it may not be read.
    """
    handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        located = _located(handle)
        if not stat.S_ISREG(located.status.st_mode):
            raise ImageError("unreadable", "not a regular file")
        if is_of_kernel(located.path):
            raise ImageError(
                "unreadable", f"in one of {' '.join(KERNEL_FOLDERS)}, where no file is ever read"
            )
        # Not blocking: another process may hold a lease on the file.
        return os.open(f"{DESCRIPTORS}/{handle}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    finally:
        os.close(handle)


def _located(handle: int) -> Located:
    status = os.fstat(handle)
    try:
        return Located(os.readlink(f"{DESCRIPTORS}/{handle}"), status)  # noqa: PTH115 - ten million times
    except FileNotFoundError as error:
        msg = f"{DESCRIPTORS} is not there, so it is not known where links lead. Mount /proc and run the same command again."
        raise ConversionError(msg) from error


@contextmanager
def unreadable_is_a_mistake(what: str, expected: str = "") -> Iterator[None]:
    """Turns what goes wrong with a file that the user named into an error of usage.

    Args:
        what: The file, for messages.
        expected: What should be there: a sentence.

    Raises:
        NotFoundError: If it does not exist.
        UsageError: If it cannot be opened or read.
    """
    try:
        yield
    except FileNotFoundError as error:
        msg = f"{what} does not exist. {expected}".rstrip()
        raise NotFoundError(msg) from error
    except (OSError, ImageError) as error:
        reason = error.detail if isinstance(error, ImageError) else error.strerror
        msg = f"{what} cannot be read: {reason}."
        raise UsageError(msg) from error
