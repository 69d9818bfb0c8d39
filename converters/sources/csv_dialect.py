"""Finds out what separates the columns of a CSV file, by its column names and its first rows."""

import csv
import io
import itertools
import re
from collections.abc import Iterator
from typing import Any, NamedTuple, TextIO

from fitfeed.schemas.errors import UsageError

SEPARATORS = (",", ";", "\t", "|")
"""What is found without being asked for."""

NAMES = {"\t": "tab", " ": "space"}
"""How the command line calls separators that are hard to type."""

SAMPLE_CHARACTERS = 1 << 16
SAMPLE_ROWS = 50
EXCELS_LINE = re.compile(r"sep=(.)\r?\n?", re.IGNORECASE)
"""The first line of files that are made for Excel; the second one has the names of the columns."""

MAX_FIELD = 2 << 20
"""Most characters of a CSV field: twice as many as a text may have. Only a quote that is never closed leads to more."""


class CsvDialect(NamedTuple):
    """How a CSV file is written.

    Attributes:
        separator: What is between the fields of a row.
        first_line: The line that the names of the columns begin on, from 1, if none before it is blank.
    """

    separator: str
    first_line: int = 1


def find_dialect(stream: TextIO, name: str, given: str | None) -> CsvDialect:
    """Reads the beginning of a CSV file.

    Args:
        stream: The file at its beginning, with its line ends.
        name: Its name. If it ends in `.tsv`, a tab comes first.
        given: The separator that was given; None to find it.

    Raises:
        UsageError: If several could be meant.
    """
    sample = stream.read(SAMPLE_CHARACTERS)
    said = EXCELS_LINE.match(sample)
    if said:
        return CsvDialect(given or said[1], first_line=2)
    if given is not None:
        return CsvDialect(given)
    whole = len(sample) < SAMPLE_CHARACTERS
    fitting = {mark: rows for mark in SEPARATORS if (rows := _rows_that_fit(sample, mark, whole=whole))}
    if "\t" in fitting and name.lower().endswith(".tsv"):
        return CsvDialect("\t")
    most = max(fitting.values(), default=0)
    best = [mark for mark, rows in fitting.items() if rows == most]
    if len(best) > 1:
        ways = " or ".join(f"--table-separator '{NAMES.get(mark, mark)}'" for mark in best)
        msg = f"it is unclear what separates the columns of {name}: its first rows can be read in several ways. Give {ways}."
        raise UsageError(msg)
    return CsvDialect(best[0] if best else ",")


def numbered_rows(stream: TextIO, dialect: CsvDialect) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV file that are not blank, each with the line it begins on. The first has the column names."""
    for _ in range(1, dialect.first_line):
        stream.readline()
    begins = dialect.first_line
    before = begins - 1
    reader = _reader(stream, dialect.separator)
    for fields in reader:
        if fields:
            yield begins, fields
        begins = before + reader.line_num + 1


def _rows_that_fit(sample: str, separator: str, *, whole: bool) -> int:
    """How many of the first rows have as many fields as there are columns; 0 if there is one column only.

    A row with a quote in a field does not count: it may be cut within quotes.
    """
    rows = []
    try:
        for _, row in itertools.islice(
            numbered_rows(io.StringIO(sample, newline=""), CsvDialect(separator)), SAMPLE_ROWS + 1
        ):
            rows.append(row)
    except csv.Error:
        whole = True  # the row at fault is not among them
    if not whole and 1 < len(rows) <= SAMPLE_ROWS:
        rows.pop()  # it may be cut off
    width = len(rows[0]) if rows else 0
    return sum(len(row) == width and '"' not in "".join(row) for row in rows) if width > 1 else 0


def _reader(stream: TextIO, separator: str) -> Any:
    # The limit holds for the whole process, so it is only ever raised.
    csv.field_size_limit(max(csv.field_size_limit(), MAX_FIELD))
    # Columns that are aligned by spaces have several between two of them.
    return csv.reader(stream, strict=True, delimiter=separator, skipinitialspace=separator == " ")
