"""Reads a table of labels: CSV or JSON lines, row by row, each with the line that it begins on."""

import csv
import itertools
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from fitfeed.converters.open_source import open_regular
from fitfeed.converters.rejects import ImageError
from fitfeed.schemas.errors import NotFoundError, UsageError
from fitfeed.schemas.text import shortened

EXTENSIONS = (".csv", ".jsonl")
PATH_COLUMNS = ("path", "file", "filename", "file_name", "filepath", "file_path", "image", "image_path")
"""Usual names of the column of paths, in lower case. Upper case is found, too."""

MAX_FIELD = 2 << 20
"""Most characters of a CSV field: twice as many as a text may have. Only a quote that is never closed leads to more."""

LOOK_AHEAD = 1000
"""Lines of JSON that are read to learn the columns, because a line may leave out fields."""


class Row(NamedTuple):
    """A row of a table.

    Attributes:
        line: Line of the file that it begins on, from 1.
        values: Values of the wanted columns: text for CSV, any JSON value for JSON lines; None if there is none.
        fault: Why the row cannot be read; None if it can.
    """

    line: int
    values: list[Any]
    fault: str | None


def is_table(path: Path) -> bool:
    """Whether a SOURCE is a table, judged by its name."""
    return path.suffix.lower() in EXTENSIONS and not path.is_dir()


class Table:
    """A table of labels.

    Attributes:
        path: The file.
        name: Its name, for messages.
        columns: Names of its columns, in order.
    """

    def __init__(self, path: Path) -> None:
        """Opens a table and reads the names of its columns.

        Raises:
            NotFoundError: If it does not exist.
            UsageError: If it is not a table, or cannot be read.
        """
        self.path, self.name = path, path.name
        if path.suffix.lower() not in EXTENSIONS:
            msg = f"a table of labels must be a .csv or .jsonl file. Received: {path}"
            raise UsageError(msg)
        self._is_csv = path.suffix.lower() == ".csv"
        with self._stream() as stream:
            self.columns = self._header(stream) if self._is_csv else self._fields(stream)
        if not self.columns:
            msg = f"{path} is empty. Expected {'a line of column names' if self._is_csv else 'one JSON object a line'}, then a row for each image."
            raise UsageError(msg)

    def has(self, asked: str) -> bool:
        """Whether a column has a name, perhaps in another case."""
        return bool(self._called(asked))

    def column(self, asked: str, option: str) -> str:
        """The one column that has a name. Upper and lower case matter only where columns differ in nothing else.

        Raises:
            UsageError: If none or several have it.
        """
        found = self._called(asked)
        if len(found) == 1:
            return found[0]
        if not found:
            has = "it has"
        elif len(set(found)) == 1:
            has = f"{len(found)} of them have that name, among"
        else:
            has = f"{' and '.join(found)} differ only in case, among"
        msg = f"{option} {asked}: {self.name} must have one such column, but {has}: {self._names()}."
        raise UsageError(msg)

    def path_column(self) -> str:
        """The column that names the images. It is found by its usual names.

        Raises:
            UsageError: If none or several have such a name.
        """
        found = [name for name in self.columns if name.strip().lower() in PATH_COLUMNS]
        if len(found) == 1:
            return found[0]
        what = (
            f"columns {', '.join(found)} could each"
            if found
            else "no column is called path, file or image to"
        )
        msg = f"{self.name}: {what} name the images. Give --path-column; its columns are: {self._names()}."
        raise UsageError(msg)

    def rows(self, columns: Sequence[str]) -> Iterator[Row]:
        """Yields the rows in order. Blank lines are skipped.

        Args:
            columns: The columns that are wanted.

        Raises:
            UsageError: If the file cannot be read to its end.
        """
        with self._stream() as stream:
            yield from self._csv_rows(stream, columns) if self._is_csv else self._json_rows(stream, columns)

    def _called(self, asked: str) -> list[str]:
        """The columns of exactly this name, or else those that differ only in case."""
        exact = [name for name in self.columns if name == asked]
        return exact or [name for name in self.columns if name.casefold() == asked.casefold()]

    def _names(self) -> str:
        return shortened(", ".join(self.columns), limit=300)

    @contextmanager
    def _stream(self) -> Iterator[TextIO]:
        try:
            with os.fdopen(open_regular(str(self.path)), encoding="utf-8-sig", newline="") as stream:
                yield stream
        except FileNotFoundError as error:
            msg = f"the table of labels {self.path} does not exist."
            raise NotFoundError(msg) from error
        except (OSError, ImageError) as error:
            reason = error.detail if isinstance(error, ImageError) else error.strerror
            msg = f"the table of labels {self.path} cannot be read: {reason}."
            raise UsageError(msg) from error
        except UnicodeDecodeError as error:
            msg = f"{self.path} is not UTF-8 ({error.reason}, byte {error.object[error.start]:#04x}). Save it as UTF-8, with or without byte order mark."
            raise UsageError(msg) from error
        except csv.Error as error:
            msg = f'{self.path} cannot be read as CSV: {error}. Look for a quote (") that is never closed.'
            raise UsageError(msg) from error

    def _header(self, stream: TextIO) -> list[str]:
        names = [name.strip() for name in next(_numbered(stream), (0, []))[1]]
        if len(names) == 1 and any(mark in names[0] for mark in ";\t|"):
            msg = f"{self.path} has one column, {shortened(names[0])!r}: it is not separated by commas. Save it with commas."
            raise UsageError(msg)
        return names

    def _csv_rows(self, stream: TextIO, columns: Sequence[str]) -> Iterator[Row]:
        numbered = _numbered(stream)
        next(numbered)
        places = [self.columns.index(name) for name in columns]
        width = len(self.columns)
        for line, fields in numbered:
            if len(fields) == width:
                yield Row(line, [fields[place] for place in places], None)
                continue
            values = [fields[place] if place < len(fields) else None for place in places]
            yield Row(line, values, f"the row has {len(fields)} fields, and there are {width} columns")

    def _fields(self, stream: TextIO) -> list[str]:
        found: dict[str, None] = {}
        for line in itertools.islice(stream, LOOK_AHEAD):
            content = _parsed(line)
            found.update(dict.fromkeys(content if isinstance(content, dict) else ()))
        return list(found)

    def _json_rows(self, stream: TextIO, columns: Sequence[str]) -> Iterator[Row]:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            content = _parsed(line)
            if isinstance(content, dict):
                yield Row(number, [content.get(name) for name in columns], None)
            else:
                yield Row(number, [None] * len(columns), "the line is not a JSON object")


def _numbered(stream: TextIO) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV file that are not blank, each with the line it begins on."""
    csv.field_size_limit(
        max(csv.field_size_limit(), MAX_FIELD)
    )  # it holds for the whole process, so it is only ever raised
    reader = csv.reader(stream, strict=True)
    begins = 1
    for fields in reader:
        if fields:
            yield begins, fields
        begins = reader.line_num + 1


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
