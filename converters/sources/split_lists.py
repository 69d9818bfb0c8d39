"""Reads splits from lists of images: one file for each split, one path a line."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.rejects import Reject, text_path
from fitfeed.converters.source_file import SourceFile
from fitfeed.converters.sources.examples import ExampleTable
from fitfeed.converters.sources.image_lookup import ListedPictures, PathError, TablePaths
from fitfeed.converters.sources.line_list import read_lines
from fitfeed.converters.sources.unicode_forms import find_in_any_form
from fitfeed.schemas.categories import Categories
from fitfeed.schemas.errors import SplitLeakError, UsageError
from fitfeed.schemas.split_names import SPLIT_NAME, split_name
from fitfeed.schemas.storage.open_place import GivenPath, open_place
from fitfeed.schemas.storage.place import Place

SHOWN_LINE = 300

SplitLists = Mapping[str, GivenPath]
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


def named_lists(given: Mapping[str, GivenPath]) -> dict[str, Place]:
    """The lists by the names that splits have in a dataset.

    Raises:
        UsageError: If a name is not allowed, or two mean the same split.
    """
    lists: dict[str, Place] = {}
    for written, file in given.items():
        name = split_name(written)
        if not SPLIT_NAME.fullmatch(name):
            msg = f"a split's name must be letters, digits and '_', starting with a letter, 64 at most. Received: --split-list {written}={file}"
            raise UsageError(msg)
        if name in lists:
            msg = f"--split-list gives the split {name!r} two lists, {lists[name]} and {file}. Give one of them, with all its images."
            raise UsageError(msg)
        lists[name] = open_place(file, "--split-list")
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
    for split, given in lists.items():
        path = open_place(given, "--split-list")
        missing = []
        lines = read_lines(path, "--split-list")
        for line, number in lines.items():
            try:
                file = find_in_any_form(pictures.find, line.strip())
            except PathError as error:
                detail = f"{path.name}, line {number}: {error}"
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


class DividedByLists(NamedTuple):
    """Examples whose splits are those of lists.

    Attributes:
        example_table: The examples that are in a split.
        rejects: Lines that name no image.
        left_out: Images that no list names, if all splits have a list.
        warnings: What a person should know: a line each.
    """

    example_table: ExampleTable
    rejects: list[Reject]
    left_out: list[Reject]
    warnings: list[str]


def divide_by_lists(
    table: ExampleTable, files: Sequence[SourceFile], paths: TablePaths, lists: SplitLists
) -> DividedByLists:
    """Gives each example the split of the list that names it.

    Args:
        table: The examples.
        files: All images of SOURCE: a list may name one that is no example.
        paths: The way to read paths.
        lists: The lists.

    Raises:
        NotFoundError, UsageError: If a list is not there or is not a list, or they name no example.
        SplitLeakError: If two lists name the same image.
    """
    listed = read_split_lists(files, paths, lists)
    splits = Categories.of(listed.split_of.get(path, listed.rest) for path in table.files.paths)
    unlisted = {place for place, split in enumerate(splits) if split is None}
    if len(unlisted) == len(splits):
        msg = "the lists of --split-list name no image that has a label. Lines are paths relative to SOURCE."
        raise UsageError(msg)
    left_out = [
        Reject(
            text_path(table.files.paths[place]), "left_out", "ignored: no --split-list names it", "ignored"
        )
        for place in sorted(unlisted)
    ]
    warnings = []
    if left_out:
        warnings = [
            f"{len(left_out)} images are in none of the lists of --split-list, so they are left out, for example {left_out[0].path}"
        ]
    divided = dataclasses.replace(table, splits=splits).without(unlisted)
    return DividedByLists(divided, listed.rejects, left_out, warnings)


def require_lists_alone(options: ConvertOptions) -> None:
    """Checks that nothing but lists is to divide the images.

    Raises:
        UsageError: If something else is.
    """
    for flag, value in (("--split", options.split), ("--split-column", options.split_column)):
        if value is not None:
            msg = f"--split-list and {flag} contradict each other. Give one of them."
            raise UsageError(msg)
