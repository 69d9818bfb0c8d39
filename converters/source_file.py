"""Files of a source, as they were listed."""

import dataclasses
from pathlib import Path
from typing import NamedTuple


class SourceFile(NamedTuple):
    """The path of a file, its size, and when it was last modified.

    Attributes:
        path: Path relative to the source, with `/`; the whole path when the file is about to be read.
        bytes: Its size.
        mtime_ns: When its content was last modified, in nanoseconds; 0 if that is not known.
        ctime_ns: When its inode was last changed, in nanoseconds; 0 if that is not known. Programs cannot set it. It
            does not decide how a shard is planned, because a new link to the file changes it, too.
    """

    path: str
    bytes: int
    mtime_ns: int
    ctime_ns: int = 0

    @property
    def content_identity(self) -> tuple[str, int, int]:
        """The values that decide how a shard is planned."""
        return self[:3]


@dataclasses.dataclass(frozen=True)
class SourceListing:
    """The files of some examples, images and masks, as columns with one entry for each file.

    Attributes:
        root: Folder to which their paths are relative.
        files: The files as they were listed.
        keys: The keys of their examples.
        masks: Name of the label of which a file is the mask; None for an image.
    """

    root: Path
    files: list[SourceFile]
    keys: list[str]
    masks: list[str | None]
