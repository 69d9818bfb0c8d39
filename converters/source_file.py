"""A file of a source, as it was listed."""

from typing import NamedTuple


class SourceFile(NamedTuple):
    """Where a file was, how large, and when it had last been modified.

    Attributes:
        path: Relative to the source, with `/`; whole where it is about to be read.
        bytes: Its size.
        mtime_ns: Nanoseconds; 0 where that is not known.
    """

    path: str
    bytes: int
    mtime_ns: int
