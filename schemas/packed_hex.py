"""Many texts of 32 hexadecimal digits, as most ETags are, in half the memory of their digits."""

from collections.abc import Iterator, Sequence
from typing import Any, overload

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from typing_extensions import override

from fitfeed.schemas.lazy_sequence import LazySequence
from fitfeed.schemas.packed_texts import AT_ONCE, PackedTexts, Places

DIGITS = 32
ITEM = DIGITS // 2
"""Bytes of each."""


class PackedHex(LazySequence[str]):
    """A sequence of texts of 32 digits and lower-case letters up to f. A text takes 16 bytes; in `PackedTexts` it takes 40.

    Attributes:
        data: uint8 (texts, 16): their values.
    """

    def __init__(self, data: npt.NDArray[np.uint8]) -> None:
        """Takes what `of` packs."""
        self.data = data

    @classmethod
    def of(cls, texts: Sequence[str]) -> "PackedHex | None":
        """Packs texts; None if one is not such digits."""
        if set(map(len, texts)) != {DIGITS}:
            return None
        together = "".join(texts)
        try:
            packed = bytes.fromhex(together)
        except ValueError:
            return None
        if packed.hex() != together:  # capital letters, or spaces
            return None
        return cls(np.frombuffer(packed, np.uint8).reshape(-1, ITEM))

    @classmethod
    def of_arrow(cls, column: Any) -> "PackedHex":
        """Inverse of `arrow`, without a copy."""
        begin = column.offset * ITEM
        data = np.frombuffer(column.buffers()[1] or b"", np.uint8)[begin : begin + len(column) * ITEM]
        return cls(data.reshape(-1, ITEM))

    @property
    def arrow(self) -> Any:
        """The values as an Arrow array of `binary(16)`, without a copy."""
        return pa.Array.from_buffers(
            pa.binary(ITEM), len(self), [None, pa.py_buffer(np.ascontiguousarray(self.data))]
        )

    @property
    def size(self) -> int:
        """The bytes of all texts together, as `PackedTexts` has them."""
        return len(self) * DIGITS

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """int64 (texts,): the bytes of each; all are the same, in one place of memory."""
        return np.broadcast_to(np.int64(DIGITS), len(self))

    @property
    def texts(self) -> PackedTexts:
        """The same as texts."""
        digits = np.frombuffer(self.data.tobytes().hex().encode(), np.uint8)
        return PackedTexts(digits, np.arange(0, len(digits) + 1, DIGITS, dtype=np.int64), is_plain=True)

    def to_list(self) -> list[str]:
        """The texts as objects."""
        return self.texts.to_list()

    def blocks(self) -> Iterator[PackedTexts]:
        """All texts, some at a time."""
        return (self[begin : begin + AT_ONCE].texts for begin in range(0, len(self), AT_ONCE))

    @override
    def __len__(self) -> int:
        return len(self.data)

    @overload
    def __getitem__(self, place: int) -> str: ...

    @overload
    def __getitem__(self, place: slice) -> "PackedHex": ...

    @override
    def __getitem__(self, place: int | slice) -> "str | PackedHex":
        if isinstance(place, slice):
            return PackedHex(self.data[place])
        text: str = self.data[place].tobytes().hex()
        return text

    @override
    def __iter__(self) -> Iterator[str]:
        for some in self.blocks():
            yield from some

    def take(self, places: Places) -> "PackedHex":
        """The texts at some places, in their order."""
        return PackedHex(np.take(self.data, np.asarray(places, np.int64), axis=0))


class HexSpace:
    """Memory for packed texts that are put together, the last ones first, as `TextSpace`.

    Attributes:
        texts: What was put in so far, at its end.
    """

    def __init__(self, count: int) -> None:
        """Makes room for so many."""
        self.texts, self._count = PackedHex(np.empty((count, ITEM), np.uint8)), count

    def put_before(self, part: PackedHex) -> None:
        """Puts texts before those that are there."""
        stop = self._count
        self._count = stop - len(part)
        self.texts.data[self._count : stop] = part.data
