"""Reads splits and classes from the folders that images are in."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from fitfeed.converters.option_parts.labeling import ClassFrom
from fitfeed.converters.rejects import Reject, text_path
from fitfeed.converters.source_file import SourceFile
from fitfeed.converters.sources.examples import ExampleTable
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.features import PlannedLabel

SPLIT_FOLDERS = {
    "train": "train",
    "validation": "validation",
    "val": "validation",
    "valid": "validation",
    "test": "test",
}


class Folders(NamedTuple):
    """What an image's folders say."""

    split: str | None
    class_name: str | None


class FolderLayout:
    """How to read the folders of a source."""

    def __init__(self, paths: Iterable[str], *, class_from: ClassFrom, use_split_folders: bool) -> None:
        """Finds out whether the top-level folders are splits: they are if all of them have names of splits.

        Args:
            paths: Paths of the images.
            class_from: Which of the folders below SOURCE (or below the split folder) is the class.
            use_split_folders: False if something else decides the split.

        Raises:
            UsageError: If split folders are beside other folders.
        """
        top_folders = sorted({path.split("/", 1)[0] for path in paths if "/" in path})
        self._has_splits = _are_splits(top_folders, strict=use_split_folders)
        self._class_from, self._use_split_folders = class_from, use_split_folders

    def read(self, path: str) -> Folders:
        """Reads split and class from an image's folders. A split folder is never a class."""
        folders = path.split("/")[:-1]
        split = SPLIT_FOLDERS[folders[0].lower()] if self._has_splits and folders else None
        class_folders = folders[1:] if split else folders
        name = text_path(_class_name(class_folders, self._class_from)) if class_folders else None
        return Folders(split if self._use_split_folders else None, name)

    def why_no_class(self, path: str) -> str:
        """Says why an image has no class: where it is."""
        folder = path.rpartition("/")[0]
        where = f"the split folder {text_path(folder)}" if folder else "SOURCE"
        return f"is directly in {where}, so it has no class folder"


def label_by_folders(
    files: Sequence[SourceFile], *, class_from: ClassFrom, use_split_folders: bool
) -> tuple[ExampleTable, list[Reject]]:
    """Reads class and split from each file's folders.

    Args:
        files: The source's files.
        class_from: Which of the folders below SOURCE (or below the split folder) is the class.
        use_split_folders: False if `--split` decides the split.

    Returns:
        The labeled files, and a reject for each file that is not in a class folder.

    Raises:
        UsageError: If split folders are beside other folders, or no file has a class.
    """
    paths = (file.path for file in files)
    layout = FolderLayout(paths, class_from=class_from, use_split_folders=use_split_folders)
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
        msg = f"no image is in a class folder: expected SOURCE/<class>/<image>, found for example {text_path(files[0].path)!r}. Move the images into one folder per class, or give a table with --labels."
        raise UsageError(msg)
    class_names = sorted(set(names))
    numbers = {name: number for number, name in enumerate(class_names)}
    return ExampleTable(
        files=kept,
        labels={"label": [numbers[name] for name in names]},
        features={"label": PlannedLabel(kind="class", class_names=class_names, class_order="text")},
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
