"""Reads a file that was planned some time ago. It may have been removed or changed since."""

import errno
import os
import time

from fitfeed.converters.open_source import is_within, open_regular
from fitfeed.converters.rejects import ImageError
from fitfeed.converters.source_file import SourceFile, stored_time, why_changed
from fitfeed.schemas.errors import ConversionError

READ_ATTEMPTS = 3
READ_RETRY_DELAY_S = 0.2
CHUNK = 1 << 20

OUR_ERRORS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})
"""Errors that say nothing about the file: this process, or the machine, has used up what reading takes."""


def read_unchanged(file: SourceFile, source: str, *, most: int) -> bytes:
    """Reads a file, if it still is the one that was planned.

    Args:
        file: The file as it was listed.
        source: SOURCE. A link may have led the file out of it.
        most: Bytes that the file may have.

    Raises:
        ImageError: If this file is gone, changed, unreadable or too large to be an image.
        ConversionError: If reading fails several times, for a reason that may pass, and the file is in SOURCE.
    """
    for attempt in range(1, READ_ATTEMPTS + 1):
        try:
            return _read_regular_file(file, most=most)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise ImageError("vanished", "the file was listed, but is gone or is a broken link") from error
        except PermissionError as error:
            raise ImageError("unreadable", "no permission to read the file") from error
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.EISDIR, errno.ENAMETOOLONG):
                raise ImageError("unreadable", f"not a readable file ({error.strerror})") from error
            failure = error
            time.sleep(READ_RETRY_DELAY_S * attempt)
    if _leads_out(file.path, source) and failure.errno not in OUR_ERRORS:
        detail = f"it is outside SOURCE, and cannot be read there ({failure.strerror}, {READ_ATTEMPTS} times)"
        raise ImageError("unreadable", detail) from failure
    msg = f"cannot read {file.path}: {failure.strerror}, {READ_ATTEMPTS} times. Repair the disk or the network and run the same command again: it continues."
    raise ConversionError(msg) from failure


def _read_regular_file(file: SourceFile, *, most: int) -> bytes:
    descriptor = open_regular(file.path)
    try:
        before = os.fstat(descriptor)
        # One byte more than the file has, to notice if it grew. Asking for `most` would reserve
        # as much memory, which costs more than reading a small file.
        data = os.read(descriptor, min(before.st_size, most) + 1)
        while len(data) < min(before.st_size, most + 1) and (more := os.read(descriptor, CHUNK)):
            data += more  # the system returned fewer bytes than asked for
        after = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    for status in (before, after):
        if (status.st_size, stored_time(status.st_mtime_ns)) != (file.bytes, file.mtime_ns):
            raise ImageError("vanished", why_changed(file, status.st_size))
    if len(data) > most:
        raise ImageError("bomb", f"the file has more than {most} bytes, more than any image that is allowed")
    return data


def _leads_out(path: str, source: str) -> bool:
    """Whether a path leads out of SOURCE. A file there is not a part of what is converted, and cannot stop it."""
    return not is_within(os.path.realpath(path), os.path.realpath(source))
