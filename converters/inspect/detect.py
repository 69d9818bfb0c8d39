"""Looks into a single TFRecord or HDF5 file, which any program may have written."""

import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from fitfeed.converters.inspect.decompress import Compression, Inflated
from fitfeed.converters.inspect.guarded import read_report
from fitfeed.schemas import magic
from fitfeed.schemas.errors import NotFoundError, UsageError
from fitfeed.schemas.processes.guarded_calls import GuardedCalls
from fitfeed.schemas.tfrecord import HEADER_BYTES, masked_crc32c

if TYPE_CHECKING:
    from fitfeed.converters.inspect.far_file import FileInStore
    from fitfeed.converters.inspect.report import ForeignReport

# Little is imported here, so that the process that reads the file starts early. This one imports the rest meanwhile.

TFRECORD_NAME = re.compile(r"\.(tfrecords?|tfrec|tfr|records?)(-\d+-of-\d+)?(\.|$)", re.IGNORECASE)
"""How TFRecord files are called, also as one of several shards: `x.tfrecord-00000-of-00002`, `x.record`."""

HEAD_BYTES = 4096


def inspect_file(path: "str | os.PathLike[str]", *, full: bool = False) -> "ForeignReport":
    """Reads as much of a TFRecord or HDF5 file as takes about a second, and says what is in it.

    The bytes show which kind of file it is; its name decides only if they do not. No link inside the file is followed,
    and nothing is unpickled. The file is read in a process of its own, with limits on memory and time, since it may
    crash the libraries that read it.

    Args:
        path: The file: its path, or its address in a store, from which it is copied while it is read.
        full: Whether all of it is read. Else counts may be less than what is there, and the report says where.

    Raises:
        NotFoundError: If it does not exist.
        UsageError: If it is neither a TFRecord file nor an HDF5 file, or cannot be read now or alone.
        DamagedDatasetError: If it is one, but cut off or changed, or if it cannot be read within the limits.
    """
    from fitfeed.converters.inspect.file_list import find_file

    with guarded_calls(full=full) as guarded:
        return inspect_with(guarded, find_file(path), full=full)


def guarded_calls(*, full: bool = False) -> GuardedCalls:
    """The process for `inspect_with`, which may serve several files one after another."""
    from fitfeed.converters.inspect.limits import FULL, SAMPLE

    return GuardedCalls(memory_bytes=(FULL if full else SAMPLE).memory)


def inspect_with(
    guarded: GuardedCalls,
    path: "Path | FileInStore",
    *,
    full: bool = False,
    files: int = 1,
    progress: Callable[[int], None] | None = None,
) -> "ForeignReport":
    """Inspects a file, as `inspect_file`.

    Args:
        guarded: The process that reads it.
        path: The file.
        full: Whether all of it is read.
        files: How many files share the limits, which are for all of them.
        progress: Receives how many bytes were read, if all is read.
    """
    if not isinstance(path, Path):
        from fitfeed.converters.inspect.far_file import fetched, of_a_copy

        with fetched(path, full=full) as copy:
            report = inspect_with(guarded, copy, full=full, files=files, progress=progress)
            return of_a_copy(report, copy)
    head = _head(path)
    is_hdf5 = _is_hdf5(path, head)
    inflated = b"" if is_hdf5 else _inflated(path, head)
    compression = None if is_hdf5 else _tfrecord_compression(path, head, inflated)
    if compression is None and not is_hdf5:
        raise _not_ours(path, head, inflated)
    return read_report(path, compression, guarded, full=full, files=files, progress=progress)


def _not_ours(path: Path, head: bytes, inflated: bytes) -> UsageError:
    from fitfeed.converters.inspect.file_types import guess_type, way_on
    from fitfeed.converters.inspect.hdf5_parts import part_of_more
    from fitfeed.schemas.manifest import MANIFEST_NAME

    part = part_of_more(path, head)
    if part is not None:
        return UsageError(f"{path} is {part}.")
    what = f"{path} is {guess_type(head, inflated)}."
    if path.name == MANIFEST_NAME:
        return UsageError(f"{what} Name the folder: fitfeed inspect {path.parent}")
    way = way_on(head, inflated)
    if way is not None:
        return UsageError(f"{what} {way}.")
    return UsageError(f"{what} fitfeed inspect reads a dataset folder, a TFRecord file or an HDF5 file.")


def _head(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            msg = f"{path} is neither a folder nor a regular file. Name a dataset folder, a TFRecord file or an HDF5 file."
            raise UsageError(msg)
        with path.open("rb") as stream:
            return stream.read(HEAD_BYTES)
    except FileNotFoundError as error:
        msg = f"{path} does not exist. Name a dataset folder, a TFRecord file or an HDF5 file."
        raise NotFoundError(msg) from error
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror or error}. Check its permissions."
        raise UsageError(msg) from error


def _is_hdf5(path: Path, head: bytes) -> bool:
    """Looks for the signature at byte 0, 512, 1024, 2048, ... (HDF5 File Format Specification, II.A)."""
    if head.startswith(magic.HDF5):
        return True
    offset, size = 512, path.stat().st_size
    with path.open("rb") as stream:
        while offset < size:
            stream.seek(offset, os.SEEK_SET)
            if stream.read(len(magic.HDF5)) == magic.HDF5:
                return True
            offset *= 2
    return False


def _inflated(path: Path, head: bytes) -> bytes:
    """The first bytes of what is compressed; none if nothing is, or it is damaged."""
    if _compression(head) is None:
        return b""
    from fitfeed.converters.inspect.file_types import inflated_start

    with path.open("rb") as stream:
        return inflated_start(Inflated(stream))


def _tfrecord_compression(path: Path, head: bytes, inflated: bytes) -> Compression | None:
    """How a TFRecord file is compressed; None if it is not a TFRecord file.

    A file with the name of a TFRecord file still counts as one if its first header is damaged, unless its first bytes
    are those of another known format.
    """
    from fitfeed.converters.inspect.file_types import UNKNOWN, guess_type

    named = TFRECORD_NAME.search(path.name) is not None
    if _begins_a_record(head):
        return "none"
    if not head:
        return "none" if named else None
    compression = _compression(head)
    if compression is not None:
        is_other = inflated.startswith(magic.HDF5)
        return compression if _begins_a_record(inflated) or (named and not is_other) else None
    return "none" if named and guess_type(head) == UNKNOWN else None


def _begins_a_record(data: bytes) -> bool:
    header = data[:HEADER_BYTES]
    return len(header) == HEADER_BYTES and masked_crc32c(header[:8]) == int.from_bytes(header[8:], "little")


def _compression(head: bytes) -> Compression | None:
    if head.startswith(magic.GZIP + b"\x08"):
        return "gzip"
    # RFC 1950: deflate with a window of at most 32 KiB, and a header that is a multiple of 31.
    is_zlib = (
        len(head) > 2 and head[0] & 0x0F == 8 and head[0] >> 4 <= 7 and (head[0] << 8 | head[1]) % 31 == 0
    )
    return "zlib" if is_zlib else None
