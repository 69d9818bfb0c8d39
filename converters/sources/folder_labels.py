"""Reads splits and classes from the folders that images are in."""

from array import array
from collections.abc import Sequence

import numpy as np

from fitfeed.converters.file_columns import FileColumns
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.rejects import Reject, text_path
from fitfeed.converters.sources.examples import ExampleTable
from fitfeed.converters.sources.folder_layout import FolderLayout, Folders, folders_of
from fitfeed.converters.sources.number_classes import number_classes
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.split_names import usual_split

SHOWN_CLASSES = 10

MAX_SMALL = 1 << 15
"""Fewer classes have numbers of 16 bits."""


def label_by_folders(
    files: FileColumns, options: ConvertOptions, *, decides_split: bool = True
) -> tuple[ExampleTable, list[Reject], list[str]]:
    """Reads class and split from each file's folders.

    Args:
        files: The source's files.
        options: How folders are read, and whether `split` decides instead of them.
        decides_split: False if lists decide instead of them.

    Returns:
        The labeled files, a reject for each file that is not in a class folder, and what a person should know.

    Raises:
        UsageError: If folders can be read in two ways, or no file has a class.
    """
    decides_split = decides_split and options.split is None
    folders = folders_of(files.paths)
    layout = FolderLayout(folders.names, options, decides_split=decides_split, decides_class=True)
    read = [layout.read_folder(folder) for folder in folders.names]
    outside = np.flatnonzero(np.array([each.class_name is None for each in read], np.bool_)[folders.numbers])
    paths = (files.paths[place] for place in outside.tolist())
    rejects = [Reject(text_path(path), "label_invalid", layout.why_no_class(path)) for path in paths]
    if len(outside) == len(files):
        path = files.paths[0]
        hint = " If the split folders are the classes, add --split-folders none." if "/" in path else ""
        msg = f"no image is in a class folder: expected SOURCE/<class>/<image>, found for example {text_path(path)!r}. Move the images into one folder per class, give a table with --labels, or --labels none if they have none.{hint}"
        raise UsageError(msg)
    label, _ = number_classes("class", [each.class_name for each in read if each.class_name is not None])
    number_of: dict[str | None, int] = {name: number for number, name in enumerate(label.class_names)}
    code = "h" if len(number_of) < MAX_SMALL else "i"  # of ten million images, 20 MB less
    of_folder = np.array([number_of.get(each.class_name, -1) for each in read], code)
    example_table = ExampleTable(
        files=files,
        labels={"label": array(code, of_folder[folders.numbers].tobytes())},
        features={"label": label},
        splits=folders.renamed([each.split for each in read]),
    )
    flat = _flat_splits(folders.names, read, np.bincount(folders.numbers, minlength=len(read)).tolist())
    warnings = [*layout.warnings, *_split_like(label.class_names), *flat]
    return example_table.without(outside), rejects, warnings


def _flat_splits(names: Sequence[str], read: Sequence[Folders], counts: Sequence[int]) -> list[str]:
    """Warns of split folders without a class folder, which only a table can give classes."""
    with_classes = {each.split for each in read if each.class_name is not None}
    return [
        f"{text_path(name)}/ has {count} images and no class folder, so all are rejected. A table has their classes, perhaps: "
        f"give --labels TABLE, with a row for every image of SOURCE; or leave them out: --exclude {text_path(name)}"
        for name, each, count in zip(names, read, counts, strict=True)
        if each.class_name is None and each.split is not None and each.split not in with_classes
    ]


def without_labels(
    files: FileColumns, options: ConvertOptions, *, decides_split: bool = True
) -> tuple[ExampleTable, list[str]]:
    """Takes images without labels. Folders may still be splits.

    Args:
        files: The images.
        options: How folders are read, and whether `split` decides instead of them.
        decides_split: False if lists decide instead of them.

    Returns:
        The images, and what a person should know.

    Raises:
        UsageError: If folders can be read in two ways.
    """
    decides_split = decides_split and options.split is None
    folders = folders_of(files.paths)
    layout = FolderLayout(folders.names, options, decides_split=decides_split, decides_class=False)
    splits = folders.renamed([layout.read_folder(folder).split for folder in folders.names])
    return ExampleTable(files=files, labels={}, features={}, splits=splits), layout.warnings


def _split_like(class_names: Sequence[str]) -> list[str]:
    """Warns of classes that are called like splits."""
    odd = [name for name in class_names if any(map(usual_split, name.split("/")))]
    if not odd:
        return []
    return [f"classes that are called like splits: {', '.join(odd[:SHOWN_CLASSES])}"]
