"""Reads splits from lists of images: one file for each split, one path a line."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from fitfeed.converters.rejects import Reject, text_path
from fitfeed.converters.source_file import SourceFile
from fitfeed.converters.sources.image_lookup import ListedPictures, PathError, TablePaths
from fitfeed.converters.sources.line_list import read_lines
from fitfeed.converters.sources.unicode_forms import find_in_any_form
from fitfeed.converters.user_path import UserPath, name_of, user_path
from fitfeed.schemas.errors import SplitLeakError, UsageError
from fitfeed.schemas.split_names import SPLIT_NAME, split_name
from fitfeed.schemas.storage.place import Place

SHOWN_LINE = 300

SplitLists = Mapping[str, UserPath]
"""Split to the file that lists its images."""


class ListedSplits(NamedTuple):
    """The splits that lists give to images.

    Attributes:
        split_of: Path of an image to its split.
        rest: The split of all others; None if they are left out.
        rejects: Lines that name no image.
    """

    split_of: dict[str, str]
    rest: str | None
    rejects: list[Reject]


def named_lists(given: Mapping[str, str | Path | Place]) -> dict[str, UserPath]:
    """The lists by the names that splits have in a dataset.

    Raises:
        UsageError: If a name is not allowed, or two mean the same split.
    """
    lists: dict[str, UserPath] = {}
    for written, file in given.items():
        name = split_name(written)
        if not SPLIT_NAME.fullmatch(name):
            msg = f"a split's name must be letters, digits and '_', starting with a letter, 64 at most. Received: --split-list {written}={file}"
            raise UsageError(msg)
        if name in lists:
            msg = f"--split-list gives the split {name!r} two lists, {lists[name]} and {file}. Give one of them, with all its images."
            raise UsageError(msg)
        lists[name] = user_path(file, "--split-list")
    return lists


def read_split_lists(files: Sequence[SourceFile], paths: TablePaths, lists: SplitLists) -> ListedSplits:
    """Reads which split each image is in.

    Without a list for `train`, it is the split of all images that no list names. With one, these are left out.

    Args:
        files: The images of SOURCE.
        paths: The way to read paths.
        lists: The lists. A line is the path of an image below SOURCE; its name, with or without extension, is enough
            where only one fits.

    Raises:
        NotFoundError, UsageError: If a list is not there or is not a list, or none of its lines names an image.
        SplitLeakError: If two lists name the same image.
    """
    pictures = ListedPictures(files, paths)
    split_of: dict[str, str] = {}
    rejects = []
    for split, path in lists.items():
        missing = []
        lines = read_lines(path, "--split-list")
        for line, number in lines.items():
            try:
                file = find_in_any_form(pictures.find, line.strip())
            except PathError as error:
                detail = f"{name_of(path)}, line {number}: {error}"
                missing.append(Reject(line[:SHOWN_LINE], error.reason, detail))
                continue
            before = split_of.setdefault(file.path, split)
            if before != split:
                msg = f"{text_path(file.path)} is in the lists of two splits, {lists[before]} ({before}) and {path} ({split}). Take it out of one of them."
                raise SplitLeakError(msg)
        if lines and len(missing) == len(lines):
            msg = f"no line of {path} names an image of SOURCE. The first: {missing[0].detail}. Lines are paths relative to SOURCE."
            raise UsageError(msg)
        rejects += missing
    return ListedSplits(split_of, None if "train" in lists else "train", rejects)
