"""Labels images by a table, and compares what it says with the folders that they are in."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from fitfeed.converters.file_columns import FileColumns
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.rejects import Reject, text_path
from fitfeed.converters.source_file import SourceFile
from fitfeed.converters.sources.class_spelling import spellings
from fitfeed.converters.sources.examples import ExampleTable
from fitfeed.converters.sources.folder_layout import FolderLayout, folder_of
from fitfeed.converters.sources.image_lookup import TablePaths, quoted
from fitfeed.converters.sources.number_classes import number_classes
from fitfeed.converters.sources.several_in_a_field import check_fields
from fitfeed.converters.sources.split_values import named_splits
from fitfeed.converters.sources.table import Table
from fitfeed.converters.sources.table_columns import TableColumns, box_hints, choose_columns
from fitfeed.converters.sources.table_rows import Joined, join
from fitfeed.schemas.categories import Categories
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.features import LabelKind, PlannedLabel
from fitfeed.schemas.text import composed


@dataclasses.dataclass(frozen=True, kw_only=True)
class TableLabels:
    """What a table says of the images of a source.

    Attributes:
        example_table: The labeled images.
        rejects: A reject for each row or image that is wrong.
        named: The paths of all images and masks that a row names.
        warnings: What is odd about the labels: a line each.
    """

    example_table: ExampleTable
    rejects: list[Reject]
    named: set[str]
    warnings: list[str]


def label_by_table(
    table: Table,
    find: Callable[[str], SourceFile],
    paths: TablePaths,
    options: ConvertOptions,
    *,
    decides_split: bool = True,
) -> TableLabels:
    """Labels images by a table.

    Args:
        table: The table.
        find: Finds an image by the path in a row, or raises `PathError`.
        paths: The way to read the paths of masks.
        options: The columns to read.
        decides_split: False if lists decide the split.

    Raises:
        UsageError: If the columns are not what they must be, or no image is left.
    """
    columns = choose_columns(table, options)
    joined = join(table, columns, find, paths)
    layout = FolderLayout(
        (folder_of(file.path) for file in joined.files),
        options,
        decides_split=decides_split and options.split is None and columns.split is None,
        decides_class=not columns.labels,
    )
    folders = [layout.read(file.path) for file in joined.files]
    if columns.labels:
        wrong = _conflicts_with_folders(table, columns, joined, [folder.class_name for folder in folders])
    else:
        wrong = _without_class_folder(table, joined, [folder.class_name for folder in folders], layout)
    rejects = [*joined.rejects, *wrong.values()]
    kept = joined.without(set(wrong))
    kept_folders = [folder for position, folder in enumerate(folders) if position not in wrong]
    if not kept.files:
        raise UsageError(_nothing_left(table, columns, rejects), *box_hints(table, columns.labels))
    warnings = check_fields(columns.labels, kept.labels, separator=options.label_separator, table=table.name)
    warnings += [
        f"{count} fields of {name!r} have nothing in them, and are taken for 0"
        for name, count in joined.blanks.items()
        if count
    ]
    warnings += box_hints(table, columns.labels)
    numbered = {
        spec.name: _numbered(spec.kind, values, spec.columns if spec.is_vector else None)
        for spec, values in zip(columns.labels, kept.labels, strict=True)
    }
    if not columns.labels:
        numbered = {"label": _numbered("class", [folder.class_name for folder in kept_folders])}
    splits: list[str | None] = [folder.split for folder in kept_folders]
    if columns.split is not None:
        splits[:], odd = named_splits(kept.splits, columns.split, table.name)
        warnings += odd
    example_table = ExampleTable(
        files=FileColumns.of(kept.files),
        labels={name: values for name, (_, values) in numbered.items()},
        features={name: label for name, (label, _) in numbered.items()},
        splits=Categories.of(splits),
        groups=kept.groups if columns.group else None,
    )
    return TableLabels(
        example_table=example_table,
        rejects=rejects,
        named=joined.named,
        warnings=[*layout.warnings, *warnings],
    )


def _conflicts_with_folders(
    table: Table, columns: TableColumns, joined: Joined, folders: list[str | None]
) -> dict[int, Reject]:
    """Finds images that are in the folder of another class than their row says.

    A folder counts only if the table has its name as a class. If only one class fits, upper and lower case do not
    matter. So `images/` is not a class, and images with the label `Hat` may be in `hat/`.
    """
    place = next((i for i, spec in enumerate(columns.labels) if spec.kind == "class"), None)
    if place is None:
        return {}
    spelled = spellings(set(joined.labels[place]))
    labels = [spelled[label] for label in joined.labels[place]]
    names = set(labels)
    folded: dict[str, str | None] = {}
    for name in names:
        folded[name.casefold()] = None if name.casefold() in folded else name
    wrong = {}
    for position, (found, label) in enumerate(zip(folders, labels, strict=True)):
        folder = found and composed(found)
        if folder is None or folder == label:
            continue
        meant = folder if folder in names else folded.get(folder.casefold())
        if meant is not None and meant != label:
            detail = f"{table.name}, line {joined.lines[position]}: the label is {quoted(label)}, but the image is in folder {quoted(folder)}"
            wrong[position] = Reject(text_path(joined.files[position].path), "label_conflict", detail)
    return wrong


def _without_class_folder(
    table: Table, joined: Joined, folders: list[str | None], layout: FolderLayout
) -> dict[int, Reject]:
    if joined.files and not any(folders):
        msg = f"no --label-column is given, {table.name} has no column called 'label', and the images are not in class folders. Give --label-column; its columns are: {', '.join(table.columns)}."
        raise UsageError(msg)
    return {
        position: Reject(
            text_path(joined.files[position].path),
            "label_invalid",
            f"{table.name}, line {joined.lines[position]}: {layout.why_no_class(joined.files[position].path)}",
        )
        for position, folder in enumerate(folders)
        if folder is None
    }


def _nothing_left(table: Table, columns: TableColumns, rejects: list[Reject]) -> str:
    if not rejects:
        return f"{table.name} has no rows. Expected one for each image."
    return f"no row of {table.name} gives an image of SOURCE its labels. The first: {rejects[0].detail}. Paths are read from column {columns.path!r}, and are relative to SOURCE; --path-column names another one."


def _numbered(
    kind: LabelKind, values: list[Any], given: Sequence[str] | None = None
) -> tuple[PlannedLabel, Sequence[Any]]:
    """Replaces the class names of a label by their numbers, if it has classes.

    Args:
        kind: Kind of the label.
        values: Its values; classes by name.
        given: The classes or numbers in their order, if columns name them.
    """
    if kind == "floats":
        return PlannedLabel(kind=kind, value_names=list(given or ())), values
    if kind not in ("class", "multiclass"):
        return PlannedLabel(kind=kind), values
    label, numbers = number_classes(kind, values, given)
    if not label.class_names:
        msg = "a multiclass column has no class in any row. Leave it out of --label-column."
        raise UsageError(msg)
    return label, numbers
