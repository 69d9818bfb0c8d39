"""Reads splits and classes from the folders that images are in."""

from collections.abc import Sequence

from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.rejects import Reject, text_path
from fitfeed.converters.source_file import SourceFile
from fitfeed.converters.sources.examples import ExampleTable
from fitfeed.converters.sources.folder_layout import FolderLayout
from fitfeed.converters.sources.number_classes import number_classes
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.split_names import usual_split

SHOWN_CLASSES = 10


def label_by_folders(
    files: Sequence[SourceFile], options: ConvertOptions, *, decides_split: bool = True
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
    paths = (file.path for file in files)
    decides_split = decides_split and options.split is None
    layout = FolderLayout(paths, options, decides_split=decides_split, decides_class=True)
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
        hint = (
            " If the split folders are the classes, add --split-folders none." if "/" in files[0].path else ""
        )
        msg = f"no image is in a class folder: expected SOURCE/<class>/<image>, found for example {text_path(files[0].path)!r}. Move the images into one folder per class, give a table with --labels, or --labels none if they have none.{hint}"
        raise UsageError(msg)
    label, numbers = number_classes("class", names)
    return (
        ExampleTable(files=kept, labels={"label": numbers}, features={"label": label}, splits=splits),
        rejects,
        [*layout.warnings, *_split_like(label.class_names)],
    )


def without_labels(
    files: Sequence[SourceFile], options: ConvertOptions, *, decides_split: bool = True
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
    paths = (file.path for file in files)
    layout = FolderLayout(paths, options, decides_split=decides_split, decides_class=False)
    splits = [layout.read(file.path).split for file in files]
    return ExampleTable(files=list(files), labels={}, features={}, splits=splits), layout.warnings


def _split_like(class_names: Sequence[str]) -> list[str]:
    """Warns of classes that are called like splits."""
    odd = [name for name in class_names if any(map(usual_split, name.split("/")))]
    if not odd:
        return []
    return [f"classes that are called like splits: {', '.join(odd[:SHOWN_CLASSES])}"]
