"""Columns of an index whose values differ in length, read in place from memory that anybody may have written."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fitfeed.schemas.errors import DamagedDatasetError

ADVICE = "Restore it, or convert the dataset again."


class TextColumn:
    """Texts, by row. Thread-safe."""

    def __init__(self, file: Path, name: str, column: Any) -> None:
        """Takes an Arrow column of type large_string, valid in its outline."""
        _, ends, data = column.buffers()
        self._file, self._name = file, name
        self._ends = _ends(ends, len(column))
        self._data = memoryview(b"" if data is None else data)

    def __getitem__(self, row: int) -> str:
        """The text of row 0 <= `row` < len.

        Raises:
            DamagedDatasetError: If the file's bytes give no text there.
        """
        begin, end = int(self._ends[row]), int(self._ends[row + 1])
        try:
            if 0 <= begin <= end <= len(self._data):
                return str(self._data[begin:end], "utf-8")
            reason = f"it would be bytes {begin} to {end} of {len(self._data)}"
        except UnicodeDecodeError as error:
            reason = f"{error.reason} at byte {error.start}"
        msg = f"{self._file}: the {self._name} of row {row} is no text: {reason}. {ADVICE}"
        raise DamagedDatasetError(msg)


class ListColumn:
    """Lists of class numbers, by row. Thread-safe."""

    def __init__(self, file: Path, name: str, column: Any) -> None:
        """Takes an Arrow column of type large_list(int64), valid in its outline."""
        self._file, self._name = file, name
        self._ends = _ends(column.buffers()[1], len(column))
        self._values: npt.NDArray[np.int64] = column.values.to_numpy(zero_copy_only=True)

    def __getitem__(self, row: int) -> npt.NDArray[np.int64]:
        """The list of row 0 <= `row` < len: int64 (n,), read-only.

        Raises:
            DamagedDatasetError: If the file's bytes give no list there.
        """
        begin, end = int(self._ends[row]), int(self._ends[row + 1])
        if 0 <= begin <= end <= len(self._values):
            return self._values[begin:end]
        msg = f"{self._file}: the {self._name} of row {row} is no list: it would be values {begin} to {end} of {len(self._values)}. {ADVICE}"
        raise DamagedDatasetError(msg)


class MaskColumn(NamedTuple):
    """Where masks are stored, as read-only arrays of shape (examples,): as those of the images."""

    offset: npt.NDArray[np.int64]
    length: npt.NDArray[np.int64]
    crc32c: npt.NDArray[np.uint32]


def _ends(buffer: Any, rows: int) -> npt.NDArray[np.int64]:
    """Where each value ends, after where the first begins."""
    return np.frombuffer(buffer, np.int64, rows + 1) if rows else np.zeros(1, np.int64)
