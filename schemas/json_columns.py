"""JSON of many rows at once: the bytes that `json.dumps` writes, made of whole columns."""

import json
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fitfeed.schemas.categories import Categories
from fitfeed.schemas.packed_texts import PackedTexts

to_json = partial(json.dumps, sort_keys=True, separators=(",", ":"))
"""Canonical JSON: sorted keys and no spaces."""

Column = PackedTexts | Categories[str] | npt.NDArray[np.integer[Any]] | Sequence[Any]


def json_rows(columns: Sequence[Column]) -> bytes:
    """Canonical JSON of rows, as in a list but without its brackets: `["a",1],["b",2]`.

    Args:
        columns: Their columns, at least one, all of one length. Columns of texts, categories and integers are fast.
    """
    if not len(columns[0]):
        return b""
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
    return _in_a_line(rows, ",")


def json_list(values: Column) -> bytes:
    """JSON of a list, with the spaces that `json.dumps` writes."""
    quote, texts = _json_column(values)
    if isinstance(texts, str):
        texts = pa.repeat(_scalar(texts), len(values))
    edge = quote.encode() if len(values) else b""
    return b"[%b%b%b]" % (edge, _in_a_line(texts, f"{quote}, {quote}"), edge)


def _json_column(values: Column) -> tuple[str, Any]:
    """The JSON of each value: what is before and after each, and an Arrow array of `large_string`, or one text for all."""
    if isinstance(values, PackedTexts) and _is_plain(values):
        return '"', values.arrow
    if isinstance(values, Categories):
        return "", _json_texts(values.names).take(pa.array(values.numbers))
    if isinstance(values, np.ndarray):
        if values.dtype.kind not in "iu":  # Arrow writes other numbers as JSON does not
            return "", _json_texts(values.tolist())
        is_one = len(values) > 0 and values.min() == values.max()
        return "", str(values[0]) if is_one else pc.cast(pa.array(values), pa.large_string())
    return "", _json_texts(values)


def _json_texts(values: Iterable[Any]) -> Any:
    return pa.array([to_json(value) for value in values], pa.large_string())


def _is_plain(texts: PackedTexts) -> bool:
    """Whether no character needs an escape."""
    data = texts.data[texts.offsets[0] : texts.offsets[-1]]
    is_plain = (data >= ord(" ")) & (data <= ord("~")) & (data != ord('"')) & (data != ord("\\"))
    return bool(is_plain.all())


def _in_a_line(texts: Any, separator: str) -> bytes:
    """All texts of an Arrow array, with a separator between them."""
    together = pa.LargeListArray.from_arrays(pa.array([0, len(texts)], pa.int64()), texts)
    line: bytes = pc.binary_join(together, _scalar(separator))[0].as_buffer().to_pybytes()
    return line


def _scalar(texts: Any) -> Any:
    return pa.scalar(texts, pa.large_string()) if isinstance(texts, str) else texts
