"""Joins the rows of a table with the images that they name. Every fault is reported with its row."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from fitfeed.converters.rejects import Reject, text_path
from fitfeed.converters.source_file import SourceFile
from fitfeed.converters.sources.image_lookup import PathError, TablePaths, quoted
from fitfeed.converters.sources.label_specs import LabelSpec
from fitfeed.converters.sources.label_values import LabelError, is_blank, parse_indicator, parse_label
from fitfeed.converters.sources.split_values import parse_split
from fitfeed.converters.sources.table import Row, Table
from fitfeed.converters.sources.table_columns import TableColumns
from fitfeed.converters.sources.unicode_forms import find_in_any_form

MAX_PATH = 4096
"""Most characters of a path (PATH_MAX). No file has a longer one."""

SHOWN_CLASSES = 3


@dataclasses.dataclass(frozen=True)
class Joined:
    """Rows joined with the images that they name. Classes are still names, not numbers.

    Attributes:
        files, lines: The images, and the lines of their rows.
        labels: For each label column, its values.
        splits, groups: Their values; empty if there is no such column. A split may still be the number of a fold.
        rejects: What was wrong with other rows.
        named: Paths of all images and masks that any row names.
        blanks: Name of a label of kind floats to the number of its fields that have nothing in them.
    """

    files: list[SourceFile] = dataclasses.field(default_factory=list)
    lines: list[int] = dataclasses.field(default_factory=list)
    labels: list[list[Any]] = dataclasses.field(default_factory=list)
    splits: list[str] = dataclasses.field(default_factory=list)
    groups: list[str] = dataclasses.field(default_factory=list)
    rejects: list[Reject] = dataclasses.field(default_factory=list)
    named: set[str] = dataclasses.field(default_factory=set)
    blanks: Counter[str] = dataclasses.field(default_factory=Counter)

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
            blanks=self.blanks,
        )


def join(table: Table, columns: TableColumns, find: Callable[[str], SourceFile], paths: TablePaths) -> Joined:
    """Reads a table from end to end, and finds the image of each row.

    Args:
        table: The table.
        columns: The columns to read.
        find: Finds an image by the path in a row, or raises `PathError`.
        paths: The way to read the paths of masks.
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
            values = _row_values(row, columns, paths, joined)
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
    return find_in_any_form(find, name.strip())


def _row_values(row: Row, columns: TableColumns, paths: TablePaths, joined: Joined) -> list[Any]:
    """All labels of a row, then its split and its group, if there are such columns.

    Raises:
        LabelError, PathError: If a value is not what it must be.
    """
    raws = iter(row.values[1:])
    values = [_label(spec, raws, columns.separator, paths, joined) for spec in columns.labels]
    if columns.split is not None:
        values.append(_read(columns.split.column, parse_split, next(raws), columns.split.split_of))
    if columns.group is not None:
        values.append(_read(columns.group, parse_label, "class", next(raws)))
    return values


def _label(spec: LabelSpec, raws: Iterator[Any], separator: str, paths: TablePaths, joined: Joined) -> Any:
    """Reads the fields of one label, the next of a row."""
    column = spec.columns[0]
    if spec.kind == "floats":
        return [_read(column, _number, next(raws), spec.name, joined.blanks) for column in spec.columns]
    if spec.is_vector:
        chosen = [column for column in spec.columns if _read(column, parse_indicator, next(raws))]
        return _read(f"{column}..{spec.columns[-1]}", _of_vector, spec, chosen)
    value = _read(column, parse_label, spec.kind, next(raws), separator)
    if spec.kind == "mask":
        value = _read(column, find_in_any_form, partial(paths.find, missing="mask_missing"), value)
        joined.named.add(value.path)
    return value


def _read(column: str, parse: Callable[..., Any], *values: Any) -> Any:
    """What a function reads of a field, or its error with the name of the column."""
    try:
        return parse(*values)
    except LabelError as error:
        msg = f"column {quoted(column)}: {error}"
        raise LabelError(msg) from None
    except PathError as error:
        raise PathError(error.reason, f"column {quoted(column)}: {error}") from None


def _number(raw: Any, name: str, blanks: Counter[str]) -> float:
    """One number of a vector. Nothing is 0, and counted."""
    if is_blank(raw):
        blanks[name] += 1
        return 0.0
    number: float = parse_label("floats", raw)
    return number


def _of_vector(spec: LabelSpec, chosen: list[str]) -> Any:
    """The label of columns that each say whether an image has a class, of which these do.

    Raises:
        LabelError: If the label is of kind class, and the image has none of them or several.
    """
    if spec.kind == "multiclass":
        return chosen
    if len(chosen) != 1:
        have = f"{' and '.join(map(quoted, chosen[:SHOWN_CLASSES]))} are" if chosen else "none is"
        msg = f"one of these {len(spec.columns)} must be 1, and {have}; kind multiclass takes any number of them"
        raise LabelError(msg)
    return chosen[0]


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
