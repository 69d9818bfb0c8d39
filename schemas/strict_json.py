"""Reads JSON that anybody may have written, and refuses what is ambiguous or too large."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from fitfeed.schemas.text import shortened

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
"""What can be written as JSON."""

JsonObject: TypeAlias = Mapping[str, Json]
"""What `to_json` returns, to be written as text. Everywhere else, things have types of their own."""

MAX_VALUES = 500_000
"""Most values in a file. Some JSON takes a hundred times as many bytes as Python objects."""


def parse_json(text: bytes) -> Any:
    """Parses JSON more strictly than `json.loads`.

    Args:
        text: UTF-8.

    Returns:
        What `json.loads` returns. All numbers are finite.

    Raises:
        ValueError: If it is not JSON, an object has a key twice, a number is not finite or has too
            many digits, it has more than `MAX_VALUES` values or is nested hundreds of levels deep.
    """
    values = sum(text.count(mark) for mark in (b",", b"[", b"{"))  # too many if strings have these marks
    if values > MAX_VALUES:
        msg = f"it has up to {values:,} values, more than {MAX_VALUES:,}"
        raise ValueError(msg)
    return parse_any_json(
        text.decode(),
        object_pairs_hook=_unique_keys,
        parse_constant=_refuse_constant,
        parse_float=_finite_float,
    )


def parse_any_json(text: str | bytes, **hooks: Any) -> Any:
    """`json.loads` for what anybody may have written, of any size.

    Args:
        text: JSON.
        hooks: Of `json.loads`.

    Raises:
        ValueError: If it is not JSON, or is nested too deeply.
    """
    try:
        return json.loads(text, **hooks)
    except RecursionError as error:
        msg = "it is nested too deeply"
        raise ValueError(msg) from error


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        msg = f"an object has the key {shortened(twice)!r} twice"
        raise ValueError(msg)
    return content


def _refuse_constant(name: str) -> Any:
    msg = f"{name} is not a JSON number"
    raise ValueError(msg)


def _finite_float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        msg = f"the number {shortened(text)} is too large"
        raise ValueError(msg)
    return value
