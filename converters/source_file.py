"""A file of a source, as it was listed."""

from typing import NamedTuple


class SourceFile(NamedTuple):
    """The path of a file, its size, and when it was last modified.

    Attributes:
        path: Path relative to the source, with `/`; the whole path when the file is about to be read.
        bytes: Its size.
        mtime_ns: When it was last modified, in nanoseconds; 0 if that is not known.
    """

    path: str
    bytes: int
    mtime_ns: int
