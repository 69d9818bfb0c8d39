"""JSON of many rows at once: the bytes that `json.dumps` writes, made of whole columns."""

import json
from collections.abc import Iterable, Sequence
from functools import lru_cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fitfeed.schemas.categories import Categories
from fitfeed.schemas.integer_column import IntegerColumn
from fitfeed.schemas.packed_texts import PackedTexts

to_json = partial(json.dumps, sort_keys=True, separators=(",", ":"))
"""Canonical JSON: sorted keys and no spaces."""

Column = PackedTexts | Categories[str] | IntegerColumn | npt.NDArray[np.integer[Any]] | Sequence[Any]


def json_rows(columns: Sequence[Column]) -> bytes:
    """Canonical JSON of rows, as in a list but without its brackets: `["a",1],["b",2]`.

    Args:
        columns: Their columns, at least one, all of one length. Columns of texts, categories and integers are fast.
    """
    return joined_json(json_of_rows(columns))


def joined_json(rows: Any) -> bytes:
    """What `json_rows` makes, of an Arrow array with the JSON of each row."""
    return bytes(_in_a_line(rows, ",")) if len(rows) else b""


def json_of_rows(columns: Sequence[Column]) -> Any:
    """The same as an Arrow array of `large_string`, each row by itself, for rows that are put between others."""
    if not len(columns[0]):
        return pa.array([], pa.large_string())
    # What is the same in each row is put together before it is joined with the rest, row by row.
    parts: list[Any] = ["["]
    for number, (quote, texts) in enumerate(map(_json_column, columns)):
        parts[-1] += f"{',' if number else ''}{quote}"
        if isinstance(texts, str):
            parts[-1] += texts
        else:
            parts += [texts, quote]
    rows = pc.binary_join_element_wise(*map(_scalar, [*parts, "]", ""]))
    if len(parts) == 1:  # all rows are equal
        rows = pa.repeat(rows, len(columns[0]))
    return rows


def json_list(values: Column) -> bytes:
    """JSON of a list, with the spaces that `json.dumps` writes."""
    return b"".join([b"[", *json_items(values, ", "), b"]"])


def json_items(values: Column, separator: str = ",") -> list[Any]:
    """JSON of the items of a list, with a separator between them and without brackets around them.

    Returns:
        The pieces of it, all of which have bytes: copying them takes as long as making them.
    """
    if not len(values):
        return []
    quote, texts = _json_column(values)
    if isinstance(texts, str):
        texts = pa.repeat(_scalar(texts), len(values))
    return [quote.encode(), _in_a_line(texts, f"{quote}{separator}{quote}"), quote.encode()]


def _json_column(values: Column) -> tuple[str, Any]:
    """The JSON of each value: what is before and after each, and an Arrow array of `large_string`, or one text for all."""
    if isinstance(values, PackedTexts) and values.is_plain:
        return '"', values.arrow
    if isinstance(values, Categories):
        return "", _names_json(tuple(values.names)).take(pa.array(values.numbers))
    if isinstance(values, np.ndarray):
        if values.dtype.kind not in "iu":  # Arrow writes other numbers as JSON does not
            return "", _json_texts(values.tolist())
        return "", IntegerColumn(values).texts
    if isinstance(values, IntegerColumn):
        return "", values.texts
    return "", _json_texts(values)


def _json_texts(values: Iterable[Any]) -> Any:
    return pa.array([to_json(value) for value in values], pa.large_string())


@lru_cache(maxsize=4)
def _names_json(names: tuple[str | None, ...]) -> Any:
    """`_json_texts` of the names of categories, which are the same for thousands of rows, and again for the next ones."""
    return _json_texts(names)


def _in_a_line(texts: Any, separator: str) -> Any:
    """All texts of an Arrow array, with a separator between them: a buffer of Arrow."""
    together = pa.LargeListArray.from_arrays(pa.array([0, len(texts)], pa.int64()), texts)
    return pc.binary_join(together, _scalar(separator))[0].as_buffer()


def _scalar(texts: Any) -> Any:
    return pa.scalar(texts, pa.large_string()) if isinstance(texts, str) else texts
