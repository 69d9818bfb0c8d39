"""From paths to splits and classes, by the folders they lie in."""

import dataclasses
from collections.abc import Sequence

from converters.options import ClassFrom
from converters.rejects import Reject, text_path
from converters.sources import SourceFile
from schemas.errors import UsageError

SPLIT_FOLDERS = {
    "train": "train",
    "validation": "validation",
    "val": "validation",
    "valid": "validation",
    "test": "test",
}
SPLIT_ORDER = ("train", "validation", "test")


@dataclasses.dataclass(frozen=True)
class Labelled:
    """A file with its class, and its split where a split folder names one."""

    file: SourceFile
    class_name: str
    split: str | None


def label_by_folders(
    files: Sequence[SourceFile], *, class_from: ClassFrom, use_split_folders: bool
) -> tuple[list[Labelled], list[Reject]]:
    """Reads class and split off each file's folders.

    Top-level folders named like splits are splits if all of them are; they are never classes then.

    Args:
        files: The source's files.
        class_from: Which of the folders below SOURCE (or below the split folder) is the class.
        use_split_folders: False if `--split` decides the split.

    Returns:
        The labelled files, and a reject for each file that lies in no class folder.

    Raises:
        UsageError: If split folders stand beside other folders, or no file has a class.
    """
    top_folders = sorted({file.path.split("/", 1)[0] for file in files if "/" in file.path})
    has_splits = _are_splits(top_folders, strict=use_split_folders)
    labelled: list[Labelled] = []
    rejects: list[Reject] = []
    for file in files:
        folders = file.path.split("/")[:-1]  # PurePosixPath would take longer than all else here
        split = SPLIT_FOLDERS[folders[0].lower()] if has_splits and folders else None
        class_folders = folders[1:] if split else folders
        if not class_folders:
            detail = f"lies directly in {f'the split folder {folders[0]}' if split else 'SOURCE'}, so it has no class folder"
            rejects.append(Reject(text_path(file.path), "label_invalid", detail))
            continue
        name = text_path(_class_name(class_folders, class_from))
        labelled.append(Labelled(file, name, split if use_split_folders else None))
    if not labelled:
        msg = f"no image lies in a class folder: expected SOURCE/<class>/<image>, found for example {text_path(files[0].path)!r}. Move the images into one folder per class."
        raise UsageError(msg)
    return labelled, rejects


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
