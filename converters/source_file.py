"""The files of sources, as they were listed, where they are, and how they were compared with those of a dataset."""

import dataclasses
import heapq
import os
from collections.abc import Sequence
from typing import Any, NamedTuple, Self

from typing_extensions import override

from fitfeed.schemas.bit_depth import Depth
from fitfeed.schemas.manifest_parts import SourceKind

MAX_TIME_NS = (1 << 63) - 1


class RawPixels(NamedTuple):
    """The shape and the bits per value of images that are stored as plain pixels."""

    height: int
    width: int
    channels: int
    depth: Depth


@dataclasses.dataclass(frozen=True, kw_only=True)
class SourceRoot:
    """One of the sources of a conversion: where its files are, and how their paths begin.

    Attributes:
        number: Its number in the manifest's list of sources.
        name: What it is called there.
        kind: What lists its images.
        folder: Absolute path of the folder that its files are in, or its address in a store.
        prefix: What the paths of its files begin with, besides their path below the folder: nothing for the first
            source of a dataset, `NAME/` for others. So no two files of a dataset have the same path.
        raw: Of a dataset whose images are plain pixels: how they are stored. Else None.
    """

    number: int
    name: str
    kind: SourceKind
    folder: str
    prefix: str = ""
    raw: RawPixels | None = None

    def below(self, path: str) -> str:
        """The path of one of its files below its folder."""
        return path[len(self.prefix) :]

    def place(self, path: str) -> str:
        """Where one of its files is."""
        return f"{self.folder}/{self.below(path)}"

    def file(self, file: "SourceFile") -> "SourceFile":
        """One of its files, with its path below the folder."""
        return file._replace(path=self.below(file.path)) if self.prefix else file


class StoredAt(NamedTuple):
    """Where a dataset has the bytes of an image or a mask. Their number is the size of its `SourceFile`.

    Attributes:
        shard: Name of the shard's file.
        offset: Where they begin.
        crc32c: Their CRC-32C.
    """

    shard: str
    offset: int
    crc32c: int


class SourceFile(NamedTuple):
    """The path of a file, its size, and when it was last modified. An example of a dataset counts as a file, too.

    Attributes:
        path: Path with `/`: relative to its source, and after the prefix of that source. It is the example's key.
        bytes: Its size.
        mtime_ns: When its content was last modified, in nanoseconds; 0 if that is not known.
        ctime_ns: When its inode was last changed, in nanoseconds; 0 if that is not known. Programs cannot set it. It
            does not decide how a shard is planned, because a new link to the file changes it, too.
        etag: In a store, a text that is another one when its content has been replaced; it has no times then. Else empty.
        source: Number of its source in the manifest's list.
        stored: Where a dataset has its bytes; None if it is a file. The times are those of the shard then.
    """

    path: str
    bytes: int
    mtime_ns: int
    ctime_ns: int = 0
    etag: str = ""
    source: int = 0
    stored: StoredAt | None = None

    @classmethod
    def of_status(cls, path: str, status: os.stat_result) -> Self:
        """A file as the system describes it."""
        return cls(path, status.st_size, stored_time(status.st_mtime_ns), stored_time(status.st_ctime_ns))

    @property
    def content_identity(self) -> tuple[Any, ...]:
        """The values that decide how a shard is planned: `planned` is the inverse."""
        if self.stored is not None:
            return (*self[:3], self.etag, *self.stored)
        return (*self[:3], self.etag) if self.etag else self[:3]

    @classmethod
    def planned(
        cls, path: str, size: int, mtime_ns: int, etag: str = "", *stored: Any, source: int = 0
    ) -> Self:
        """The file of a `content_identity`."""
        return cls(path, size, mtime_ns, 0, etag, source, StoredAt(*stored) if stored else None)

    @property
    def status(self) -> tuple[int, int, int]:
        """Its size and times."""
        return self[1:4]

    def of(self, root: SourceRoot) -> Self:
        """The same file as one of a source, with a path relative to that source."""
        return self._replace(path=root.prefix + self.path, source=root.number)


def why_changed(file: SourceFile, size: int) -> str:
    """Why a file that has so many bytes now is not the one that was listed. Without times: it is the same in every run."""
    sizes = (
        f"{file.bytes} bytes then, {size} now"
        if size != file.bytes
        else f"still {file.bytes} bytes, but written to"
    )
    return f"the file was changed after it was listed ({sizes}); run the same command again to take it as it is now"


def stored_time(nanoseconds: int) -> int:
    """A time as numbers of 64 bits can have it: from 1677 to 2262. Some file systems have earlier and later ones."""
    return max(-MAX_TIME_NS, min(nanoseconds, MAX_TIME_NS))


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
        times: How many were compared by size and times, or in a store by size and ETag.
        etags: How many of these are in a store.
        contents: How many were read, and compared by content.
        changed: The paths of images and masks that have another content now, in the order of the listing. A file that
            cannot be read counts as changed.
        not_compared: The paths of files without an example, which were rejected or left out, if their times are not
            the known ones. The index has no digest of them.
    """

    times: int = 0
    etags: int = 0
    contents: int = 0
    changed: list[str] = dataclasses.field(default_factory=list)
    not_compared: list[str] = dataclasses.field(default_factory=list)
