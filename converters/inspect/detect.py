"""Looks into a single TFRecord or HDF5 file, which any program may have written."""

import os
import stat
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from fitfeed.converters.inspect.decompress import Compression, Inflated
from fitfeed.converters.inspect.guarded import read_report
from fitfeed.schemas import magic
from fitfeed.schemas.errors import NotFoundError, UsageError
from fitfeed.schemas.processes.guarded_calls import GuardedCalls
from fitfeed.schemas.tfrecord import HEADER_BYTES, masked_crc32c

if TYPE_CHECKING:
    from fitfeed.converters.inspect.report import ForeignReport

# Little is imported here, so that the process that reads the file starts early. This one imports the rest meanwhile.

TFRECORD_SUFFIXES = (".tfrecord", ".tfrecords", ".tfrec", ".tfr")
HEAD_BYTES = 4096


def inspect_file(path: Path) -> "ForeignReport":
    """Reads a TFRecord or HDF5 file from end to end, and says what is in it.

    The bytes show which kind of file it is; its name decides only if they do not. No more than the largest record is
    in memory. No link inside the file is followed, and nothing is unpickled. The file is read in a process of its own,
    with limits on memory and time, since it may crash the libraries that read it.

    Args:
        path: A local file.

    Raises:
        NotFoundError: If it does not exist.
        UsageError: If it is neither a TFRecord file nor an HDF5 file.
        DamagedDatasetError: If it is one, but cut off or changed, or if it cannot be read within the limits.
    """
    with GuardedCalls() as guarded:
        return inspect_with(guarded, path)


def inspect_with(guarded: GuardedCalls, path: Path) -> "ForeignReport":
    """Inspects a file, as `inspect_file`, in a process that may serve several files one after another."""
    head = _head(path)
    is_hdf5 = _is_hdf5(path, head)
    compression = None if is_hdf5 else _tfrecord_compression(path, head)
    if compression is None and not is_hdf5:
        expected = "fitfeed inspect reads a dataset folder, a TFRecord file or an HDF5 file"
        msg = f"{path} is {guess_type(head)}. {expected}.{_hint(path)}"
        raise UsageError(msg)
    return read_report(path, compression, guarded)


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


def _tfrecord_compression(path: Path, head: bytes) -> Compression | None:
    """How a TFRecord file is compressed; None if it is not a TFRecord file.

    A file with the name of a TFRecord file still counts as one if its first header is damaged, unless its first bytes
    are those of another known format.
    """
    named = any(suffix in path.suffixes for suffix in TFRECORD_SUFFIXES)
    if _begins_a_record(head):
        return "none"
    if not head:
        return "none" if named else None
    compression = _compression(head)
    if compression is not None:
        with path.open("rb") as stream:
            try:
                content = Inflated(stream).read(HEADER_BYTES)
            except (EOFError, zlib.error):
                return compression if named else None
        return compression if named or _begins_a_record(content) else None
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


UNKNOWN = "a file of an unknown type"


def guess_type(head: bytes) -> str:
    """What a file seems to be, judged by its first bytes, as words for a sentence."""
    if not head:
        return "empty"
    from fitfeed.converters.inspect.report import image_format

    image = image_format(head)
    if image is not None:
        return f"a picture ({image.upper()})"
    if head[257:262] == b"ustar":
        return "a tar archive"
    known = next((name for starts, name in _STARTS if head.startswith(starts)), None)
    if known is not None:
        return known
    if not head.strip(b"\0"):
        return "a file of zero bytes only"
    return "a text file" if _is_text(head) else UNKNOWN


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode()
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:  # not merely a character cut off by the end of `head`
            return False
        text = head[: error.start].decode()
    return all(character.isprintable() or character in "\t\r\n\f" for character in text)


def _hint(path: Path) -> str:
    from fitfeed.schemas.manifest import MANIFEST_NAME

    return f" Name the folder: fitfeed inspect {path.parent}" if path.name == MANIFEST_NAME else ""


_STARTS = [
    (magic.BMP, "a picture (BMP)"),
    (b"PK\x03\x04", "a zip archive"),
    (b"PK\x05\x06", "an empty zip archive"),
    (magic.GZIP, "a gzip file, but not of TFRecords"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ\0", "an xz file"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"\x93NUMPY", "a NumPy array (.npy)"),
    (b"MATLAB 5.0", "a MATLAB 5 file"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"%PDF", "a PDF file"),
    (b"\x80\x02", "a Python pickle"),
    (b"\x80\x03", "a Python pickle"),
    (b"\x80\x04", "a Python pickle"),
    (b"\x80\x05", "a Python pickle"),
]
