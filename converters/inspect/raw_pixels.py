"""Finds raw pixels: byte strings that have as many bytes as other features of their records say."""

import math
from collections.abc import Mapping, Sequence

from fitfeed.converters.inspect.report import Content

_DTYPES = {1: "uint8", 2: "uint16", 4: "float32", 8: "float64"}
"""What values of so many bytes probably are. Nothing in a record says it."""

_HEIGHT, _WIDTH = ("height", "rows", "h", "img_h"), ("width", "cols", "columns", "w", "img_w")
_CHANNELS = ("channels", "depth", "channel", "c")
_SHAPE = ("shape", "size", "dims", "dimensions")

MAX_CANDIDATES = 8
"""Byte strings of a record that are looked at. A record with more of them is not of images."""


class PixelsScan:
    """Compares the lengths of byte strings with the numbers beside them, record after record."""

    def __init__(self) -> None:
        """Starts with nothing known."""
        self._sides: dict[str, tuple[tuple[str, ...], int] | None] = {}
        self._shapes: dict[str, set[tuple[int, ...]]] = {}

    def add(self, lengths: Mapping[str, int], numbers: Mapping[str, Sequence[int]]) -> None:
        """Adds a record.

        Args:
            lengths: Bytes of each feature that is one byte string.
            numbers: Each feature of integers that may be a side, or a shape.
        """
        for name, length in list(lengths.items())[:MAX_CANDIDATES]:
            if name not in self._sides:
                self._sides[name] = _fitting(length, numbers)
            found = self._sides[name]
            if found is None:
                continue
            sides, itemsize = found
            shape = tuple(size for side in sides for size in numbers.get(side, ()))
            if min(shape, default=0) <= 0 or math.prod(shape) * itemsize != length:
                self._sides[name] = None
            elif len(shapes := self._shapes.setdefault(name, set())) < 2:
                shapes.add(shape)

    def content(self, name: str) -> Content | None:
        """The pixels that a feature holds; None if it does not."""
        found = self._sides.get(name)
        if found is None:
            return None
        sides, itemsize = found
        shapes = self._shapes[name]
        shape: tuple[int | None, ...] = next(iter(shapes))
        if len(shapes) > 1:
            shape = (None,) * len(shape)
        return Content(kind="pixels", dtype=_DTYPES[itemsize], shape=shape, sides=sides)


def is_side(name: str) -> bool:
    """Whether a feature of this name may be a side of an image, or its shape."""
    return _word(name) in (*_HEIGHT, *_WIDTH, *_CHANNELS, *_SHAPE)


def _word(name: str) -> str:
    """The part of a name that says what it is: `height` of `image/height` and `img_height`."""
    last = name.lower().replace(".", "/").rpartition("/")[2]
    return last if last in ("img_h", "img_w") else last.rpartition("_")[2]


def _fitting(length: int, numbers: Mapping[str, Sequence[int]]) -> tuple[tuple[str, ...], int] | None:
    """The features that have the sides of the pixels, and bytes per value; None if none fit."""
    by_word = {_word(name): name for name in reversed(list(numbers))}
    heights, widths, channels = (
        [by_word[word] for word in words if word in by_word] for words in (_HEIGHT, _WIDTH, _CHANNELS)
    )
    flat = [(height, width) for height in heights for width in widths]
    candidates: list[tuple[str, ...]] = [
        *((by_word[word],) for word in _SHAPE if word in by_word),
        *((*size, channel) for size in flat for channel in channels),
        *flat,
    ]
    for sides in candidates:
        values = [size for side in sides for size in numbers[side]]
        if len(values) not in (2, 3) or min(values) <= 0:
            continue
        itemsize, rest = divmod(length, math.prod(values))
        if not rest and itemsize in _DTYPES:
            return sides, itemsize
    return None
