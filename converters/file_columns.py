"""Many files of sources as columns: ten million take a gigabyte, and as `SourceFile`s four."""

import dataclasses
import itertools
import mmap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple, overload

import numpy as np
import numpy.typing as npt
from typing_extensions import override

from fitfeed.converters.rejects import text_path
from fitfeed.converters.source_file import SourceFile, SourceRoot, StoredAt
from fitfeed.schemas.chunks import in_chunks
from fitfeed.schemas.lazy_sequence import LazySequence
from fitfeed.schemas.packed_hex import ITEM, HexSpace, PackedHex
from fitfeed.schemas.packed_texts import AT_ONCE, PackedTexts, Places, TextSpace

MIN_PART = 256
"""Fewer files are put together with those of other folders: a part takes a kilobyte besides."""

Numbers = npt.NDArray[np.int64]
Etags = PackedTexts | PackedHex


class FileColumns(LazySequence[SourceFile]):
    """A sequence of files. Where there are many, use its columns: each `SourceFile` is made when it is asked for.

    Attributes:
        paths: Their paths.
        bytes, mtimes_ns, ctimes_ns: int64 (files,): their sizes and times.
        etags: Their ETags, packed where all are 32 hexadecimal digits; None if no file has one.
        sources: int64 (files,): the numbers of their sources.
        stored: Where datasets have their bytes; None if all are files.
    """

    def __init__(
        self,
        paths: PackedTexts,
        sizes: Numbers,
        mtimes_ns: Numbers,
        ctimes_ns: Numbers,
        etags: Etags | None = None,
        sources: Numbers | None = None,
        stored: Sequence[StoredAt | None] | None = None,
    ) -> None:
        """Takes the columns."""
        self.paths, self.bytes, self.mtimes_ns, self.ctimes_ns = paths, sizes, mtimes_ns, ctimes_ns
        self.etags, self.stored = etags, stored
        self.sources = zeros(len(paths)) if sources is None else sources

    @classmethod
    def of(cls, files: Iterable[SourceFile]) -> "FileColumns":
        """Packs files."""
        if isinstance(files, FileColumns):
            return files
        return cls.joined(list(map(_packed, in_chunks(files, AT_ONCE))))

    @classmethod
    def joined(cls, parts: list["FileColumns"]) -> "FileColumns":
        """The files of all parts. The list is emptied on the way, so that no file is in memory twice."""
        if len(parts) == 1:
            return parts.pop()
        last = sum(map(len, parts))
        paths = TextSpace([part.paths for part in parts])
        etags = _space_for_etags(parts)
        # Zeros that nobody writes take no memory.
        numbers = np.zeros((4, last), np.int64)
        stored: list[StoredAt | None] | None = [None] * last if any(part.stored for part in parts) else None
        while parts:
            part = parts.pop()
            first = last - len(part)
            paths.put_before(part.paths)
            if isinstance(etags, TextSpace):
                etags.put_before(part.some_etags)
            elif isinstance(part.etags, PackedHex) and etags is not None:
                etags.put_before(part.etags)
            for column, values in zip(numbers, part.numbers, strict=True):
                if values.any():
                    column[first:last] = values
            if stored is not None and part.stored is not None:
                stored[first:last] = part.stored
            last = first
        sizes, mtimes_ns, ctimes_ns, sources = numbers
        return cls(
            paths.texts, sizes, mtimes_ns, ctimes_ns, None if etags is None else etags.texts, sources, stored
        )

    @property
    def numbers(self) -> tuple[Numbers, Numbers, Numbers, Numbers]:
        """The columns of numbers, in their order."""
        return self.bytes, self.mtimes_ns, self.ctimes_ns, self.sources

    @property
    def has_etags(self) -> bool:
        """Whether any file has an ETag."""
        return self.etags is not None and self.etags.size > 0

    @property
    def some_etags(self) -> PackedTexts:
        """The ETags as texts, empty ones if there are none."""
        if self.etags is not None:
            return self.etags.texts if isinstance(self.etags, PackedHex) else self.etags
        return PackedTexts(np.empty(0, np.uint8), np.zeros(len(self) + 1, np.int64))

    @cached_property
    def keys(self) -> PackedTexts:
        """The paths as text (`text_path`)."""
        return self.paths if self.paths.is_text else PackedTexts.of(map(text_path, self.paths))

    @override
    def __len__(self) -> int:
        return len(self.paths)

    @overload
    def __getitem__(self, place: int) -> SourceFile: ...

    @overload
    def __getitem__(self, place: slice) -> "FileColumns": ...

    @override
    def __getitem__(self, place: int | slice) -> "SourceFile | FileColumns":
        if isinstance(place, slice):
            stored = None if self.stored is None else self.stored[place]
            etags = None if self.etags is None else self.etags[place]
            sizes, mtimes_ns, ctimes_ns, sources = (column[place] for column in self.numbers)
            return FileColumns(self.paths[place], sizes, mtimes_ns, ctimes_ns, etags, sources, stored)
        place = range(len(self))[place]
        return self[place : place + 1].to_list()[0]

    @override
    def __iter__(self) -> Iterator[SourceFile]:
        for begin in range(0, len(self), AT_ONCE):
            yield from self[begin : begin + AT_ONCE].to_list()

    def to_list(self) -> list[SourceFile]:
        """The files as objects."""
        sizes, mtimes_ns, ctimes_ns, sources = (column.tolist() for column in self.numbers)
        etags: Iterable[str] = itertools.repeat("") if self.etags is None else self.etags.to_list()
        stored: Iterable[StoredAt | None] = itertools.repeat(None) if self.stored is None else self.stored
        rows = zip(self.paths.to_list(), sizes, mtimes_ns, ctimes_ns, etags, sources, stored, strict=False)
        return list(map(SourceFile._make, rows))

    def take(self, places: Places) -> "FileColumns":
        """The files at some places, in their order."""
        places = np.asarray(places, np.int64)
        sizes, mtimes_ns, ctimes_ns, sources = (column[places] for column in self.numbers)
        return FileColumns(
            self.paths.take(places),
            sizes,
            mtimes_ns,
            ctimes_ns,
            None if self.etags is None else self.etags.take(places),
            sources,
            None if self.stored is None else [self.stored[place] for place in places.tolist()],
        )

    def of_source(self, root: SourceRoot) -> "FileColumns":
        """The same as files of a source (`SourceFile.of`)."""
        paths = self.paths.after(root.prefix) if root.prefix else self.paths
        sources = np.full(len(self), root.number, np.int64) if root.number else None
        return FileColumns(paths, *self.numbers[:3], self.etags, sources, self.stored)

    def with_etags_as_texts(self) -> "FileColumns":
        """The same with ETags that are ready to be used several times."""
        etags = None if self.etags is None else self.some_etags
        return FileColumns(self.paths, *self.numbers[:3], etags, self.sources, self.stored)

    def in_own_pages(self) -> "FileColumns":
        """A copy in memory that the system gets back at once when it is no longer used. malloc would keep it."""
        texts = [each for each in (self.paths, self.etags) if isinstance(each, PackedTexts)]
        packed = self.etags.data if isinstance(self.etags, PackedHex) else np.empty((0, ITEM), np.uint8)
        pages = _Pages(
            8 * 4 * len(self) + sum(8 * len(text.offsets) + text.size for text in texts) + packed.nbytes
        )
        numbers = [pages.copy(values) if values.any() else zeros(len(self)) for values in self.numbers]
        offsets = [pages.copy(text.offsets - text.offsets[0]) for text in texts]
        data = [pages.copy(text.data[text.offsets[0] : text.offsets[-1]]) for text in texts]
        paths, *etags = [
            *map(PackedTexts, data, offsets),
            PackedHex(pages.copy(packed.reshape(-1)).reshape(-1, ITEM)),
        ]
        sizes, mtimes_ns, ctimes_ns, sources = numbers
        return FileColumns(
            paths, sizes, mtimes_ns, ctimes_ns, None if self.etags is None else etags[0], sources, self.stored
        )

    def in_order(self) -> "FileColumns":
        """The files in the order of their paths."""
        order = self.paths.order()
        return self if order is None else self.take(order)


@dataclasses.dataclass(frozen=True)
class SourceListing:
    """The files of some examples: all images, and then all masks, label after label.

    Attributes:
        roots: The sources they are of, by number.
        files: The files as they were listed.
        mask_labels: The labels of which there are masks.
    """

    roots: Mapping[int, SourceRoot]
    files: FileColumns
    mask_labels: Sequence[str] = ()

    @property
    def images(self) -> int:
        """Number of images. Each has a mask of every label of masks."""
        return len(self.files) // (1 + len(self.mask_labels))

    @property
    def image_keys(self) -> PackedTexts:
        """The keys of the images, which those of their masks are, too."""
        return self.files.keys[: self.images] if self.mask_labels else self.files.keys

    def mask_label(self, place: int) -> str | None:
        """Name of the label of which a file is the mask; None for an image."""
        column = place // self.images
        return self.mask_labels[column - 1] if column else None


class FilePacker:
    """Collects files, folder by folder, and packs them before they are many."""

    def __init__(self) -> None:
        """Begins without any."""
        self._files: list[SourceFile] = []
        self._parts: list[FileColumns] = []

    def __bool__(self) -> bool:
        """Whether there is any file."""
        return bool(self._files or self._parts)

    def add(self, files: list[SourceFile]) -> None:
        """Adds files of a folder."""
        # A part that ends where a folder ends need not be sorted together with others.
        if len(self._files) + len(files) > AT_ONCE:
            self._pack()
        self._files += files

    def add_columns(self, files: FileColumns) -> None:
        """The same, if they are packed already."""
        if len(files) < MIN_PART:
            self.add(files.to_list())
        else:
            self._parts.append(files.in_order().in_own_pages())

    def add_all(self, other: "FilePacker") -> None:
        """Adds what another thread has collected."""
        self._parts += other._parts  # noqa: SLF001 - of the same class
        self.add(other._files)  # noqa: SLF001

    def packed(self) -> FileColumns:
        """All files, in the order of their paths. The packer is empty then."""
        self._pack()
        parts, self._parts = self._parts, []
        parts.sort(key=lambda part: part.paths[0])
        return FileColumns.joined(parts).in_order()

    def _pack(self) -> None:
        if self._files:
            self._files.sort()
            self._parts.append(_packed(self._files).in_own_pages())
            self._files = []


class _Pages:
    """Memory of the system, filled from its begin. What is not written to takes none."""

    def __init__(self, size: int) -> None:
        self._memory, self._begin = mmap.mmap(-1, size), 0

    def copy(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """A copy of an array there. Those of larger items come first, so that all are aligned."""
        copied = np.frombuffer(self._memory, array.dtype, len(array), self._begin)
        copied[:] = array
        self._begin += array.nbytes
        return copied


class _Columns(NamedTuple):
    """The attributes of `SourceFile`s, in their order."""

    paths: tuple[str, ...]
    sizes: tuple[int, ...]
    mtimes_ns: tuple[int, ...]
    ctimes_ns: tuple[int, ...]
    etags: tuple[str, ...]
    sources: tuple[int, ...]
    stored: tuple[StoredAt | None, ...]


def packed_etags(etags: Sequence[str]) -> Etags:
    """Packs ETags, as well as they can be."""
    return PackedHex.of(etags) or PackedTexts.of(etags)


def _space_for_etags(parts: Sequence[FileColumns]) -> TextSpace | HexSpace | None:
    """Room for the ETags of all parts. Where some cannot be packed well, none is."""
    if not any(part.etags for part in parts):
        return None
    if all(isinstance(part.etags, PackedHex) for part in parts):
        return HexSpace(sum(map(len, parts)))
    return TextSpace([part.some_etags if part.etags is None else part.etags for part in parts])


def _packed(files: list[SourceFile]) -> FileColumns:
    columns = _Columns(*zip(*files, strict=True))
    return FileColumns(
        PackedTexts.of(columns.paths),
        _numbers(columns.sizes),
        _numbers(columns.mtimes_ns),
        _numbers(columns.ctimes_ns),
        packed_etags(columns.etags) if any(columns.etags) else None,
        _numbers(columns.sources),
        columns.stored if any(columns.stored) else None,
    )


def _numbers(values: tuple[int, ...]) -> Numbers:
    return np.fromiter(values, np.int64, len(values)) if any(values) else zeros(len(values))


def zeros(count: int) -> Numbers:
    """Zeros that take no memory, and cannot be written to."""
    return np.ndarray(count, np.int64, bytes(8), strides=(0,))  # all are the same eight bytes
