"""From paths to splits and classes, by the folders they lie in."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from fitfeed.converters.options import ClassFrom
from fitfeed.converters.rejects import Reject, text_path
from fitfeed.converters.sources import SourceFile
from fitfeed.schemas.errors import UsageError

SPLIT_FOLDERS = {
    "train": "train",
    "validation": "validation",
    "val": "validation",
    "valid": "validation",
    "test": "test",
}
SPLIT_ORDER = ("train", "validation", "test")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Labelled:
    """What is to become examples: columns with one entry for each file.

    Attributes:
        files: The images.
        labels: By feature name. class: its number; multiclass: a list of numbers; float, int and
            text: the value; mask: its `SourceFile`.
        features: By the same names, as the manifest describes them: `kind`, and `class_names`.
        splits: Where a split folder or column names one.
        groups: Of `--group`, or None.
    """

    files: list[SourceFile]
    labels: dict[str, list[Any]]
    features: dict[str, dict[str, Any]]
    splits: list[str | None]
    groups: list[str] | None = None

    @property
    def classes(self) -> str | None:
        """The first label that has classes."""
        return next((name for name, feature in self.features.items() if "class_names" in feature), None)

    def class_names(self) -> list[str]:
        """Of all labels that have classes, one after the other."""
        return [name for feature in self.features.values() for name in feature.get("class_names", ())]

    def value(self, name: str, i: int) -> Any:
        """The label of file `i`, as JSON: for digests and messages.

        Classes by name, several of them sorted, so that it does not depend on how they are numbered:
        where images joined a dataset, classes that came later have the last numbers.
        """
        value = self.labels[name][i]
        names = self.features[name].get("class_names", ())
        if isinstance(value, SourceFile):
            return [value.path, value.bytes]
        if isinstance(value, list):
            return sorted(names[number] for number in value)
        return names[value] if names else value


class Folders(NamedTuple):
    """What an image's folders say."""

    split: str | None
    class_name: str | None


class Layout:
    """How the folders of a source are to be read."""

    def __init__(self, paths: Iterable[str], *, class_from: ClassFrom, use_split_folders: bool) -> None:
        """Finds out whether the top-level folders are splits: they are if all are named so.

        Args:
            paths: Of the images.
            class_from: Which of the folders below SOURCE (or below the split folder) is the class.
            use_split_folders: False if something else decides the split.

        Raises:
            UsageError: If split folders stand beside other folders.
        """
        top_folders = sorted({path.split("/", 1)[0] for path in paths if "/" in path})
        self._has_splits = _are_splits(top_folders, strict=use_split_folders)
        self._class_from, self._use_split_folders = class_from, use_split_folders

    def read(self, path: str) -> Folders:
        """Reads split and class off an image's folders; a split folder is never a class."""
        folders = path.split("/")[:-1]
        split = SPLIT_FOLDERS[folders[0].lower()] if self._has_splits and folders else None
        class_folders = folders[1:] if split else folders
        name = text_path(_class_name(class_folders, self._class_from)) if class_folders else None
        return Folders(split if self._use_split_folders else None, name)

    def why_no_class(self, path: str) -> str:
        """Says where an image without a class folder lies."""
        folder = path.rpartition("/")[0]
        where = f"the split folder {text_path(folder)}" if folder else "SOURCE"
        return f"lies directly in {where}, so it has no class folder"


def label_by_folders(
    files: Sequence[SourceFile], *, class_from: ClassFrom, use_split_folders: bool
) -> tuple[Labelled, list[Reject]]:
    """Reads class and split off each file's folders.

    Args:
        files: The source's files.
        class_from: Which of the folders below SOURCE (or below the split folder) is the class.
        use_split_folders: False if `--split` decides the split.

    Returns:
        The labelled files, and a reject for each file that lies in no class folder.

    Raises:
        UsageError: If split folders stand beside other folders, or no file has a class.
    """
    paths = (file.path for file in files)
    layout = Layout(paths, class_from=class_from, use_split_folders=use_split_folders)
    kept: list[SourceFile] = []
    names: list[str] = []
    splits: list[str | None] = []
    rejects: list[Reject] = []
    for file in files:
        split, name = layout.read(file.path)
        if name is None:
            rejects.append(Reject(text_path(file.path), "label_invalid", layout.why_no_class(file.path)))
            continue
        kept.append(file)
        names.append(name)
        splits.append(split)
    if not kept:
        msg = f"no image lies in a class folder: expected SOURCE/<class>/<image>, found for example {text_path(files[0].path)!r}. Move the images into one folder per class, or give a table with --labels."
        raise UsageError(msg)
    class_names = sorted(set(names))
    numbers = {name: number for number, name in enumerate(class_names)}
    return Labelled(
        files=kept,
        labels={"label": [numbers[name] for name in names]},
        features={"label": {"kind": "class", "class_names": class_names}},
        splits=splits,
    ), rejects


def _are_splits(top_folders: Sequence[str], *, strict: bool) -> bool:
    splits = [name for name in top_folders if name.lower() in SPLIT_FOLDERS]
    others = [name for name in top_folders if name.lower() not in SPLIT_FOLDERS]
    if splits and others and strict:
        msg = (
            f"SOURCE has split folders ({', '.join(splits)}) beside other folders ({', '.join(map(text_path, others[:3]))}), so it is unclear which are classes. "
            "Move the others away, or give --split (for example --split train=1) to take all of them as classes."
        )
        raise UsageError(msg)
    return bool(splits) and not others


def _class_name(folders: Sequence[str], class_from: ClassFrom) -> str:
    if class_from == "first":
        return folders[0]
    return folders[-1] if class_from == "parent" else "/".join(folders)


def in_split_order(names: set[str]) -> list[str]:
    """Orders split names: train, validation, test, then the others by name."""
    return sorted(
        names, key=lambda name: (SPLIT_ORDER.index(name) if name in SPLIT_ORDER else len(SPLIT_ORDER), name)
    )
