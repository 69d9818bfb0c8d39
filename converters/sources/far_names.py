"""Sorts the names of files in a store, as the walk through a folder of this machine sorts what it finds there.

A store has no folders. Some programs make an empty file for each, called `photos/` or `photos`: it counts as a folder.
"""

from collections.abc import Iterable, Sequence
from operator import itemgetter

import numpy as np

from fitfeed.converters.file_columns import FileColumns, FilePacker, packed_etags, zeros
from fitfeed.converters.source_file import SourceFile
from fitfeed.converters.sources.far_folder import source_file
from fitfeed.converters.sources.image_names import NOT_AN_IMAGE, all_are_images, looks_like, why_never
from fitfeed.converters.sources.listed import Listed, ignore_files
from fitfeed.schemas.chunks import in_chunks
from fitfeed.schemas.packed_texts import PackedTexts
from fitfeed.schemas.storage.place import Found

NO_PATH = "its name is not a path: it has an empty part, . or .."
NO_PARTS = frozenset({"", ".", ".."})

NAMES_AT_ONCE = 1 << 12
"""Names that are objects at a time, in each thread."""

_NAME, _BYTES, _IDENTITY = map(itemgetter, map(Found._fields.index, ("name", "bytes", "identity")))


class FarNames:
    """The names in a source, or in a part of it.

    Attributes:
        files: The files that are images by name.
        unknown: Those whose first bytes must say it.
        ignored: The path of a file or folder to why it is ignored.
    """

    def __init__(self, listed: Listed = ignore_files) -> None:
        """Begins without any.

        Args:
            listed: Is told of files as they are found.
        """
        self._listed = listed
        self.files = FilePacker()
        self.unknown: list[SourceFile] = []
        self.ignored: dict[str, str] = {}
        self._folders: dict[str, bool] = {"": True}
        self._with_files: set[str] = set()

    @property
    def is_empty(self) -> bool:
        """Whether there is no name at all."""
        return not (self.files or self.unknown or self.ignored or len(self._folders) > 1)

    def add(self, prefix: str, listed: Iterable[Found]) -> None:
        """Sorts files.

        Args:
            prefix: The path of the folder to which their names are relative, with `/` at its end; empty for the source.
            listed: The files.
        """
        for some in in_chunks(listed, NAMES_AT_ONCE):
            names = list(map(_NAME, some))
            if self._all_are_images(prefix, names):
                self._with_files.add(prefix[:-1])
                self.files.add_columns(_columns(prefix, names, some))
            else:
                self.files.add(self._sorted(prefix, some))
            self._listed(len(names))

    def _all_are_images(self, prefix: str, names: Sequence[str]) -> bool:
        """Whether all files are directly in a folder, and images by name. There are millions of such files."""
        return (
            "/" not in "".join(names)
            and not prefix.startswith("/")
            and all_are_images(names)
            and self.takes(prefix[:-1])
        )

    def _sorted(self, prefix: str, some: Iterable[Found]) -> list[SourceFile]:
        """Sorts files one by one. Returns those that are images by name."""
        images: list[SourceFile] = []
        last, is_taken = None, False
        for found in some:
            path = prefix + found.name
            folder, _, name = path.rpartition("/")
            if path[0] == "/":
                self.ignored[path] = NO_PATH
                continue
            if folder != last:  # names come folder after folder
                last, is_taken = folder, self.takes(folder)
            if is_taken and name:  # without a name, it stands for the folder
                images += self._add(path, folder, name, found)
        return images

    def _add(self, path: str, folder: str, name: str, found: Found) -> list[SourceFile]:
        looks = looks_like(name)
        if looks == "image" and name[0] != ".":  # before all else: there are millions
            self._with_files.add(folder)
            return [source_file(path, found)]
        why = _why_never(name)
        if why is not None:
            self.ignored[path] = why
        elif looks == "unknown" and not found.bytes and "." not in name:
            self.takes(path)
        elif looks == "unknown":
            self._with_files.add(folder)
            self.unknown.append(source_file(path, found))
        else:
            self._with_files.add(folder)
            self.ignored[path] = NOT_AN_IMAGE
        return []

    def takes(self, folder: str) -> bool:
        """Whether files in a folder are looked at. If not, the folder is ignored as a whole."""
        known = self._folders.get(folder)
        if known is None:
            above, _, name = folder.rpartition("/")
            known = self.takes(above)
            if known and (why := _why_never(name)):
                self.ignored[folder] = why
                known = False
            self._folders[folder] = known
        return known

    def add_all(self, other: "FarNames") -> None:
        """Adds what another thread has sorted."""
        self.files.add_all(other.files)
        self.unknown += other.unknown
        self.ignored |= other.ignored
        self._folders |= other._folders  # noqa: SLF001 - of the same class
        self._with_files |= other._with_files  # noqa: SLF001

    def empty_folders(self) -> list[str]:
        """The folders with nothing in them but what is hidden, sorted."""
        taken = {folder for folder, is_taken in self._folders.items() if is_taken}
        with_folders = {folder.rpartition("/")[0] for folder in taken if folder}
        return sorted(taken - with_folders - self._with_files - {""})


def _why_never(name: str) -> str | None:
    """`why_never` of a part of a path. A store has parts, too, that no file of this machine can have."""
    return why_never(name) or (NO_PATH if name in NO_PARTS else None)


def _columns(prefix: str, names: Sequence[str], some: Sequence[Found]) -> FileColumns:
    """`source_file` of many."""
    sizes = np.fromiter(map(_BYTES, some), np.int64, len(some))
    unknown = zeros(len(some))
    etags = packed_etags(list(map(_IDENTITY, some)))
    return FileColumns(PackedTexts.of_names(prefix, names), sizes, unknown, unknown, etags)
