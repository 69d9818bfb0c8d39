"""Finds the images that a table names: in SOURCE, or where its links lead."""

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import PurePosixPath

from fitfeed.converters.rejects import Reason, text_path
from fitfeed.converters.source_file import SourceFile
from fitfeed.converters.sources.source_folder import SourceFolder
from fitfeed.schemas.local_path import ADDRESS
from fitfeed.schemas.storage.place import Place
from fitfeed.schemas.text import short_repr

AMBIGUOUS = SourceFile("", -1, -1)
SHOWN_MATCHES = 3
MAX_SHOWN = 300
MAX_LEFT_OUT = 8
"""Most folders that are left out to see what a path may mean."""

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
    if path.is_absolute() or WINDOWS_DRIVE.match(text) or ADDRESS.match(text):
        raise PathError(
            "label_invalid", f"{quoted(text)} is absolute and not below SOURCE; paths are relative to it"
        )
    if ".." in path.parts:
        raise PathError("label_invalid", f"{quoted(text)} contains '..', and no path may leave SOURCE")
    if not path.parts:
        raise PathError("label_invalid", f"{quoted(text)} does not name a file")
    return path.as_posix()


class TablePaths:
    """Reads the paths of a table, as people write them, as paths in SOURCE."""

    def __init__(self, links: SourceFolder, table: Place | None = None) -> None:
        """Takes SOURCE, which knows where it is, and the table: paths may be relative to its folder, too."""
        self.links = links
        folder = "" if table is None else as_written(table.split()[0])
        inside = (folder[len(root) + 1 :] for root in links.roots if folder.startswith(f"{root}/"))
        self._folder = next(inside, "")

    def forms(self, text: str) -> list[str]:
        """All paths that a path of a table may mean: first as it is written, then as others write it.

        Others write a backslash for `/`, begin with the folder that SOURCE is in, or with SOURCE's own name, or leave out the
        folder of SOURCE in which the table is.

        Raises:
            PathError: If it is absolute and not below SOURCE, contains `..` or does not name a file.
        """
        forms = []
        if "\\" in text:  # it may also be a part of a name
            with suppress(PathError):
                forms.append(self._below_source(text))
        forms.append(self._below_source(text.replace("\\", "/")))
        if self._folder:
            forms += [f"{self._folder}/{form}" for form in forms]
        forms += [form.removeprefix(f"{self.links.name}/") for form in forms]
        return list(dict.fromkeys(forms))

    def find(self, text: str, *, missing: Reason) -> SourceFile:
        """Looks up a file by any of the forms of its path.

        Args:
            text: The path in a table.
            missing: Reason to give if it does not exist.

        Raises:
            PathError: If none of them is a regular file.
        """
        first, *others = self.forms(text)
        try:
            return stat_picture(self.links, first, missing=missing)
        except PathError as error:
            for form in others:
                with suppress(PathError):
                    return stat_picture(self.links, form, missing=missing)
            raise error from None

    def _below_source(self, text: str) -> str:
        """A safe path; one that is absolute and below SOURCE becomes relative to it."""
        if _is_whole(text):
            for root in self.links.roots:
                if text.startswith(f"{root}/"):
                    return safe_path(text[len(root) + 1 :])
        return safe_path(text)


def stat_picture(folder: SourceFolder, path: str, *, missing: Reason) -> SourceFile:
    """Looks a file up by its path.

    Args:
        folder: The folder of SOURCE.
        path: A safe path.
        missing: Reason to give if it does not exist.

    Raises:
        PathError: If it does not exist, or is not a regular file.
    """
    try:
        return folder.file(path)
    except IsADirectoryError as error:
        raise PathError(missing, f"{quoted(path)} is not a file") from error
    except (OSError, ValueError) as error:  # ValueError: the system cannot have such a name
        raise PathError(missing, f"{quoted(path)} is not in SOURCE") from error


class NamedPictures:
    """The images of a SOURCE that is a table: each is looked up where its row says."""

    def __init__(self, paths: TablePaths) -> None:
        """Takes the way to read paths, relative to the folder that the table is in."""
        self._paths = paths

    def find(self, text: str) -> SourceFile:
        """Finds an image.

        Raises:
            PathError: If there is none at this path.
        """
        return self._paths.find(text, missing="vanished")


class ListedPictures:
    """The images of a SOURCE folder. One is found by its path, or without folder or extension if only one fits."""

    def __init__(self, files: Iterable[SourceFile], paths: TablePaths) -> None:
        """Takes the listing of SOURCE, and the way to read paths."""
        self._files = {text_path(file.path): file for file in files}
        self._paths = paths
        self._shortened: dict[str, SourceFile] | None = None
        self._folded: dict[str, str] | None = None

    def find(self, text: str) -> SourceFile:
        """Finds an image.

        Raises:
            PathError: If none fits, or several do.
        """
        if text in self._files:
            return self._files[text]  # ten million times, so before all else
        forms = self._paths.forms(text)
        for form in forms:
            if form in self._files:
                return self._files[form]
        short = self._by_short_name()
        form = next((form for form in forms if form in short and not self._is_in_root(text, form, forms)), "")
        if not form:
            raise PathError(
                "vanished", f"{quoted(text)} is not among the images of SOURCE{self._hint(forms)}"
            )
        if short[form] is AMBIGUOUS:
            fitting = [path for path in self._files if form in _short_names(path)][:SHOWN_MATCHES]
            raise PathError("label_invalid", f"{quoted(text)} fits several images: {', '.join(fitting)}")
        return short[form]

    def _is_in_root(self, text: str, form: str, forms: list[str]) -> bool:
        """Whether what is left of a path says that the image is directly in SOURCE, so that it is no short name."""
        return "/" not in form and (_is_whole(text) or f"{self._paths.links.name}/{form}" in forms)

    def _hint(self, forms: list[str]) -> str:
        """What may be meant by a path that no image has: another case, or what is left without its first folders."""
        if self._folded is None:
            self._folded = {path.casefold(): path for path in self._files}
        for form in forms:
            if path := self._folded.get(form.casefold()):
                return f", which has {quoted(path)}: only the case differs"
        parts = forms[-1].split("/")
        for begin in range(1, min(len(parts) - 1, MAX_LEFT_OUT)):
            path = "/".join(parts[begin:])
            if path in self._files:
                return f", which has {quoted(path)}: paths must be relative to SOURCE"
        return ""

    def _by_short_name(self) -> dict[str, SourceFile]:
        """Images by short names. It is made when it is first needed: tables with whole paths do not need it."""
        if self._shortened is None:
            self._shortened = {}
            for path, file in self._files.items():
                for name in _short_names(path):
                    self._shortened[name] = AMBIGUOUS if name in self._shortened else file
        return self._shortened


def as_written(folder: Place) -> str:
    """A whole path, without following links, or an address."""
    return folder.choose(local=lambda path: os.path.abspath(path), far=str)  # noqa: PTH100 - links stay


def _is_whole(text: str) -> bool:
    """Whether a path of a table begins at the root of this machine, or is an address."""
    return text.startswith("/") or bool(ADDRESS.match(text))


def _short_names(path: str) -> set[str]:
    """A path without its folders, without its extension, and without both."""
    whole = PurePosixPath(path)
    return {whole.name, whole.stem, whole.with_suffix("").as_posix()} - {path}
