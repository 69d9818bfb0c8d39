"""Labels images by a table. Every fault is reported with its row."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.rejects import Reject, text_path
from fitfeed.converters.source_file import SourceFile
from fitfeed.converters.sources.examples import ExampleTable
from fitfeed.converters.sources.folder_labels import SPLIT_FOLDERS, FolderLayout
from fitfeed.converters.sources.image_lookup import PathError, quoted, safe_path, stat_picture
from fitfeed.converters.sources.label_values import LabelError, LabelSpec, parse_label, parse_spec
from fitfeed.converters.sources.links import SourceLinks
from fitfeed.converters.sources.table import Row, Table
from fitfeed.schemas.class_order import natural_order, sort_classes
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.features import LabelKind, PlannedLabel, check_label_names

DEFAULT_LABEL_COLUMN = "label"
MAX_PATH = 4096
"""Most characters of a path (PATH_MAX). No file has a longer one."""


class TableColumns(NamedTuple):
    """The columns of a table that are read. If `labels` is empty, the class folders are the labels."""

    path: str
    labels: list[LabelSpec]
    split: str | None
    group: str | None

    @property
    def names(self) -> list[str]:
        """All names, in the order in which their values are read."""
        extra = [name for name in (self.split, self.group) if name is not None]
        return [self.path, *(spec.column for spec in self.labels), *extra]


def choose_columns(table: Table, options: ConvertOptions) -> TableColumns:
    """Finds the columns that the options ask for.

    A single label column becomes the feature `label`. Several columns become features of their own names.

    Raises:
        UsageError: If a column does not exist, or two labels cannot be stored side by side.
    """
    path = (
        table.path_column()
        if options.path_column is None
        else table.column(options.path_column, "--path-column")
    )
    parsed = [parse_spec(text) for text in options.label_columns]
    if not parsed and DEFAULT_LABEL_COLUMN in table.columns:
        parsed = [(DEFAULT_LABEL_COLUMN, "class")]
    for column, _ in parsed:
        table.column(column, "--label-column")
    columns = [column for column, _ in parsed]
    if len(set(columns)) != len(columns):
        msg = f"--label-column names a column twice. Received: {', '.join(columns)}"
        raise UsageError(msg)
    names = ["label"] if len(parsed) == 1 else columns
    labels = [LabelSpec(column, kind, name) for (column, kind), name in zip(parsed, names, strict=True)]
    try:
        check_label_names({spec.name: spec.kind for spec in labels})
    except ValueError as error:
        msg = f"{table.name}: {error}. Rename the column."
        raise UsageError(msg) from error
    return TableColumns(
        path=path,
        labels=labels,
        split=options.split_column and table.column(options.split_column, "--split-column"),
        group=options.group and table.column(options.group, "--group"),
    )


@dataclasses.dataclass(frozen=True)
class Joined:
    """Rows joined with the images that they name. Classes are still names, not numbers.

    Attributes:
        files, lines: The images, and the lines of their rows.
        labels: For each label column, its values.
        splits, groups: Their values; empty if there is no such column.
        rejects: What was wrong with other rows.
        named: Paths of all images and masks that any row names.
    """

    files: list[SourceFile] = dataclasses.field(default_factory=list)
    lines: list[int] = dataclasses.field(default_factory=list)
    labels: list[list[Any]] = dataclasses.field(default_factory=list)
    splits: list[str] = dataclasses.field(default_factory=list)
    groups: list[str] = dataclasses.field(default_factory=list)
    rejects: list[Reject] = dataclasses.field(default_factory=list)
    named: set[str] = dataclasses.field(default_factory=set)

    def columns(self) -> Iterator[list[Any]]:
        """All values that rows give their images, as columns."""
        yield from self.labels
        yield from (column for column in (self.splits, self.groups) if column)

    def row(self, position: int) -> list[Any]:
        """All values of one image."""
        return [column[position] for column in self.columns()]

    def without(self, positions: set[int]) -> "Joined":
        """Leaves images out."""
        if not positions:
            return self
        kept = [position for position in range(len(self.files)) if position not in positions]

        def chosen(column: list[Any]) -> list[Any]:
            return [column[position] for position in kept] if column else []

        return Joined(
            files=chosen(self.files),
            lines=chosen(self.lines),
            labels=[chosen(column) for column in self.labels],
            splits=chosen(self.splits),
            groups=chosen(self.groups),
            rejects=self.rejects,
            named=self.named,
        )


def join(
    table: Table, columns: TableColumns, find: Callable[[str], SourceFile], links: SourceLinks
) -> Joined:
    """Reads a table from end to end, and finds the image of each row.

    Args:
        table: The table.
        columns: The columns to read.
        find: Finds an image by the path in a row, or raises `PathError`.
        links: The links of SOURCE, where masks are looked up.
    """
    joined = Joined(labels=[[] for _ in columns.labels])
    position_of: dict[str, int] = {}
    conflicting: set[int] = set()
    for row in table.rows(columns.names):
        name = row.values[0] if isinstance(row.values[0], str) else ""
        file = None
        try:
            file = _picture(row, name, find)
            joined.named.add(file.path)
            values = _row_values(row, columns, links, joined.named)
        except (PathError, LabelError) as error:
            reason = error.reason if isinstance(error, PathError) else "label_invalid"
            path = text_path(file.path) if file else _printable(name) or f"{table.name}:{row.line}"
            joined.rejects.append(Reject(path, reason, f"{table.name}, line {row.line}: {error}"))
            continue
        first = position_of.setdefault(file.path, len(joined.files))
        if first < len(joined.files):
            conflict = joined.row(first) != values
            joined.rejects.append(_repeated(table, row, file, joined.lines[first], conflict=conflict))
            if conflict:
                conflicting.add(first)
            continue
        joined.files.append(file)
        joined.lines.append(row.line)
        targets = [*joined.labels, *_present(columns, joined)]
        for target, value in zip(targets, values, strict=True):
            target.append(value)
    return joined.without(conflicting)


def _present(columns: TableColumns, joined: Joined) -> list[list[Any]]:
    pairs = ((columns.split, joined.splits), (columns.group, joined.groups))
    return [target for column, target in pairs if column is not None]


def _picture(row: Row, name: str, find: Callable[[str], SourceFile]) -> SourceFile:
    if row.fault is not None:
        raise LabelError(row.fault)
    if not name.strip():
        raise LabelError("the row names no image")
    return find(name.strip())


def _row_values(row: Row, columns: TableColumns, links: SourceLinks, named: set[str]) -> list[Any]:
    """All labels of a row, then its split and its group, if there are such columns.

    Raises:
        LabelError, PathError: If a value is not what it must be.
    """
    values: list[Any] = []
    rest = iter(row.values[1:])
    for spec, raw in zip(columns.labels, rest, strict=False):
        try:
            value = parse_label(spec.kind, raw)
            if spec.kind == "mask":
                value = stat_picture(links, safe_path(value), missing="mask_missing")
                named.add(value.path)
        except LabelError as error:
            msg = f"column {quoted(spec.column)}: {error}"
            raise LabelError(msg) from None
        except PathError as error:
            raise PathError(error.reason, f"column {quoted(spec.column)}: {error}") from None
        values.append(value)
    extra = row.values[1 + len(columns.labels) :]
    parsers = [(columns.split, _split), (columns.group, _group)]
    for (column, parse), raw in zip([pair for pair in parsers if pair[0] is not None], extra, strict=True):
        try:
            values.append(parse(raw))
        except LabelError as error:
            msg = f"column {quoted(column or '')}: {error}"
            raise LabelError(msg) from None
    return values


def _split(raw: Any) -> str:
    name: str = parse_label("class", raw)
    if name.lower() not in SPLIT_FOLDERS:
        msg = f"{quoted(name)} is not a split; expected one of {', '.join(SPLIT_FOLDERS)}"
        raise LabelError(msg)
    return SPLIT_FOLDERS[name.lower()]


def _group(raw: Any) -> str:
    name: str = parse_label("class", raw)
    return name


def _repeated(table: Table, row: Row, file: SourceFile, first: int, *, conflict: bool) -> Reject:
    path = text_path(file.path)
    if conflict:
        detail = f"{table.name}, line {row.line}: contradicts line {first} about this image, so the image is left out"
        return Reject(path, "label_conflict", detail)
    detail = f"ignored: {table.name}, line {row.line} repeats line {first}"
    return Reject(path, "duplicate", detail, handling="ignored")


def _printable(name: str) -> str:
    """A path from a table as text that any UTF-8 file can hold."""
    return name[:MAX_PATH].encode("utf-8", "backslashreplace").decode()


def label_by_table(
    table: Table, find: Callable[[str], SourceFile], links: SourceLinks, options: ConvertOptions
) -> tuple[ExampleTable, list[Reject], set[str]]:
    """Labels images by a table.

    Args:
        table: The table.
        find: Finds an image by the path in a row, or raises `PathError`.
        links: The links of SOURCE.
        options: The columns to read.

    Returns:
        The labeled files, a reject for each row or image that is wrong, and the paths of all images and masks that a
        row names.

    Raises:
        UsageError: If the columns are not what they must be, or no image is left.
    """
    columns = choose_columns(table, options)
    joined = join(table, columns, find, links)
    use_folders = options.split is None and columns.split is None
    paths = (file.path for file in joined.files)
    layout = FolderLayout(paths, class_from=options.class_from, use_split_folders=use_folders)
    folders = [layout.read(file.path) for file in joined.files]
    if columns.labels:
        wrong = _conflicts_with_folders(table, columns, joined, [folder.class_name for folder in folders])
    else:
        wrong = _without_class_folder(table, joined, [folder.class_name for folder in folders], layout)
    rejects = [*joined.rejects, *wrong.values()]
    kept = joined.without(set(wrong))
    kept_folders = [folder for position, folder in enumerate(folders) if position not in wrong]
    if not kept.files:
        raise UsageError(_nothing_left(table, columns, rejects))
    columns_of: dict[str, tuple[LabelKind, list[Any]]] = {
        spec.name: (spec.kind, values) for spec, values in zip(columns.labels, kept.labels, strict=True)
    }
    if not columns.labels:
        columns_of = {"label": ("class", [folder.class_name for folder in kept_folders])}
    numbered = {name: _numbered(kind, values) for name, (kind, values) in columns_of.items()}
    example_table = ExampleTable(
        files=kept.files,
        labels={name: values for name, (_, values) in numbered.items()},
        features={name: label for name, (label, _) in numbered.items()},
        splits=list(kept.splits) if columns.split else [folder.split for folder in kept_folders],
        groups=kept.groups if columns.group else None,
    )
    return example_table, rejects, joined.named


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
    names = set(joined.labels[place])
    folded: dict[str, str | None] = {}
    for name in names:
        folded[name.casefold()] = None if name.casefold() in folded else name
    wrong = {}
    for position, (folder, label) in enumerate(zip(folders, joined.labels[place], strict=True)):
        if folder is None or folder in (label, None):
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


def _numbered(kind: LabelKind, values: list[Any]) -> tuple[PlannedLabel, list[Any]]:
    """Collects the class names of a label, and replaces them by their numbers."""
    if kind == "class":
        label = _planned_label(kind, set(values))
        numbers = {name: number for number, name in enumerate(label.class_names)}
        return label, [numbers[name] for name in values]
    if kind == "multiclass":
        label = _planned_label(kind, {name for chosen in values for name in chosen})
        if not label.class_names:
            msg = "a multiclass column has no class in any row. Leave it out of --label-column."
            raise UsageError(msg)
        numbers = {name: number for number, name in enumerate(label.class_names)}
        return label, [sorted(numbers[name] for name in chosen) for chosen in values]
    return PlannedLabel(kind=kind), values


def _planned_label(kind: LabelKind, names: set[str]) -> PlannedLabel:
    """A label with these classes, by number if all are whole numbers, else as text."""
    order = natural_order(names)
    return PlannedLabel(kind=kind, class_names=sort_classes(names, order), class_order=order)
