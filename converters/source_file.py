"""Files of a source, as they were listed, and how they were compared with those of a dataset."""

import dataclasses
import heapq
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Self

from typing_extensions import override

from fitfeed.schemas.storage.place import Place


class SourceFile(NamedTuple):
    """The path of a file, its size, and when it was last modified.

    Attributes:
        path: Path relative to the source, with `/`; the whole path when the file is about to be read.
        bytes: Its size.
        mtime_ns: When its content was last modified, in nanoseconds; 0 if that is not known.
        ctime_ns: When its inode was last changed, in nanoseconds; 0 if that is not known. Programs cannot set it. It
            does not decide how a shard is planned, because a new link to the file changes it, too.
        etag: In a store, a text that is another one when its content has been replaced; it has no times then. Else empty.
    """

    path: str
    bytes: int
    mtime_ns: int
    ctime_ns: int = 0
    etag: str = ""

    @property
    def content_identity(self) -> tuple[str | int, ...]:
        """The values that decide how a shard is planned."""
        return (*self[:3], self.etag) if self.etag else self[:3]

    @classmethod
    def planned(cls, path: str, size: int, mtime_ns: int, etag: str = "") -> Self:
        """The file of a `content_identity`."""
        return cls(path, size, mtime_ns, 0, etag)


def why_changed(file: SourceFile, size: int) -> str:
    """Why a file that has so many bytes now is not the one that was listed. Without times: it is the same in every run."""
    sizes = (
        f"{file.bytes} bytes then, {size} now"
        if size != file.bytes
        else f"still {file.bytes} bytes, but written to"
    )
    return f"the file was changed after it was listed ({sizes}); run the same command again to take it as it is now"


@dataclasses.dataclass(frozen=True)
class SourceListing:
    """The files of some examples, images and masks, as columns with one entry for each file.

    Attributes:
        root: Folder, or place in a store, to which their paths are relative.
        files: The files as they were listed.
        keys: The keys of their examples.
        masks: Name of the label of which a file is the mask; None for an image.
    """

    root: Path | Place
    files: list[SourceFile]
    keys: list[str]
    masks: list[str | None]


SHOWN_FILES = 3


@dataclasses.dataclass(frozen=True, kw_only=True)
class SomeFiles:
    """Files of which only the first are named.

    Attributes:
        count: How many there are.
        first: The first few paths, by name.
    """

    count: int = 0
    first: list[str] = dataclasses.field(default_factory=list)

    @classmethod
    def of(cls, paths: Sequence[str]) -> Self:
        """Counts paths, and keeps the first."""
        return cls(count=len(paths), first=heapq.nsmallest(SHOWN_FILES, paths))

    @override
    def __str__(self) -> str:
        """Returns the first paths, and dots if there are more."""
        return ", ".join([*self.first, *(["..."] if self.count > len(self.first) else [])])


@dataclasses.dataclass(frozen=True, kw_only=True)
class Comparison:
    """How files were compared with those from which a dataset was made.

    Attributes:
        times: How many were compared by size and times.
        contents: How many were read, and compared by content.
        changed: The paths of images and masks that have another content now, in the order of the listing. A file that
            cannot be read counts as changed.
        not_compared: The paths of files without an example, which were rejected or left out, if their times are not
            the known ones. The index has no digest of them.
    """

    times: int = 0
    contents: int = 0
    changed: list[str] = dataclasses.field(default_factory=list)
    not_compared: list[str] = dataclasses.field(default_factory=list)
