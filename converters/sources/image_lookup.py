"""Finds the images that a table names: in SOURCE, or where its links lead."""

import re
import stat
from collections.abc import Iterable
from pathlib import PurePosixPath

from fitfeed.converters.rejects import Reason, text_path
from fitfeed.converters.source_file import SourceFile
from fitfeed.converters.sources.links import SourceLinks
from fitfeed.schemas.text import short_repr

AMBIGUOUS = SourceFile("", -1, -1)
SHOWN_MATCHES = 3
MAX_SHOWN = 300
ODD_PARTS = frozenset(["", ".", ".."])
WINDOWS_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


class PathError(Exception):
    """A path in a table that does not lead to an image.

    Attributes:
        reason: Code for `rejects.jsonl`.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        """Takes the reason as a code and as the end of a sentence."""
        super().__init__(detail)
        self.reason = reason


def quoted(text: str) -> str:
    """A path from a table for a message: in quotes, on one line, not too long."""
    return short_repr(text, limit=MAX_SHOWN)


def safe_path(text: str) -> str:
    """Checks and normalizes a path from a table: relative, with `/`, never above its folder.

    Raises:
        PathError: If it is absolute, contains `..` or does not name a file.
    """
    if ODD_PARTS.isdisjoint(text.split("/")) and not WINDOWS_DRIVE.match(text) and "\0" not in text:
        return text  # ten million times, so without objects
    if "\0" in text:
        raise PathError("label_invalid", f"{quoted(text)} is not a path")
    path = PurePosixPath(text)
    if path.is_absolute() or WINDOWS_DRIVE.match(text):
        raise PathError("label_invalid", f"{quoted(text)} is absolute; paths are relative to SOURCE")
    if ".." in path.parts:
        raise PathError("label_invalid", f"{quoted(text)} contains '..', and no path may leave SOURCE")
    if not path.parts:
        raise PathError("label_invalid", f"{quoted(text)} does not name a file")
    return path.as_posix()


def stat_picture(links: SourceLinks, path: str, *, missing: Reason) -> SourceFile:
    """Looks a file up by its path.

    Args:
        links: The links of SOURCE.
        path: A safe path.
        missing: Reason to give if it does not exist.

    Raises:
        PathError: If it does not exist, or is not a regular file.
    """
    try:
        status = links.find(path).status
    except (OSError, ValueError) as error:  # ValueError: the system cannot have such a name
        hint = "; write folders with /, not with a backslash" if "\\" in path else ""
        raise PathError(missing, f"{quoted(path)} is not in SOURCE{hint}") from error
    if not stat.S_ISREG(status.st_mode):
        raise PathError(missing, f"{quoted(path)} is not a file")
    return SourceFile(path, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


class NamedPictures:
    """The images of a SOURCE that is a table: each is looked up where its row says."""

    def __init__(self, links: SourceLinks) -> None:
        """Takes the links of the folder that the table is in."""
        self._links = links

    def find(self, text: str) -> SourceFile:
        """Finds an image.

        Raises:
            PathError: If there is none at this path.
        """
        return stat_picture(self._links, safe_path(text), missing="vanished")


class ListedPictures:
    """The images of a SOURCE folder. One is found by its path, or without folder or extension if only one fits."""

    def __init__(self, files: Iterable[SourceFile]) -> None:
        """Takes the listing of SOURCE."""
        self._files = {text_path(file.path): file for file in files}
        self._shortened: dict[str, SourceFile] | None = None

    def find(self, text: str) -> SourceFile:
        """Finds an image.

        Raises:
            PathError: If none fits, or several do.
        """
        path = safe_path(text)
        file = self._files.get(path) or self._by_short_name().get(path)
        if file is None:
            hint = "; write folders with /, not with a backslash" if "\\" in path else ""
            raise PathError("vanished", f"{quoted(text)} is not among the images of SOURCE{hint}")
        if file is AMBIGUOUS:
            fitting = [path_ for path_ in self._files if path in _short_names(path_)][:SHOWN_MATCHES]
            raise PathError("label_invalid", f"{quoted(text)} fits several images: {', '.join(fitting)}")
        return file

    def _by_short_name(self) -> dict[str, SourceFile]:
        """Images by short names. It is made when it is first needed: tables with whole paths do not need it."""
        if self._shortened is None:
            self._shortened = {}
            for path, file in self._files.items():
                for name in _short_names(path):
                    self._shortened[name] = AMBIGUOUS if name in self._shortened else file
        return self._shortened


def _short_names(path: str) -> set[str]:
    """A path without its folders, without its extension, and without both."""
    whole = PurePosixPath(path)
    return {whole.name, whole.stem, whole.with_suffix("").as_posix()} - {path}
