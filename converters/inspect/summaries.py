"""Sums up values: their range, sizes, kinds and distinct values. A sum holds a limited number of values."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from fitfeed.converters.inspect.byte_content import ContentScan
from fitfeed.converters.inspect.report import DISTINCT_LIMIT, FEW, Content, Span
from fitfeed.schemas.text import shortened

SHORT_BYTES = 64
"""Longest bytes values that may be names. Their distinct values are counted."""

PENDING_VALUES = 4096
"""Numbers that are collected before they are summed up: NumPy takes as long for one as for a thousand."""


class RunningSpan:
    """Keeps the smallest and the largest number."""

    def __init__(self) -> None:
        """Starts without a number."""
        self._min, self._max = math.inf, -math.inf

    def add(self, low: float, high: float | None = None) -> None:
        """Adds a number, or the smallest and largest of several."""
        self._min = min(self._min, low)
        self._max = max(self._max, low if high is None else high)

    def span(self) -> Span | None:
        """The smallest and the largest number; None before the first one."""
        return None if self._min > self._max else Span(self._min, self._max)


class Numbers:
    """Sums up numbers: their range and distinct values."""

    def __init__(self) -> None:
        """Starts empty."""
        self._range = RunningSpan()
        self._distinct: set[float] = set()
        self._pending: list[float] = []
        self._pending_type: Any = None
        self.not_finite = 0

    def add(self, values: npt.NDArray[Any]) -> None:
        """Adds an array of booleans, integers or floats, of any shape."""
        if values.dtype.kind == "b":
            values = values.view(np.uint8)
        finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values.ravel()
        self.not_finite += values.size - finite.size
        if finite.size == 0:
            return
        self._range.add(_number(finite.min()), _number(finite.max()))
        if len(self._distinct) <= DISTINCT_LIMIT:
            self._distinct.update(map(_number, np.unique(finite)[: DISTINCT_LIMIT + 1]))

    def add_list(self, values: Any, dtype: type[np.float32 | np.int64]) -> None:
        """Adds numbers of a list of protobuf."""
        if dtype is not self._pending_type:
            self._flush()
            self._pending_type = dtype
        if len(values) > PENDING_VALUES:  # a slice at a time: a number of a list takes ten times its bytes
            for start in range(0, len(values), PENDING_VALUES):
                self.add(np.array(values[start : start + PENDING_VALUES], dtype))
            return
        self._pending.extend(values)
        if len(self._pending) >= PENDING_VALUES:
            self._flush()

    def _flush(self) -> None:
        if self._pending:
            self.add(np.array(self._pending, self._pending_type))
            self._pending.clear()

    @property
    def span(self) -> Span | None:
        """The smallest and the largest finite value."""
        self._flush()
        return self._range.span()

    @property
    def distinct(self) -> int:
        """Number of distinct values, at most `DISTINCT_LIMIT + 1`."""
        self._flush()
        return min(len(self._distinct), DISTINCT_LIMIT + 1)

    @property
    def few(self) -> tuple[int | float, ...]:
        """The distinct values in order, if they are few."""
        return tuple(sorted(self._distinct)) if self.distinct <= FEW else ()


def _number(value: Any) -> int | float:
    """A NumPy number as one of Python, with the digits that NumPy shows: a float32 of 0.1 is 0.1."""
    if value.dtype.kind == "f" and value.dtype.itemsize != 8:
        return float(str(value))
    number: int | float = value.item()
    return number


class ByteStrings:
    """Sums up byte strings: their sizes, what they hold, and distinct values."""

    def __init__(self) -> None:
        """Starts empty."""
        self._size = RunningSpan()
        self._distinct: set[bytes] = set()
        self._all_short = True
        self._content = ContentScan()
        self.count = 0

    def add(self, value: bytes) -> None:
        """Adds one value."""
        self.count += 1
        self._size.add(len(value))
        self._content.add(value)
        if len(value) > SHORT_BYTES:
            self._all_short = False
            self._distinct.clear()
        elif self._all_short and len(self._distinct) <= DISTINCT_LIMIT:
            self._distinct.add(value)

    @property
    def images(self) -> dict[str, int]:
        """Values that begin like an image, by format."""
        return self._content.images

    @property
    def content(self) -> Content | None:
        """What all values hold; None if they do not hold the same, or that is not known."""
        return self._content.content

    @property
    def size(self) -> Span | None:
        """Bytes per value."""
        return self._size.span()

    @property
    def distinct(self) -> int | None:
        """Number of distinct values, at most `DISTINCT_LIMIT + 1`; None unless all are short."""
        return len(self._distinct) if self._all_short and self.count else None

    @property
    def few(self) -> tuple[str, ...]:
        """The distinct values as text in order, if they are few, and text."""
        if not self.distinct or self.distinct > FEW:
            return ()
        texts = [text_of(value) for value in sorted(self._distinct)]
        return (
            () if any(text is None for text in texts) else tuple(text for text in texts if text is not None)
        )


def text_of(value: bytes) -> str | None:
    """Bytes as text for a person: UTF-8, or Latin-1 escaped; None if they are not text."""
    value = value.rstrip(b"\0")
    text = value.decode("utf-8", "backslashreplace")
    if any(byte < 32 for byte in value) or text.count("\\x") * 2 > len(value):
        return None
    return shortened(text, limit=40)
