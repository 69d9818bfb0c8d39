"""Reading one source file: whole, once, and without trusting what it is."""

import errno
import os
import stat
import time

from converters.decode import ImageError
from schemas.errors import ConversionError

READ_ATTEMPTS = 3
READ_RETRY_DELAY_S = 0.2
CHUNK = 1 << 20


def read_source(path: str, *, most: int) -> bytes:
    """Reads a file.

    Args:
        path: Where it is.
        most: More bytes than this no image can have.

    Raises:
        ImageError: If this one file is gone, unreadable or too large to be an image.
        ConversionError: If reading fails for a reason that may pass, several times.
    """
    for attempt in range(1, READ_ATTEMPTS + 1):
        try:
            return _read_regular_file(path, most=most)
        except FileNotFoundError as error:
            raise ImageError("vanished", "the file was listed, but is gone or is a broken link") from error
        except PermissionError as error:
            raise ImageError("unreadable", "no permission to read the file") from error
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.EISDIR):
                raise ImageError("unreadable", f"not a readable file ({error.strerror})") from error
            failure = error
            time.sleep(READ_RETRY_DELAY_S * attempt)
    msg = f"cannot read {path}: {failure.strerror}, {READ_ATTEMPTS} times. Repair the disk or the network and run the same command again: it continues."
    raise ConversionError(msg) from failure


def _read_regular_file(path: str, *, most: int) -> bytes:
    # Not blocking: opening a named pipe would otherwise wait for a writer, for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ImageError("unreadable", "not a regular file")
        # One byte more than the file has, so that it shows if it grew. To ask for `most` would reserve
        # as much memory, which costs more than reading a small file.
        data = os.read(descriptor, min(status.st_size, most) + 1)
        while len(data) != status.st_size and len(data) <= most and (more := os.read(descriptor, CHUNK)):
            data += more  # it grew, or the system gave less than asked for
    finally:
        os.close(descriptor)
    if len(data) > most:
        raise ImageError("bomb", f"the file has more than {most} bytes, more than any image that is allowed")
    return data
