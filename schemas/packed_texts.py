"""Many texts in little memory: their bytes one after the other, and where each begins."""

import binascii
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, Protocol, overload

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from typing_extensions import override

from fitfeed.schemas.chunks import in_chunks
from fitfeed.schemas.lazy_sequence import LazySequence

AT_ONCE = 1 << 14
"""Texts that are objects at a time while all are iterated over."""

BYTES_AT_ONCE = 1 << 18
"""Bytes that are looked at at once, so that the results are in a cache."""

ENCODING, ERRORS = "utf-8", "surrogatepass"
"""Names of files need not be text. So encoded, any `str` comes back as it was, and the order of bytes is that of `str`."""

Places = npt.NDArray[np.integer[Any]] | Sequence[int]


class PackedTexts(LazySequence[str]):
    """A sequence of texts. A path takes its bytes and 8 more; as a `str` of its own, it would take 57 more.

    Attributes:
        data: uint8 (bytes,): the texts in UTF-8, one after the other.
        offsets: int64 (texts + 1,): where each begins, and where the last one ends.
    """

    def __init__(
        self, data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64], *, is_plain: bool | None = None
    ) -> None:
        """Takes what `of` packs; and whether it `is_plain`, if that is known."""
        self.data, self.offsets = data, offsets
        if is_plain is not None:
            vars(self)["is_plain"] = is_plain

    @classmethod
    def of(cls, texts: Iterable[str]) -> "PackedTexts":
        """Packs texts."""
        if isinstance(texts, PackedTexts):
            return texts
        return cls.joined(list(map(_packed, in_chunks(texts, AT_ONCE))))

    @classmethod
    def of_names(cls, prefix: str, names: Sequence[str]) -> "PackedTexts":
        """Packs names, each after a prefix, without making a text of both."""
        return _packed(names, prefix)

    @classmethod
    def of_arrow(cls, column: Any) -> "PackedTexts":
        """The texts of an Arrow array of `large_string` or `large_binary`, without a copy."""
        _, offsets, data = column.buffers()
        if not len(column):
            return cls(np.empty(0, np.uint8), np.zeros(1, np.int64))
        begins = np.frombuffer(offsets, np.int64)[column.offset : column.offset + len(column) + 1]
        return cls(np.frombuffer(data or b"", np.uint8), begins)

    @classmethod
    def joined(cls, parts: list["PackedTexts"]) -> "PackedTexts":
        """The texts of all parts. The list is emptied on the way, so that no text is in memory twice."""
        if len(parts) == 1:
            return parts.pop()
        space = TextSpace(parts)
        while parts:
            space.put_before(parts.pop())
        return space.texts

    @property
    def size(self) -> int:
        """The bytes of all texts together."""
        return int(self.offsets[-1] - self.offsets[0])

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """int64 (texts,): the bytes of each."""
        return np.diff(self.offsets)

    @override
    def __len__(self) -> int:
        return len(self.offsets) - 1

    @overload
    def __getitem__(self, place: int) -> str: ...

    @overload
    def __getitem__(self, place: slice) -> "PackedTexts": ...

    @override
    def __getitem__(self, place: int | slice) -> "str | PackedTexts":
        if isinstance(place, slice):
            begin, end, step = place.indices(len(self))
            if step != 1:
                return self.take(np.arange(begin, end, step))
            return self._part(PackedTexts(self.data, self.offsets[begin : max(begin, end) + 1]), "in_order")
        place = range(len(self))[place]
        return self[place : place + 1].joined_text()

    @override
    def __iter__(self) -> Iterator[str]:
        for some in self.blocks():
            yield from some.to_list()

    def blocks(self) -> Iterator["PackedTexts"]:
        """All texts, some at a time, without a copy."""
        return (self[begin : begin + AT_ONCE] for begin in range(0, len(self), AT_ONCE))

    def joined_text(self) -> str:
        """All texts as one, without anything between them."""
        return self.data[self.offsets[0] : self.offsets[-1]].tobytes().decode(ENCODING, ERRORS)

    def to_list(self) -> list[str]:
        """The texts as objects."""
        if self.is_text:
            texts: list[str] = self.arrow.to_numpy(zero_copy_only=False).tolist()
            return texts
        return [self[place] for place in range(len(self))]

    def take(self, places: Places) -> "PackedTexts":
        """The texts at some places, in their order."""
        return self._part(PackedTexts.of_arrow(self.binary.take(pa.array(places, pa.int64()))))

    def after(self, prefix: str) -> "PackedTexts":
        """The texts, each after a prefix."""
        before, end = (pa.scalar(text.encode(ENCODING, ERRORS), pa.large_binary()) for text in (prefix, ""))
        joined = (pc.binary_join_element_wise(before, some.binary, end) for some in self.blocks())
        return PackedTexts.joined([PackedTexts.of([]), *map(PackedTexts.of_arrow, joined)])

    def to_bytes(self) -> list[bytes]:
        """The texts in UTF-8, as objects."""
        encoded: list[bytes] = self.binary.to_numpy(zero_copy_only=False).tolist()
        return encoded

    def _part(self, texts: "PackedTexts", *kept: str) -> "PackedTexts":
        """Some of these texts. What is known of all need not be found out of a part."""
        for name in ("is_plain", "is_text", *kept):
            if vars(self).get(name):
                vars(texts)[name] = True
        return texts

    @cached_property
    def is_plain(self) -> bool:
        """Whether all characters are ASCII that JSON has as they are: no quotes, no backslashes, nothing that cannot be seen."""
        data = self.data[self.offsets[0] : self.offsets[-1]]
        parts = (data[begin : begin + BYTES_AT_ONCE] for begin in range(0, len(data), BYTES_AT_ONCE))
        return all(map(_is_plain, parts))

    @cached_property
    def is_text(self) -> bool:
        """Whether all texts can be written as UTF-8."""
        if self.is_plain:
            return True
        try:
            self.arrow.validate(full=True)
        except pa.ArrowInvalid:
            return False
        return True

    @cached_property
    def checksums(self) -> npt.NDArray[np.uint8]:
        """uint8 (texts,): a number of each, the same of equal texts, by which many are divided into parts."""
        parts = [np.empty(0, np.uint8)]
        for some in self.blocks():
            numbers = np.fromiter(map(binascii.crc32, some.to_bytes()), np.uint32, len(some))
            parts.append(numbers.astype(np.uint8))
        return np.concatenate(parts)

    @property
    def arrow(self) -> Any:
        """The texts as an Arrow array of `large_string`, without a copy. It is valid if `is_text`."""
        return self._array(pa.large_string())

    @cached_property
    def in_order(self) -> bool:
        """Whether the texts are in their order as `str`."""
        binary = self.binary
        return pc.all(pc.less_equal(binary[:-1], binary[1:])).as_py() is not False

    def order(self) -> npt.NDArray[np.int64] | None:
        """int64 (texts,): the places of the texts in their order as `str`; None if they are in order."""
        return None if self.in_order else np.asarray(pc.array_sort_indices(self.binary), np.int64)

    def first_twice(self) -> str | None:
        """The first text that occurs twice, of texts in order; None if none does."""
        binary = self.binary
        place = pc.index(pc.equal(binary[:-1], binary[1:]), pa.scalar(value=True)).as_py()
        return None if place < 0 else self[place]

    @property
    def binary(self) -> Any:
        """The same as `large_binary`, which is always valid."""
        return self._array(pa.large_binary())

    def _array(self, kind: Any) -> Any:
        buffers = [None, pa.py_buffer(np.ascontiguousarray(self.offsets)), pa.py_buffer(self.data)]
        return pa.Array.from_buffers(kind, len(self), buffers)


def _is_plain(data: npt.NDArray[np.uint8]) -> bool:
    inside = data.min() >= ord(" ") and data.max() <= ord("~")
    return bool(inside and not ((data == ord('"')) | (data == ord("\\"))).any())


def _packed(texts: Sequence[str], prefix: str = "") -> PackedTexts:
    offsets = np.zeros(len(texts) + 1, np.int64)
    joined = prefix.join(["", *texts])
    if joined.isascii():
        data, lengths = joined.encode(), map(len, texts)
    else:
        parts = [f"{prefix}{text}".encode(ENCODING, ERRORS) for text in texts]
        data, lengths, prefix = b"".join(parts), map(len, parts), ""
    np.cumsum(np.fromiter(lengths, np.int64, len(texts)) + len(prefix), out=offsets[1:])
    return PackedTexts(np.frombuffer(data, np.uint8), offsets)


class TextsAt(Sequence[str]):
    """The texts at some places, of which only those that are asked for are copied."""

    def __init__(self, texts: PackedTexts, places: npt.NDArray[np.integer[Any]]) -> None:
        """Takes texts and places."""
        self._texts, self._places = texts, places

    @override
    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, number: int) -> str: ...

    @overload
    def __getitem__(self, number: slice) -> PackedTexts: ...

    @override
    def __getitem__(self, number: int | slice) -> str | PackedTexts:
        if isinstance(number, slice):
            return self._texts.take(self._places[number])
        return self._texts[int(self._places[number])]


class HasSize(Protocol):
    """What is known of texts before they are put together.

    Attributes:
        size: The bytes of all together.
    """

    @property
    def size(self) -> int: ...  # noqa: D102 - see above

    def __len__(self) -> int: ...  # noqa: D105


class TextSpace:
    """Memory for texts that are put together, the last ones first.

    So what was allocated last can be given back to the system first, and no text is in memory twice.

    Attributes:
        texts: What was put in so far, at its end.
    """

    def __init__(self, parts: Sequence[HasSize]) -> None:
        """Makes room for the texts of all parts."""
        self._size, self._count = sum(part.size for part in parts), sum(map(len, parts))
        data, offsets = np.empty(self._size, np.uint8), np.empty(self._count + 1, np.int64)
        offsets[self._count] = self._size
        self.texts = PackedTexts(data, offsets)

    def put_before(self, part: PackedTexts) -> None:
        """Puts texts before those that are there."""
        data, offsets = self.texts.data, self.texts.offsets
        begin, end = part.offsets[0], part.offsets[-1]
        stop, last = self._size, self._count
        self._size, self._count = stop - part.size, last - len(part)
        data[self._size : stop] = part.data[begin:end]
        np.add(part.offsets[:-1], self._size - begin, out=offsets[self._count : last])
