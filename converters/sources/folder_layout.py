"""Finds out which folders of a source are splits and which are classes, and refuses what can be read in two ways."""

import shlex
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow.compute as pc

from fitfeed.converters.option_parts.labeling import ClassFrom
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.rejects import text_path
from fitfeed.schemas.categories import Categories
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.packed_texts import PackedTexts
from fitfeed.schemas.split_names import usual_split
from fitfeed.schemas.text import composed

SHOWN_FOLDERS = 5

FolderPath = tuple[str, ...]
"""The folders that an image is in, from SOURCE down."""


class Folders(NamedTuple):
    """What an image's folders say."""

    split: str | None
    class_name: str | None


class FolderLayout:
    """How to read the folders of a source.

    Attributes:
        warnings: What was taken for granted: a line each.
    """

    def __init__(
        self, found: Iterable[str], options: ConvertOptions, *, decides_split: bool, decides_class: bool
    ) -> None:
        """Finds out which folders are splits.

        Args:
            found: The folders that images are in (`folder_of`).
            options: `split_folders`, `class_from`.
            decides_split: False if something else decides the split.
            decides_class: False if something else decides the class.

        Raises:
            UsageError: If folders can be read in two ways.
        """
        self.warnings: list[str] = []
        self._class_from, self._decides_split = options.class_from, decides_split
        self._known: dict[str, Folders] = {}
        given = options.split_folders
        self._given = given and {composed(folder): split for folder, split in given.items()}
        self._has_class_above = False
        self._depth: int | None = None
        folders = [tuple(folder.split("/")) for folder in sorted(set(found)) if folder]
        if self._given:
            self._find_given(folders, self._given, decides_class=decides_class)
        elif self._given is None:
            self._find_usual(folders)
            if decides_class and self._class_from == "first":
                _require_classes([self._class_folders(each) for each in folders])

    def read(self, path: str) -> Folders:
        """Reads split and class from an image's folders. A split folder is never a class."""
        return self.read_folder(folder_of(path))

    def read_folder(self, folder: str) -> Folders:
        """The same by the folders alone."""
        if folder not in self._known:
            folders = tuple(folder.split("/")) if folder else ()
            place = self._place(folders)
            split = None if place is None else self._split_of(folders[place])
            class_folders = self._class_folders(folders)
            name = text_path(_class_name(class_folders, self._class_from)) if class_folders else None
            self._known[folder] = Folders(split if self._decides_split else None, name)
        return self._known[folder]

    def why_no_class(self, path: str) -> str:
        """Says why an image has no class: where it is."""
        folder = folder_of(path)
        where = f"the split folder {text_path(folder)}" if folder else "SOURCE"
        return f"is directly in {where}, so it has no class folder"

    def _find_given(
        self, folders: Sequence[FolderPath], given: Mapping[str, str], *, decides_class: bool
    ) -> None:
        """Finds the folders of `--split-folders`: all at one depth, with the classes below or above them."""
        places = {each: self._place(each) for each in folders}
        if self._decides_split:
            _require_all(places, given)
        found = {each: place for each, place in places.items() if place is not None}
        above = {each[:place] for each, place in found.items()}
        below = any(len(each) > place + 1 for each, place in found.items())
        self._has_class_above = len(above) > 1  # else it is one folder in the way
        if decides_class and self._has_class_above and below and self._class_from == "first":
            shown = _shown("/".join(each) for each in found)
            msg = f"there are folders above those of --split-folders, and below them ({shown}), so it is unclear which are classes. Give --class-from parent, or --class-from path."
            raise UsageError(msg)

    def _find_usual(self, folders: Sequence[FolderPath]) -> None:
        """Finds folders with the usual names of splits: at the top, or below one folder that is in the way."""
        self._depth = depth = _usual_depth(folders, strict=self._decides_split)
        if not self._decides_split:
            return
        odd = [
            each[: i + 1]
            for each in folders
            for i, name in enumerate(each)
            if i != depth and usual_split(name)
        ]
        if odd:
            _refuse_odd(odd)
        if depth is None:
            return
        _require_one_each({each[depth] for each in folders if len(each) > depth})
        if depth:
            way = text_path("/".join(folders[0][:depth]))
            self.warnings.append(
                f"all images are in {way}/, so splits and classes are read from the folders below it"
            )

    def _place(self, folders: FolderPath) -> int | None:
        """Which of an image's folders is its split."""
        if self._given is not None:
            return next((i for i, name in enumerate(folders) if composed(name) in self._given), None)
        return self._depth if self._depth is not None and len(folders) > self._depth else None

    def _split_of(self, folder: str) -> str | None:
        return usual_split(folder) if self._given is None else self._given[composed(folder)]

    def _class_folders(self, folders: FolderPath) -> FolderPath:
        """The folders that may be the class, from SOURCE down."""
        place = self._place(folders)
        if place is None:
            return folders if self._depth is None else ()
        above = folders[:place] if self._has_class_above else ()
        return above + folders[place + 1 :]


def folders_of(paths: PackedTexts) -> Categories[str]:
    """`folder_of` many images."""
    number_of: dict[str, int] = {}
    numbers = np.empty(len(paths), np.int32)
    begin = 0
    for some in paths.blocks():
        parts = pc.split_pattern(some.binary, b"/", max_splits=1, reverse=True)
        folders = pc.if_else(pc.greater(pc.list_value_length(parts), 1), pc.list_element(parts, 0), b"")
        encoded = folders.dictionary_encode()
        names = PackedTexts.of_arrow(encoded.dictionary)
        new = np.array([number_of.setdefault(name, len(number_of)) for name in names], np.int32)
        numbers[begin : begin + len(some)] = new[encoded.indices.to_numpy()]
        begin += len(some)
    return Categories(list(number_of), numbers)


def folder_of(path: str) -> str:
    """The folders on the path of an image; empty if it is directly in SOURCE."""
    return path.rpartition("/")[0]


def _class_name(folders: Sequence[str], class_from: ClassFrom) -> str:
    if class_from == "first":
        return folders[0]
    return folders[-1] if class_from == "parent" else "/".join(folders)


def _usual_depth(folders: Sequence[FolderPath], *, strict: bool) -> int | None:
    """At which depth all folders have usual names of splits; None if there is none. Above it is only one folder."""
    depth = 0
    while names := {each[depth] for each in folders if len(each) > depth}:
        usual = {name for name in names if usual_split(name)}
        if usual == names:
            return depth
        if usual and strict:
            _refuse_mixed(usual, names - usual, "/".join(folders[0][:depth]))
        if len(names) > 1 or any(len(each) == depth for each in folders):
            return None
        depth += 1
    return None


def _refuse_mixed(usual: set[str], others: set[str], above: str) -> None:
    where = f"SOURCE/{text_path(above)}" if above else "SOURCE"
    pattern = shlex.quote(text_path("/".join([*([above] if above else []), min(others)])))
    every = [*_mapping(usual), *(f"{name}=train" for name in sorted(others))]
    msg = (
        f"{where} has split folders ({_shown(usual)}) beside other folders ({_shown(others)}), so it is unclear which are classes. "
        f"Leave the others out (--exclude {pattern}), say which split each is (--split-folders {_quoted(every)}), "
        "or take all of them as classes (--split-folders none)."
    )
    raise UsageError(msg)


def _refuse_odd(odd: Sequence[FolderPath]) -> None:
    """Refuses folders that are called like splits, but are not where split folders are."""
    mapping = _quoted(_mapping({each[-1] for each in odd}))
    msg = (
        f"folders that are called like splits are below other folders ({_shown('/'.join(each) for each in odd)}). "
        f"If they are splits, name them: --split-folders {mapping}. If no folder is a split, add --split-folders none; "
        "or add --split train=0.8,validation=0.2, to divide all images anew."
    )
    raise UsageError(msg)


def _require_one_each(names: Iterable[str]) -> None:
    """Checks that no two folders mean the same split."""
    of_split: defaultdict[str | None, list[str]] = defaultdict(list)
    for name in sorted(names):
        of_split[usual_split(name)].append(name)
    for split, several in of_split.items():
        if len(several) > 1:
            every = _quoted([each for found in of_split.values() for each in _mapping(found)])
            msg = f"the folders {_shown(several)} are all called like the split {split!r}. Say which split each is, with the same name where they belong together: --split-folders {every}."
            raise UsageError(msg)


def _require_all(places: dict[FolderPath, int | None], given: Mapping[str, str]) -> None:
    """Checks that every image is in a folder of `--split-folders`, at one depth, and that each of them has images."""
    missing = [each for each, place in places.items() if place is None]
    if missing:
        first = text_path("/".join(missing[0]))
        msg = f"the images in {first} are in none of the folders of --split-folders ({', '.join(given)}). Name its folder there, too, or leave it out: --exclude {shlex.quote(first)}."
        raise UsageError(msg)
    found = {composed(each[place]): place for each, place in places.items() if place is not None}
    if unused := [name for name in given if name not in found]:
        msg = f"no image is in a folder {unused[0]!r} of --split-folders. Folders with images are for example {_shown('/'.join(each) for each in places)}."
        raise UsageError(msg)
    if len({place for place in places.values() if place is not None}) > 1:
        msg = f"the folders of --split-folders are not all equally deep: {_shown('/'.join(each) for each in places)}. Leave one kind out with --exclude."
        raise UsageError(msg)


def _require_classes(class_folders: Iterable[FolderPath]) -> None:
    """Checks that the first folder tells images apart, and not only the folders below it.

    Raises:
        UsageError: If all images are below one folder, or if all first folders hold the same folders, as those of folds do.
    """
    below: defaultdict[str, set[str]] = defaultdict(set)
    for each in class_folders:
        if len(each) == 1:
            return  # an image is directly in a first folder, so these are classes
        if each and not usual_split(each[1]):
            below[each[0]].add(each[1])
    if not below:
        return
    common, union = set.intersection(*below.values()), set.union(*below.values())
    if len(below) == 1 and len(union) > 1:
        way = next(iter(below))
        msg = (
            f"all images are below one folder, {text_path(way)}, which holds {len(union)} folders ({_shown(union)}). If these are the classes, add --class-from parent. "
            f"If {text_path(way)} is the class of all images, add --split-folders none."
        )
        raise UsageError(msg)
    if len(below) > 1 and len(common) > 1 and 2 * len(common) >= len(union):
        splits = ",".join(text_path(name) for name in sorted(below)[:SHOWN_FOLDERS])
        msg = (
            f"the folders {_shown(below)} all hold folders of the same names ({_shown(common)}), so it is unclear which are classes. "
            f"If the inner ones are, add --class-from parent, or --split-folders {shlex.quote(splits)} if the outer ones are splits. "
            "If the outer ones are the classes, add --split-folders none."
        )
        raise UsageError(msg)


def _mapping(names: Iterable[str]) -> list[str]:
    return [f"{text_path(name)}={usual_split(name)}" for name in sorted(names)]


def _quoted(parts: Sequence[str]) -> str:
    more = ["..."] if len(parts) > SHOWN_FOLDERS else []
    return shlex.quote(",".join([*parts[:SHOWN_FOLDERS], *more]))


def _shown(names: Iterable[str]) -> str:
    """The first of the different names, and whether there are more."""
    listed = sorted(set(map(text_path, names)))
    more = ", ..." if len(listed) > SHOWN_FOLDERS else ""
    return ", ".join(listed[:SHOWN_FOLDERS]) + more
