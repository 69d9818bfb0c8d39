"""Turns the values of a split column into splits: names, numbers of folds, or what `--split-column C:0=train,1=test` says."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from fitfeed.converters.sources.image_lookup import quoted
from fitfeed.converters.sources.label_values import LabelError, parse_label
from fitfeed.converters.sources.table import Table
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.split_names import SPLIT_NAME, split_name, usual_split

MAX_SPLITS = 100
"""More are no splits, but a column of something else."""

SHOWN_SPLITS = 5
WHOLE = re.compile(r"(\d{1,3})(?:\.0*)?", re.ASCII)

TWO_VALUED = [{"0", "1"}, {"true", "false"}, {"yes", "no"}, {"t", "f"}, {"y", "n"}]
"""Values of a column that answers a question: which split each is, only its question says."""


YES = {"1", "true", "yes", "t", "y"}


class SplitSpec(NamedTuple):
    """A split column, and which split each of its values is; without that, values are names of splits."""

    column: str
    split_of: Mapping[str, str]


def parse_split_spec(text: str, table: Table) -> SplitSpec:
    """Reads `C` or `C:VALUE=SPLIT,...` of `--split-column`.

    Raises:
        UsageError: If there is no such column, or a split has a name that is not allowed.
    """
    column, colon, written = text.rpartition(":")
    if not colon or "=" not in written or table.has(text):
        return SplitSpec(table.column(text, "--split-column"), {})
    split_of: dict[str, str] = {}
    for part in written.split(","):
        value, _, name = part.rpartition("=")
        split = split_name(name.strip())
        if not value.strip() or not SPLIT_NAME.fullmatch(split) or _key(value) in split_of:
            msg = f"--split-column takes COLUMN:VALUE=SPLIT,... such as is_test:0=train,1=test, each value once; a split's name is letters, digits and '_'. Received: {text}"
            raise UsageError(msg)
        split_of[_key(value)] = split
    return SplitSpec(table.column(column, "--split-column"), split_of)


def parse_split(value: Any, split_of: Mapping[str, str]) -> str:
    """Reads one value of a split column. `named_splits` comes after it.

    Args:
        value: Text of a CSV file, or any JSON value.
        split_of: Value to split; empty if values are names of splits.

    Returns:
        A split, or the number of one.

    Raises:
        LabelError: If it is not one.
    """
    name: str = parse_label("class", value)
    if split_of:
        if _key(name) not in split_of:
            msg = f"{quoted(name)} is none of the values of --split-column: {', '.join(split_of)}"
            raise LabelError(msg)
        return split_of[_key(name)]
    split = split_name(name)
    if whole := WHOLE.fullmatch(split):
        return str(int(whole[1]))
    if not SPLIT_NAME.fullmatch(split):
        msg = f"{quoted(name)} is not a split: expected train, validation, test, another name of letters, digits and '_', or the number of a fold"
        raise LabelError(msg)
    return split


def named_splits(values: Sequence[str], spec: SplitSpec, table: str) -> tuple[list[str], list[str]]:
    """Names the splits that are numbers: those of folds are `fold0`, `fold1`, and so on.

    Args:
        values: What `parse_split` made of the column.
        spec: The column.
        table: Name of the table, for messages.

    Returns:
        The splits, and what a person should know.

    Raises:
        UsageError: If the column answers a question with 0 and 1 or the like, or has too many values for splits.
    """
    counts = Counter(values)
    if spec.split_of:
        return list(values), []
    if len(counts) > MAX_SPLITS:
        msg = f"column {spec.column!r} of {table} has {len(counts)} different values, more than {MAX_SPLITS} splits, so --split-column seems to name another column. Give the one of the splits."
        raise UsageError(msg)
    answers = next((two for two in TWO_VALUED if {value.casefold() for value in counts} <= two), None)
    if answers is not None:
        shown = sorted(counts)
        mapping = ",".join(f"{value}={_likely(value, spec.column)}" for value in sorted(answers))
        msg = f"column {spec.column!r} of {table} has only the values {' and '.join(shown)}, which do not say which split each is. Say it, for example --split-column {spec.column}:{mapping}."
        raise UsageError(msg)
    usual = [name for name in counts if usual_split(name)]
    others = {name: count for name, count in counts.items() if not usual_split(name)}
    warnings = []
    if usual and others:
        shown = [f"{name} ({count})" for name, count in sorted(others.items())[:SHOWN_SPLITS]]
        warnings = [
            f"column {spec.column!r} of {table} names splits besides train, validation and test: {', '.join(shown)}"
        ]
    return [f"fold{value}" if value.isdigit() else value for value in values], warnings


def _likely(value: str, column: str) -> str:
    """Which split an answer most likely means: yes to `is_val` is validation, no is train."""
    asked = next(filter(None, map(usual_split, re.split(r"[\W_]+", column))), "test")
    other = "test" if asked == "train" else "train"
    return asked if value.casefold() in YES else other


def _key(value: str) -> str:
    """A value of a table, so that 1 and 1.0, true and True are the same."""
    whole = WHOLE.fullmatch(value.strip())
    return str(int(whole[1])) if whole else value.strip().casefold()
