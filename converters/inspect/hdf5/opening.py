"""Opens an HDF5 file, and says of one that does not open whether it is damaged, being written, or a part of something."""

import fcntl
from pathlib import Path
from typing import Any, NamedTuple

import h5py

from fitfeed.converters.inspect.hdf5_parts import part_of_more
from fitfeed.schemas import magic
from fitfeed.schemas.errors import DamagedDatasetError, FitfeedError, UsageError
from fitfeed.schemas.text import first_line

OPEN_FOR_WRITING, SWMR = 1, 4
"""Bits of the consistency flags in a superblock (HDF5 File Format Specification, II.B and II.C)."""

HEAD_BYTES = 4096

H5PY_ERRORS = (KeyError, OSError, RuntimeError, TypeError, ValueError)
"""What h5py raises for a damaged file: it chooses the class by what HDF5 says failed, and an address may be wrong anywhere."""


class OpenedHdf5(NamedTuple):
    """An open file.

    Attributes:
        file: An `h5py.File`, which the caller closes.
        note: What a reader should know, such as that it is being written.
    """

    file: Any
    note: str | None


def open_hdf5(path: Path) -> OpenedHdf5:
    """Opens a file for reading, without taking a lock.

    Args:
        path: An HDF5 file.

    Raises:
        UsageError: If it is whole, and cannot be read now or alone.
        DamagedDatasetError: If it is damaged.
    """
    is_held = _is_held(path)
    try:
        file = h5py.File(path, "r", locking=False)
    except H5PY_ERRORS as error:
        raise _why_not(path, error, _consistency_flags(path), is_held=is_held) from error
    note = "a program has it open for writing, so it may change" if is_held else None
    return OpenedHdf5(file, note)


def _is_held(path: Path) -> bool:
    """Whether another program has locked the file, as HDF5 does while it writes."""
    with path.open("rb") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:  # a file system without locks
            return False
    return False


def _consistency_flags(path: Path) -> int:
    """The flags of the superblock; 0 for versions without."""
    head = _head(path)
    start = head.find(magic.HDF5)
    return head[start + 11] if start >= 0 and len(head) > start + 11 and head[start + 8] >= 2 else 0


def _head(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(HEAD_BYTES)


def _why_not(path: Path, error: Exception, flags: int, *, is_held: bool) -> FitfeedError:
    if flags & SWMR:  # reading under SWMR waits minutes for each damaged byte, in case somebody is writing it
        return UsageError(
            f"{path} is being written under SWMR, or its writer ended without closing it. While it is written, read it with "
            'h5py.File(path, "r", swmr=True). If the writer has ended, mend a copy: h5clear --status COPY. Then inspect the copy.'
        )
    if is_held:
        return UsageError(
            f"{path} is being written: a program has it open, and HDF5 does not let others read it until it is closed. "
            "Close it there, or write with file.swmr_mode = True, so that it can be read meanwhile."
        )
    if flags & OPEN_FOR_WRITING:
        return UsageError(
            f"{path} was not closed by the program that wrote it, or is open on another machine. If that program has "
            f"ended, mend a copy: h5clear --status COPY. Then inspect the copy."
        )
    part = part_of_more(path, _head(path))
    if part is not None:
        return UsageError(f"{path} is {part}.")
    return DamagedDatasetError(
        f"{path} is damaged: {first_line(error)}. It was cut off, changed, or not closed by the program that wrote it. "
        "Restore the file from its source."
    )
