"""Reads columns of an index whose values have different lengths, in place, from a file that anybody may have written."""

from array import array
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fitfeed.schemas.arrow_file import ADVICE
from fitfeed.schemas.errors import DamagedDatasetError

MAX_NAMES = 126
OTHER = "other"
"""Replaces all names after the first 126 different ones, because numbers of names have 8 bits."""

MAX_NAME_BYTES = 256
NULL = -1


class TextColumn:
    """Texts, by row. Thread-safe."""

    def __init__(self, file: Path | str, name: str, column: Any) -> None:
        """Takes an Arrow column of type large_string or string, valid in its outline."""
        _, ends, data = column.buffers()
        self._file, self._name = file, name
        dtype = np.int64 if pa.types.is_large_string(column.type) else np.int32
        self._ends = _ends(ends, len(column), dtype)
        self._data = memoryview(b"" if data is None else data)

    def __getitem__(self, row: int) -> str:
        """The text of row 0 <= `row` < len.

        Raises:
            DamagedDatasetError: If the bytes of the file are not text there.
        """
        begin, end = int(self._ends[row]), int(self._ends[row + 1])
        try:
            if 0 <= begin <= end <= len(self._data):
                return str(self._data[begin:end], "utf-8")
            reason = f"it would be bytes {begin} to {end} of {len(self._data)}"
        except UnicodeDecodeError as error:
            reason = f"{error.reason} at byte {error.start}"
        msg = f"{self._file}: the {self._name} of row {row} is not text: {reason}. {ADVICE}"
        raise DamagedDatasetError(msg)


class ListColumn:
    """Lists of class numbers or of floats, by row. Thread-safe."""

    def __init__(self, file: Path | str, name: str, column: Any) -> None:
        """Takes an Arrow column of type large_list(int64 or float64), valid in its outline."""
        self._file, self._name = file, name
        self._ends = _ends(column.buffers()[1], len(column), np.int64)
        self._values = column_numbers(column.values)

    def __getitem__(self, row: int) -> npt.NDArray[Any]:
        """The list of row 0 <= `row` < len: int64 or float64 (n,), read-only.

        Raises:
            DamagedDatasetError: If the bytes of the file are not a list there.
        """
        begin, end = int(self._ends[row]), int(self._ends[row + 1])
        if 0 <= begin <= end <= len(self._values):
            return self._values[begin:end]
        msg = f"{self._file}: the {self._name} of row {row} is not a list: it would be values {begin} to {end} of {len(self._values)}. {ADVICE}"
        raise DamagedDatasetError(msg)


class NameColumn:
    """Texts that occur often, by row. Each is in memory once, and a row may have none. Thread-safe.

    Attributes:
        names: All texts, each once.
    """

    def __init__(self, file: Path | str, name: str, column: Any) -> None:
        """Takes an Arrow column of type dictionary(int8, string), valid in its outline.

        Raises:
            ValueError: If it has more or longer texts than an index may have, or one of them twice.
            DamagedDatasetError: If one of them is not text.
        """
        texts = column.dictionary
        if len(texts) > MAX_NAMES + 1 or texts.get_total_buffer_size() > (MAX_NAMES + 2) * MAX_NAME_BYTES:
            msg = f"{name} has more than {MAX_NAMES + 1} different texts, or longer ones than {MAX_NAME_BYTES} bytes"
            raise ValueError(msg)
        read = TextColumn(file, name, texts)
        self._file, self._name = file, name
        self.names = [read[number] for number in range(len(texts))]
        if len(set(self.names)) != len(self.names):
            msg = f"{name} has the same text twice"
            raise ValueError(msg)
        validity, numbers = column.indices.buffers()
        self._numbers: npt.NDArray[np.int8] = _numbers(numbers, len(column), np.int8)
        self._validity = None if validity is None else np.frombuffer(validity, np.uint8)

    def __getitem__(self, row: int) -> str | None:
        """The text of row 0 <= `row` < len; None if it has none.

        Raises:
            DamagedDatasetError: If the bytes of the file are not text there.
        """
        number = int(self.numbers(slice(row, row + 1))[0])
        return None if number == NULL else self.names[number]

    def numbers(self, rows: slice) -> npt.NDArray[np.int8]:
        """For some rows, the place of their text in `names`: int8 (n,). It is -1 if a row has none.

        Raises:
            DamagedDatasetError: If it is not a place in `names`.
        """
        numbers, wrong = self._read(rows)
        if wrong.any():
            first = int(np.argmax(wrong))
            row = rows.indices(len(self._numbers))[0] + first
            msg = f"{self._file}: the {self._name} of row {row} is not text: it would be number {numbers[first]} of {len(self.names)}. {ADVICE}"
            raise DamagedDatasetError(msg)
        return numbers

    def wrong(self, rows: slice) -> npt.NDArray[np.bool_]:
        """Whether each of some rows has a number without a text: bool (n,)."""
        return self._read(rows)[1]

    def _read(self, rows: slice) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.bool_]]:
        first, stop, _ = rows.indices(len(self._numbers))
        stop = max(first, stop)
        numbers = self._numbers[first:stop]
        wrong = (numbers < 0) | (numbers >= len(self.names))
        if self._validity is None:
            return numbers, wrong
        bits = np.unpackbits(self._validity[first // 8 : -(-stop // 8)], bitorder="little")
        there = bits[first % 8 :][: stop - first].astype(bool)
        return np.where(there, numbers, NULL).astype(np.int8), wrong & there


def column_numbers(column: Any) -> npt.NDArray[Any]:
    """The numbers of an Arrow column without nulls, valid in its outline: (rows,) of its type, read-only, without a copy.

    Arrow's own `to_numpy` imports pandas where that is installed, which takes each process 0.2 s.
    """
    dtype = np.dtype(str(column.type))
    data = column.buffers()[1]
    if not len(column):
        return np.zeros(0, dtype)
    return np.frombuffer(data, dtype, len(column), column.offset * dtype.itemsize)


def encode_names(names: Iterable[str | None], before: NameColumn | None = None) -> Any:
    """Makes the Arrow column that `NameColumn` reads.

    Texts are numbered in the order in which they first occur. After 126 different ones, all others become `other`.

    Args:
        names: The texts by row.
        before: Rows that come first. They keep their numbers.

    Raises:
        DamagedDatasetError: If `before` cannot be read.
    """
    known = {} if before is None else {name: number for number, name in enumerate(before.names)}
    numbers = array("b", [] if before is None else before.numbers(slice(None)).tobytes())
    for name in names:
        if name is None:
            numbers.append(NULL)
            continue
        kept = name if name in known or len(known) < MAX_NAMES else OTHER
        numbers.append(known.setdefault(kept, len(known)))
    values = np.frombuffer(numbers, np.int8)
    without = values == NULL
    indices = pa.array(np.where(without, 0, values), pa.int8(), mask=without if without.any() else None)
    return pa.DictionaryArray.from_arrays(indices, pa.array(list(known), pa.string()))


class MaskColumn(NamedTuple):
    """Where masks are stored, as read-only arrays of shape (examples,): as those of the images."""

    offset: npt.NDArray[np.int64]
    length: npt.NDArray[np.int64]
    crc32c: npt.NDArray[np.uint32]


def _ends(buffer: Any, rows: int, dtype: type[np.integer[Any]]) -> npt.NDArray[Any]:
    """Where the first value begins, and then where each value ends."""
    return np.frombuffer(buffer, dtype, rows + 1) if rows else np.zeros(1, dtype)


def _numbers(buffer: Any, rows: int, dtype: type[np.integer[Any]]) -> npt.NDArray[Any]:
    return np.frombuffer(buffer, dtype, rows) if rows else np.zeros(0, dtype)
