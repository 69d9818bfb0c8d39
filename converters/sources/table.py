"""Reads a table of labels: separated columns or JSON lines, row by row, each with the line that it begins on."""

import csv
import itertools
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Any, NamedTuple, TextIO

from fitfeed.converters.open_source import unreadable_is_a_mistake
from fitfeed.converters.sources.csv_dialect import CsvDialect, find_dialect, numbered_rows
from fitfeed.converters.sources.image_names import looks_like
from fitfeed.converters.sources.table_text import FOUND, TableFormat, check_format, open_text
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.storage.open_place import GivenPath, open_place
from fitfeed.schemas.storage.place import Place
from fitfeed.schemas.text import composed, shortened

CSV_EXTENSIONS = (".csv", ".tsv", ".txt")
EXTENSIONS = (*CSV_EXTENSIONS, ".jsonl")
PATH_COLUMNS = ("path", "file", "filename", "file_name", "filepath", "file_path", "image", "image_path")
"""Usual names of the column of paths, in lower case. Upper case is found, too."""

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


def is_table(given: GivenPath) -> bool:
    """Whether a SOURCE is a table, judged by its name.

    Raises:
        UsageError: If the store does not say whether it is a folder.
    """
    place = open_place(given, "SOURCE")
    if _suffix_of(place) not in EXTENSIONS:
        return False
    with unreadable_is_a_mistake(f"SOURCE {place}"):
        return place.choose(local=lambda path: not path.is_dir(), far=_is_far_file)


def _is_far_file(place: Place) -> bool:
    folder, name = place.split()
    try:
        folder.find(name)
    except FileNotFoundError:  # there may be a folder
        return False
    return True


def _suffix_of(place: Place) -> str:
    return PurePosixPath(place.name).suffix.lower()


class Table:
    """A table of labels.

    Attributes:
        path: The file.
        name: Its name, for messages.
        columns: Names of its columns, in order.
    """

    def __init__(self, path: GivenPath, given: TableFormat = FOUND) -> None:
        """Opens a table and reads the names of its columns.

        Args:
            path: The file.
            given: How it is written, as far as that is not to be found.

        Raises:
            NotFoundError: If it does not exist.
            UsageError: If it is not a table, or cannot be read.
        """
        check_format(given)
        self.path, self._given = open_place(path, "--labels"), given
        self.name, suffix = self.path.name, _suffix_of(self.path)
        if suffix not in EXTENSIONS:
            msg = f"a table of labels must be a .csv, .tsv, .txt or .jsonl file. Received: {path}"
            raise UsageError(msg)
        self._is_csv = suffix in CSV_EXTENSIONS
        if given.separator is not None and not self._is_csv:
            msg = f"--table-separator is for tables of separated columns, and {path} has JSON lines. Leave it out."
            raise UsageError(msg)
        self._dialect = self._find_dialect() if self._is_csv else CsvDialect(",")
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
        msg = f"{self.name}: {what} name the images. Give --path-column; its columns are: {self._names()}.{self._oddity()}"
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
        """The columns of exactly this name, or else those that differ only in case or in their Unicode form."""
        exact = [name for name in self.columns if name == asked]
        return exact or [name for name in self.columns if _folded(name) == _folded(asked)]

    def _oddity(self) -> str:
        """Why columns may not be what was meant."""
        if any(looks_like(name) == "image" for name in self.columns):
            return " Its first row names an image, and must have the names of the columns."
        if self.columns[0].startswith("#"):
            return " Its first line begins with '#', and must have the names of the columns."
        if self._is_csv and len(self.columns) == 1 and " " in self.columns[0]:
            return " If spaces separate its columns, give --table-separator space."
        return ""

    def _names(self) -> str:
        return shortened(", ".join(self.columns), limit=300)

    @contextmanager
    def _stream(self) -> Iterator[TextIO]:
        try:
            with open_text(self.path, self._given.encoding) as stream:
                yield stream
        except csv.Error as error:
            msg = f'{self.path} cannot be read as CSV: {error}. Look for a quote (") that is never closed.'
            raise UsageError(msg) from error

    def _find_dialect(self) -> CsvDialect:
        with self._stream() as stream:
            return find_dialect(stream, self.name, self._given.separator)

    def _header(self, stream: TextIO) -> list[str]:
        return [name.strip() for name in next(numbered_rows(stream, self._dialect), (0, []))[1]]

    def _csv_rows(self, stream: TextIO, columns: Sequence[str]) -> Iterator[Row]:
        numbered = numbered_rows(stream, self._dialect)
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


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _folded(name: str) -> str:
    return composed(name).casefold()
