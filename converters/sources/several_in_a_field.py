"""Finds fields that hold several labels, where the options take each for one: that makes a class of every combination."""

from collections.abc import Collection, Iterator
from typing import Any

from fitfeed.converters.sources.label_specs import LabelSpec
from fitfeed.converters.sources.label_values import SEPARATOR
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.text import short_repr

MARKS = ("|", ",", " ")
"""What people separate labels by, besides `;`."""

WORD_SHARE = 2
"""Words are taken for labels only if they are this many times fewer than the names: "light red" is one color."""


def check_fields(
    labels: list[LabelSpec], columns: list[list[Any]], *, separator: str | None, table: str
) -> list[str]:
    """Looks for several labels in a field, and for several columns that are one label.

    Args:
        labels: The labels.
        columns: The values of each, classes by name.
        separator: The separator that was given; None if there is none.
        table: Name of the table, for messages.

    Returns:
        What is odd, a line each, with the option that mends it.

    Raises:
        UsageError: If classes of a multiclass column would be combinations.
    """
    lines: list[str] = []
    for spec, values in zip(labels, columns, strict=True):
        if spec.is_vector:
            lines += _one_hot(spec, values)
        elif spec.kind == "class":
            lines += _combined_classes(spec, set(values))
        elif spec.kind == "multiclass":
            lines += _unseparated(spec, values, separator=separator, table=table)
    return lines


def _one_hot(spec: LabelSpec, values: list[Any]) -> Iterator[str]:
    if spec.kind == "multiclass" and values and all(len(chosen) == 1 for chosen in values):
        yield f"each row has exactly one 1 in the columns of {spec.name!r}, so it can be one class: {spec.written('class')}"


def _combined_classes(spec: LabelSpec, names: Collection[str]) -> Iterator[str]:
    mark = next((mark for mark in (*MARKS, SEPARATOR) if _recur(names, mark)), None)
    if mark is not None:
        option = "" if mark == SEPARATOR else f" --label-separator '{mark}'"
        yield (
            f"column {spec.columns[0]!r} has {len(names)} classes such as {_example(names, mark)}, each of which is one class; "
            f"if they are several labels, give {spec.written('multiclass')}{option}"
        )


def _unseparated(
    spec: LabelSpec, values: list[list[str]], *, separator: str | None, table: str
) -> Iterator[str]:
    names = {name for chosen in values for name in chosen}
    if any(len(chosen) > 1 for chosen in values):
        return
    if separator is not None:
        if len(names) > 1 and separator != SEPARATOR:
            yield f"no value of column {spec.columns[0]!r} has the {separator!r} of --label-separator, so each image has one class at most"
        return
    found = [mark for mark in "|," if any(mark in name for name in names)]
    found += [" "] if _recur(names, " ") else []
    if found:
        mark = found[0]
        msg = (
            f"{table}: no value of column {spec.columns[0]!r}, of kind multiclass, has a {SEPARATOR!r}, but some have {mark!r}, such as {_example(names, mark)}. "
            f"Give --label-separator '{mark}', or --label-separator '{SEPARATOR}' if each is one name."
        )
        raise UsageError(msg)
    if any(" " in name for name in names):
        yield (
            f"each image has one {spec.columns[0]!r} at most, and there are names with spaces such as {_example(names, ' ')}; "
            f"if they are several labels, give --label-separator ' '"
        )


def _recur(names: Collection[str], mark: str) -> bool:
    """Whether names are combinations of few parts. Nobody has a `|` in a name for another reason."""
    if mark == "|" or not any(mark in name for name in names):
        return any(mark in name for name in names)
    parts = {part.strip() for name in names for part in name.split(mark)} - {""}
    return len(parts) * (WORD_SHARE if mark == " " else 1) < len(names)


def _example(names: Collection[str], mark: str) -> str:
    return short_repr(min(name for name in names if mark in name))
