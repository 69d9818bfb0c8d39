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
    rows = _joined(*map(_json_column, columns), separator=",")
    joined = PackedTexts.of_arrow(_joined(rows, "", separator="],["))
    return b"[" + joined.data[: joined.size - 2].tobytes() if len(joined) else b""


def _json_column(values: Column) -> Any:
    """The JSON of each value, as an Arrow array of `large_string`."""
    if isinstance(values, PackedTexts):
        return _quoted(values)
    if isinstance(values, Categories):
        return _json_texts(values.names).take(pa.array(values.numbers))
    if isinstance(values, np.ndarray):
        return pc.cast(pa.array(values), pa.large_string())
    return _json_texts(values)


def _json_texts(values: Iterable[Any]) -> Any:
    return pa.array([to_json(value) for value in values], pa.large_string())


def _quoted(texts: PackedTexts) -> Any:
    data = texts.data[texts.offsets[0] : texts.offsets[-1]]
    is_plain = (data >= ord(" ")) & (data <= ord("~")) & (data != ord('"')) & (data != ord("\\"))
    if not is_plain.all():
        return _json_texts(texts)
    return _joined("", texts.arrow, "", separator='"')


def _joined(*columns: Any, separator: str) -> Any:
    """The texts of each row, with a separator between them. A column may be one text."""
    texts = (pa.scalar(each, pa.large_string()) if isinstance(each, str) else each for each in columns)
    return pc.binary_join_element_wise(*texts, pa.scalar(separator, pa.large_string()))
