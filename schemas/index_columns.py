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
        data = column.buffers()[2]
        self._file, self._name = file, name
        self._ends = _ends(column, np.int64 if pa.types.is_large_string(column.type) else np.int32)
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
        self._ends = _ends(column, np.int64)
        self._values = column_values(column.values)

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
        self._numbers: npt.NDArray[np.int8] = _buffer_values(column.indices, np.dtype(np.int8))
        validity, self._offset = column.indices.buffers()[0], column.indices.offset
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
        begin, end = first + self._offset, stop + self._offset
        bits = np.unpackbits(self._validity[begin // 8 : -(-end // 8)], bitorder="little")
        there = bits[begin % 8 :][: end - begin].astype(bool)
        return np.where(there, numbers, NULL).astype(np.int8), wrong & there


_TYPES: dict[Any, npt.DTypeLike] = {
    pa.int16(): np.int16,
    pa.int32(): np.int32,
    pa.int64(): np.int64,
    pa.uint8(): np.uint8,
    pa.uint16(): np.uint16,
    pa.uint32(): np.uint32,
    pa.float64(): np.float64,
}
"""Types of Arrow whose values are those of a NumPy array, one after the other."""


def column_values(column: Any) -> npt.NDArray[Any]:
    """The numbers, or the byte strings of one length, of an Arrow column that is valid in its outline.

    Arrow's own `to_numpy` imports pandas where that is installed, which takes each process 0.2 s.

    Returns:
        (rows,) of its type, or V for byte strings, read-only, without a copy.

    Raises:
        TypeError: If it has values of another type, or nulls.
    """
    kind = column.type
    dtype = f"V{kind.byte_width}" if pa.types.is_fixed_size_binary(kind) else _TYPES.get(kind)
    if dtype is None or column.null_count:
        msg = f"expected a column of {', '.join(map(str, _TYPES))} or byte strings of one length, without nulls. Received: {kind} with {column.null_count} nulls"
        raise TypeError(msg)
    return _buffer_values(column, np.dtype(dtype))


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


def _ends(column: Any, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Where the first value of a column begins, and then where each value ends."""
    return _buffer_values(column, np.dtype(dtype), more=1) if len(column) else np.zeros(1, dtype)


def _buffer_values(column: Any, dtype: np.dtype[Any], *, more: int = 0) -> npt.NDArray[Any]:
    """What the second buffer of a column has for its rows, and some `more`; read-only. Without rows there may be no buffer."""
    count = len(column) + more
    start = column.offset * dtype.itemsize
    found = np.frombuffer(column.buffers()[1], dtype, count, start) if count else np.zeros(0, dtype)
    found.flags.writeable = False  # also where Arrow's buffer is not
    return found
