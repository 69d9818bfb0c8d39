"""Finds many texts in a column of many others, in little memory."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from fitfeed.schemas.packed_texts import PackedTexts

MAX_HASHED = 1 << 18
"""About how many texts are in a hash table at once. One of ten million takes a gigabyte, and is slow, as no cache holds it."""

MAX_BITS = 8
"""The bits of a checksum: texts are divided into at most so many parts that all of these differ."""


def rows_of(texts: PackedTexts, column: PackedTexts) -> npt.NDArray[np.int32]:
    """In which row of a column each text is.

    Both are divided into parts by their checksums, so that equal texts are in the same part.

    Args:
        texts: The texts.
        column: The column. If a text is in several rows, it is found in the first of them, but where both are the same:
            then each text is found in its own row.

    Returns:
        int32 (texts,); -1 where the column does not have it.
    """
    if len(texts) == len(column) and texts.binary.equals(column.binary):
        return np.arange(len(texts), dtype=np.int32)
    bits = min(MAX_BITS, (len(column) // MAX_HASHED).bit_length())
    if not bits:
        return _rows_of_some(texts, column)
    found = np.full(len(texts), -1, np.int32)
    for part in range(1 << bits):
        places = np.flatnonzero(texts.checksums >> (MAX_BITS - bits) == part)
        rows = np.flatnonzero(column.checksums >> (MAX_BITS - bits) == part)
        row = _rows_of_some(texts.take(places), column.take(rows))
        found[places[row >= 0]] = rows[row[row >= 0]]
    return found


def _rows_of_some(texts: PackedTexts, column: PackedTexts) -> npt.NDArray[np.int32]:
    row: Any = pc.index_in(texts.binary, value_set=column.binary)
    return np.asarray(pc.fill_null(row, -1).to_numpy(), np.int32)
