"""Lists a source folder: its files, and what is ignored and why."""

import dataclasses
import errno
import os
import stat
from collections.abc import Sequence
from operator import attrgetter
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fitfeed.converters.file_columns import FileColumns, FilePacker
from fitfeed.converters.foreign_formats import DICOM
from fitfeed.converters.open_source import DESCRIPTORS, KERNEL_FOLDERS, find_out, is_of_kernel
from fitfeed.converters.rejects import Reject, count_extensions, text_path
from fitfeed.converters.source_file import SourceFile
from fitfeed.converters.sources.image_names import (
    NOT_AN_IMAGE,
    all_are_images,
    looks_like,
    why_never,
    why_no_image,
)
from fitfeed.converters.sources.links import Links, SourceLinks
from fitfeed.converters.sources.listed import Listed, ignore_files
from fitfeed.converters.sources.source_folder import SourceFolder
from fitfeed.schemas.chunks import in_chunks
from fitfeed.schemas.errors import ConversionError, NotFoundError, UsageError
from fitfeed.schemas.packed_texts import PackedTexts

_NAME = attrgetter("name")
_MODE = attrgetter("st_mode")
_NUMBERS = tuple(map(attrgetter, ("st_size", "st_mtime_ns", "st_ctime_ns")))

STATUSES_AT_ONCE = 1 << 11
"""What the system says of more files, as objects, takes memory that has to come from it each time."""

MAX_LISTINGS = 16
"""How often a folder is listed at most if links lead to it.

The same folder may be wanted in several classes and splits. But a few links multiply: of 18 folders, each with two
links to the next one, 262,144 paths lead to the last.
"""


@dataclasses.dataclass(frozen=True)
class Listing:
    """What is in a folder, sorted by path, so that it does not depend on the order of the file system.

    Attributes:
        files: The files that may be images.
        rejects: Folders outside SOURCE that cannot be listed.
        ignored: What is not meant to become an example.
        links: The folder, with its links that lead out of it.
        empty_folders: Folders with nothing in them but what is hidden.
    """

    files: FileColumns
    rejects: list[Reject]
    ignored: list[Reject]
    links: SourceFolder
    empty_folders: list[str] = dataclasses.field(default_factory=list)


def list_folder(source: Path, links: Links = "follow", *, listed: Listed = ignore_files) -> Listing:
    """Lists a folder recursively. Links are followed, but never in a circle, and to no folder more than `MAX_LISTINGS` times.

    Args:
        source: The folder.
        links: Whether links that lead out of it are followed or refused.
        listed: Is told of files as they are found.

    Raises:
        NotFoundError: If the source does not exist.
        UsageError: If it is not a folder, has no image in it, or a folder in it may not be listed; or if links that
            lead out of it are refused, and there are some.
        ConversionError: If listing failed for another reason.
    """
    if not source.exists():
        msg = f"SOURCE {source} does not exist. Expected a folder with one folder of images per class."
        raise NotFoundError(msg)
    if not source.is_dir():
        msg = f"SOURCE {source} is a file. Expected a folder with one folder of images per class, or a table of images: a .csv, .tsv, .txt or .jsonl file."
        raise UsageError(msg)
    walk = _Walk(SourceLinks(source, links), listed)
    walk.run()
    walk.links.require_none()
    if not walk.files:
        raise no_images_error(str(source), walk.ignored)
    return Listing(
        files=walk.files.packed(),
        rejects=sorted(walk.rejects, key=lambda reject: reject.path),
        ignored=sorted(walk.ignored, key=lambda reject: reject.path),
        links=walk.links,
        empty_folders=sorted(walk.empty_folders),
    )


@dataclasses.dataclass(frozen=True)
class _Folder:
    """A folder that is to be listed.

    Attributes:
        prefix: Its path in the source, with `/` at its end; empty for the source itself.
        place: Where it really is.
        identity: Device and inode.
        ancestors: The identities of all folders on the way to it.
    """

    prefix: str
    place: str
    identity: tuple[int, int]
    ancestors: frozenset[tuple[int, int]]


class _Walk:
    """Lists folders: first all that are reached without a link, then all that are reached through one link, and so on.

    Paths without links are always listed: they cannot multiply, and some file systems give one inode to many folders.
    """

    def __init__(self, links: SourceLinks, listed: Listed) -> None:
        self.links, self._listed = links, listed
        self.files = FilePacker()
        self.rejects: list[Reject] = []
        self.ignored: list[Reject] = []
        self.empty_folders: list[str] = []
        self._through_links = False
        self._linked: list[_Folder] = []
        self._times: dict[tuple[int, int], int] = {}

    def run(self) -> None:
        root = find_out(self.links.root)
        starts = [_Folder("", root.path, _identity(root.status), frozenset())]
        while starts:
            self._linked = []
            for start in starts:
                self._walk_down(start)
            starts = sorted(self._linked, key=lambda folder: folder.prefix)
            self._through_links = True

    def _walk_down(self, start: _Folder) -> None:
        """Lists a folder and all below it, without following links to folders."""
        waiting = [start]
        while waiting:
            folder = waiting.pop()
            if self._may_list(folder):
                waiting += self._list(folder)

    def _may_list(self, folder: _Folder) -> bool:
        """Whether a folder is to be listed. Counts how often it is."""
        if is_of_kernel(folder.place):
            self._ignore(
                folder.prefix[:-1], f"in one of {' '.join(KERNEL_FOLDERS)}, where no file is ever read"
            )
            return False
        if folder.identity in folder.ancestors:
            self._ignore(folder.prefix[:-1], "link to a folder that contains it")
            return False
        times = self._times.get(folder.identity, 0)
        if self._through_links and times >= MAX_LISTINGS:
            self.links.not_followed += 1
            self._ignore(folder.prefix[:-1], f"link to a folder that is listed {MAX_LISTINGS} times already")
            return False
        self._times[folder.identity] = times + 1
        return True

    def _list(self, folder: _Folder) -> list[_Folder]:
        """Lists what is directly in a folder. Returns the folders in it.

        In the source, a folder that cannot be listed is an error: it may hold any number of images.
        """
        try:
            descriptor = os.open(folder.place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                return self._list_opened(folder, descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            if not self.links.is_outside(folder.place):
                raise _listing_error(folder.place, error) from error
            detail = f"a folder outside SOURCE that cannot be listed ({error.strerror})"
            self.rejects.append(Reject(text_path(folder.prefix[:-1]), "unreadable", detail))
            return []

    def _list_opened(self, folder: _Folder, descriptor: int) -> list[_Folder]:
        """The same, with all that is asked asked of the open folder: its path may lead elsewhere meanwhile."""
        self._require_inside(folder, descriptor)
        with os.scandir(descriptor) as found:
            entries = sorted(found, key=_NAME)
        columns = _columns_of_images(folder, descriptor, entries)
        if columns is not None:
            self.files.add_columns(columns)
            self._listed(len(columns))
            return []
        files: list[SourceFile] = []
        folders: list[_Folder] = []
        if all(why_never(entry.name) for entry in entries):
            self.empty_folders.append(text_path(folder.prefix[:-1]))
        for entry in entries:
            path, opened = folder.prefix + entry.name, f"{DESCRIPTORS}/{descriptor}/{entry.name}"
            if reason := why_never(entry.name):
                self._ignore(path, reason)
            elif entry.is_symlink():
                files += self._follow(opened, path, folder)
            elif entry.is_file(follow_symlinks=False) and (reason := why_no_image(opened)):
                self._ignore(path, reason)
            elif (status := _status(entry)) is None:
                continue  # removed meanwhile
            elif stat.S_ISREG(status.st_mode):
                files.append(SourceFile.of_status(path, status))
            elif stat.S_ISDIR(status.st_mode):
                folders.append(_below(folder, path, f"{folder.place.rstrip('/')}/{entry.name}", status))
            else:
                self._ignore(path, "not a regular file")
        self.files.add(files)
        self._listed(len(files))
        return folders

    def _require_inside(self, folder: _Folder, descriptor: int) -> None:
        """Refuses a folder of the source that was replaced by a link out of it since the link would have been seen.

        Raises:
            ConversionError: If it was.
        """
        place = find_out(f"{DESCRIPTORS}/{descriptor}").path
        if self.links.is_outside(place) and not self.links.is_outside(folder.place):
            msg = f"the folder {text_path(folder.place)} was moved, or replaced by a link to {text_path(place)}, while SOURCE was listed. Run the same command again once nobody changes SOURCE."
            raise ConversionError(msg)

    def _follow(self, link: str, path: str, folder: _Folder) -> list[SourceFile]:
        """Lists a link to a file, and remembers a link to a folder for later. Returns the file."""
        try:
            located = find_out(link)
        except OSError:  # a broken or circular link: reading it will say which
            if looks_like(path) == "image":
                return [SourceFile(path, 0, 0)]
            self._ignore(path, NOT_AN_IMAGE)
            return []
        leaves = self.links.is_outside(located.path) and not self.links.is_outside(folder.place)
        is_folder = stat.S_ISDIR(located.status.st_mode)
        if leaves and self.links.refuse and (is_folder or looks_like(path) != "other"):
            self.links.remember(path, located.path)
            return []
        if not is_folder and (reason := why_no_image(link)):
            self._ignore(path, reason)
            return []
        if leaves:
            self.links.remember(path, located.path)
        if is_folder:
            self._linked.append(_below(folder, path, located.path, located.status))
            return []
        return [SourceFile.of_status(path, located.status)]

    def _ignore(self, path: str, why: str) -> None:
        self.ignored.append(Reject(text_path(path), "not_an_image", f"ignored: {why}", handling="ignored"))


def no_images_error(source: str, ignored: Sequence[Reject]) -> UsageError:
    """The error of a source in which no image is found."""
    msg = f"SOURCE {source} has no images. Expected files such as .jpg, .png, .webp or .tif, in any folder below it; {len(ignored)} other files were ignored{_kinds(ignored)}."
    return UsageError(msg)


def _listing_error(place: str, error: OSError) -> UsageError | ConversionError:
    """The error of a folder of the source that cannot be listed."""
    if isinstance(error, PermissionError):
        return UsageError(
            f"no permission to list the folder {text_path(place)}. Give it, or move the folder out of SOURCE."
        )
    if error.errno == errno.ENAMETOOLONG:
        return UsageError(
            f"the path of the folder {text_path(place)} has more than the 4095 bytes that Linux takes. Move it up, or give a folder on the way to it as SOURCE."
        )
    return ConversionError(
        f"cannot list {text_path(place)}: {error.strerror}. Run the same command again once the disk or the network is repaired."
    )


def _kinds(ignored: Sequence[Reject]) -> str:
    """What was ignored instead of images, by extension; and what to do about it, if that is known."""
    kinds = ", ".join(f"{count} {kind}" for kind, count in count_extensions(ignored).items())
    advice = f". {DICOM}" if any(DICOM in reject.detail for reject in ignored) else ""
    return f": {kinds}{advice}" if kinds else ""


def _columns_of_images(
    folder: _Folder, descriptor: int, entries: "Sequence[os.DirEntry[str]]"
) -> FileColumns | None:
    """All files of a folder, if there is nothing else in it than files that are images by name. There are millions of such.

    Their status is asked for from the folder, not from the root on.

    Args:
        folder: The folder.
        descriptor: Its descriptor.
        entries: What is in it.

    Returns:
        The files; None if each must be looked at, or one is not what it was.
    """
    names = list(map(_NAME, entries))
    if not (
        names and all(entry.is_file(follow_symlinks=False) for entry in entries) and all_are_images(names)
    ):
        return None
    try:
        numbers = np.concatenate(
            [_numbers(descriptor, some) for some in in_chunks(names, STATUSES_AT_ONCE)], axis=1
        )
    except (OSError, OverflowError):
        return None
    return FileColumns(PackedTexts.of_names(folder.prefix, names), *numbers)


def _numbers(folder: int, names: Sequence[str]) -> npt.NDArray[np.int64]:
    """Sizes, mtimes and ctimes of some files of an open folder: int64 (3, files).

    Raises:
        OSError: If one is not there any more, or no longer a file.
        OverflowError: If a time is later than numbers of 64 bits are.
    """
    statuses = [os.stat(name, dir_fd=folder, follow_symlinks=False) for name in names]
    if not all(map(stat.S_ISREG, map(_MODE, statuses))):
        raise OSError
    return np.array([list(map(number, statuses)) for number in _NUMBERS], np.int64)


def _status(entry: "os.DirEntry[str]") -> os.stat_result | None:
    """What an entry is now; None if it is not there any more."""
    try:
        return entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None


def _below(folder: _Folder, path: str, place: str, status: os.stat_result) -> _Folder:
    return _Folder(f"{path}/", place, _identity(status), folder.ancestors | {folder.identity})


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino
