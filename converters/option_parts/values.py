"""Kinds of values that several parts of the options have, and how values are written."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from fitfeed.schemas.checked_options import MustBe
from fitfeed.schemas.strict_json import Json

Positive = Annotated[int, Field(ge=1)]

# Not strict about the tuple itself: JSON and the command line have lists.
Columns = Annotated[tuple[str, ...], Field(strict=False)]

Separator = Annotated[str, Field(min_length=1)]

AT_LEAST_1 = MustBe("a whole number, at least 1")
COLUMN = MustBe("the name of a column")

FLAGS = {
    "shard_bytes": "--shard-size",
    "label_columns": "--label-column",
    "rename_classes": "--rename-class",
}
"""Flags that are not called like their options."""


def flag_of(name: str) -> str:
    """How the command line calls an option."""
    return FLAGS.get(name) or f"--{name.replace('_', '-')}"


def as_written(name: str, value: object) -> str:
    """An option's value as the command line takes it."""
    if value is None or value == () or value == {}:
        return "none"
    if isinstance(value, Mapping):
        return ",".join(f"{key}={_as_text(each)}" for key, each in value.items())
    if isinstance(value, tuple):
        return ("x" if name == "size" else ",").join(map(str, value))
    return str(value)


def _as_text(value: str | float | tuple[str, ...]) -> str:
    if isinstance(value, tuple):
        return "|".join(value)
    return value if isinstance(value, str) else f"{value:g}"


def as_json(value: Any) -> Json:
    """An option's value as JSON has it."""
    if isinstance(value, Mapping):
        return {key: as_json(each) for key, each in value.items()}
    return list(value) if isinstance(value, tuple) else value
