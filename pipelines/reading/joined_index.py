"""Reads the indexes of several splits as one, without copying them.

For example three splits of 3, 2 and 4 examples:

    example     0  1  2 | 3  4 | 5  6  7  8
    split       fold0   | fold1| fold3
    row         0  1  2 | 0  1 | 0  1  2  3
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt

from fitfeed.schemas.index import Index
from fitfeed.schemas.index_columns import MaskColumn


class JoinedColumn:
    """A column of several indexes, one after the other. Immutable, thread-safe."""

    def __init__(self, parts: Sequence[Any], firsts: Sequence[int], *, added: Sequence[int] = ()) -> None:
        """Takes the columns.

        Args:
            parts: NumPy arrays of one type, or columns of `fitfeed.schemas.index_columns`.
            firsts: The number of each part's first row, and after them the number of all rows.
            added: For each part, what is added to its values. Nothing: nothing.
        """
        self._parts, self._firsts = parts, firsts
        self._bounds = list(firsts[1:-1])
        self._added = added

    def __getitem__(self, rows: Any) -> Any:
        """Returns the value of a row, or those of many: a slice, or integers (n,)."""
        if isinstance(rows, slice):
            rows = np.arange(*rows.indices(self._firsts[-1]))
        if not isinstance(rows, np.ndarray):
            part = bisect_right(self._bounds, rows)
            value = self._parts[part][rows - self._firsts[part]]
            return value + self._added[part] if self._added else value
        of_part = np.searchsorted(self._bounds, rows, side="right")
        values = np.empty(rows.shape, self._parts[0].dtype)
        for number, part in enumerate(self._parts):
            here = of_part == number
            values[here] = part[rows[here] - self._firsts[number]]
        return values + np.array(self._added, values.dtype)[of_part] if self._added else values

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        """Copies the whole column into one array."""
        whole: npt.NDArray[Any] = self[:]
        return whole if dtype is None else whole.astype(dtype)


class JoinedIndex:
    """What feeding reads of the indexes of several splits. Immutable, thread-safe.

    Attributes:
        shard, offset, length, crc32c, height, width: Columns, as those of an `Index`. Shards are counted
            through all splits.
        labels: Label name to its column, likewise.
        parts: The indexes.
    """

    def __init__(self, indexes: Sequence[Index], *, shards: Sequence[int]) -> None:
        """Joins indexes of one dataset.

        Args:
            indexes: At least one.
            shards: The number of shards of each split.
        """
        self.parts = indexes
        self._firsts = [0, *accumulate(map(len, indexes))]
        self.shard = JoinedColumn(
            [index.shard for index in indexes], self._firsts, added=[0, *accumulate(shards[:-1])]
        )
        self.offset, self.length, self.crc32c, self.height, self.width = (
            self._joined([getattr(index, name) for index in indexes])
            for name in ("offset", "length", "crc32c", "height", "width")
        )
        self.labels: dict[str, Any] = {
            name: self._joined([index.labels[name] for index in indexes]) for name in indexes[0].labels
        }

    def __len__(self) -> int:
        """Returns the number of examples of all splits."""
        return self._firsts[-1]

    def require_whole(self) -> None:
        """Checks that the files are as long as they were.

        Raises:
            DamagedDatasetError: If one was cut off since it was opened.
        """
        for index in self.parts:
            index.require_whole()

    def key(self, row: int) -> str:
        """Returns the key of row 0 <= `row` < len.

        Raises:
            DamagedDatasetError: If the bytes of the file are not text there.
        """
        part, row = self.place(row)
        return self.parts[part].key(row)

    def place(self, row: int) -> tuple[int, int]:
        """Returns which of the indexes has a row, and its number there."""
        part = bisect_right(self._firsts, row) - 1
        return part, row - self._firsts[part]

    def _joined(self, parts: Sequence[Any]) -> Any:
        if isinstance(parts[0], MaskColumn):
            return MaskColumn(*map(self._joined, zip(*parts, strict=True)))
        return JoinedColumn(parts, self._firsts)
