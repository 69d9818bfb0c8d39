"""What a file seems to be that is neither TFRecord nor HDF5, judged by its first bytes, and what helps then."""

import re
import zlib

from fitfeed.converters.inspect.decompress import Inflated
from fitfeed.converters.inspect.image_formats import image_format
from fitfeed.schemas import magic

UNKNOWN = "a file of an unknown type"

SCAN_BYTES = 64
"""First bytes of the content of a gzip file by which it is recognized."""


def guess_type(head: bytes, inflated: bytes = b"") -> str:
    """What a file seems to be, as words for a sentence.

    Args:
        head: Its first bytes.
        inflated: The first bytes of its content, if it is compressed by gzip.
    """
    if not head:
        return "empty"
    image = image_format(head)
    if image is not None:
        return f"a picture ({image.upper()})"
    if head[257:262] == b"ustar":
        return "a tar archive"
    if head.startswith(magic.GZIP):
        return _gzip_type(inflated)
    known = next((name for starts, name in _STARTS if head.startswith(starts)), None)
    if known is not None:
        return known
    if not head.strip(b"\0"):
        return "a file of zero bytes only"
    return _text_type(head) if _is_text(head) else UNKNOWN


def way_on(head: bytes, inflated: bytes = b"") -> str | None:
    """What to do with such a file, as a sentence; None if that is not known.

    Args:
        head: Its first bytes.
        inflated: The first bytes of its content, if it is compressed by gzip.
    """
    if inflated.startswith(magic.HDF5):
        return "Decompress it first, with gunzip: HDF5 cannot be read through gzip"
    return _WAYS.get(_text_type(head)) if head and _is_text(head) else None


def inflated_start(stream: Inflated, size: int = SCAN_BYTES) -> bytes:
    """The first bytes of a compressed file, or as many as can be decompressed."""
    try:
        return stream.read(size)
    except (EOFError, zlib.error):
        return b""


def _gzip_type(inflated: bytes) -> str:
    if inflated.startswith(magic.HDF5):
        return "a gzip file of HDF5"
    return "a gzip file, but not of TFRecords"


def _text_type(head: bytes) -> str:
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.startswith(b"version https://git-lfs.github.com/spec/"):
        return LFS
    if re.match(rb"<(!doctype\s+html|html|head)\b", text, re.IGNORECASE):
        return WEB_PAGE
    if re.match(rb"(<\?xml[^>]*>\s*)?<Error>", text):
        return STORE_ERROR
    return "a text file"


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode()
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:  # not merely a character cut off by the end of `head`
            return False
        text = head[: error.start].decode()
    return all(character.isprintable() or character in "\t\r\n\f\ufeff" for character in text)


LFS = "a Git LFS pointer, not the file itself"
WEB_PAGE = "a web page that was saved in place of the file"
STORE_ERROR = "an error message of an object store, saved in place of the file"

_WAYS = {
    LFS: "Fetch the file, in its repository: git lfs pull",
    WEB_PAGE: "Open it in a browser to see what the server said, and download the file again",
    STORE_ERROR: "Read the message, and download the file again",
}

_STARTS = [
    (magic.BMP, "a picture (BMP)"),
    (b"PK\x03\x04", "a zip archive"),
    (b"PK\x05\x06", "an empty zip archive"),
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
