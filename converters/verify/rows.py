"""The rows of one shard, as the index has them."""

import dataclasses
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fitfeed.converters.verify.report import Finding
from fitfeed.schemas.errors import DamagedDatasetError
from fitfeed.schemas.index import Index
from fitfeed.schemas.index_columns import MaskColumn
from fitfeed.schemas.manifest import Manifest
from fitfeed.schemas.manifest_parts import Shard
from fitfeed.schemas.payload import MAX_PAYLOAD_BYTES, check_claimed_size, claimed_size, payload_format

Value: TypeAlias = bytes | int | float
"""One value of a feature in a record."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ShardRows:
    """The examples of a shard: rows `first` to `stop` - 1 of its split's index.

    Examples are numbered from 0 within the shard.

    Attributes:
        manifest: Manifest of the dataset.
        shard: Entry of the shard in the manifest.
        index: Index of the split; None if it cannot be used.
        index_is_whole: Whether the index file is what the manifest says.
        first, stop: The rows.
    """

    manifest: Manifest
    shard: Shard
    index: Index | None
    index_is_whole: bool
    first: int
    stop: int

    @property
    def channels(self) -> int:
        """1 or 3."""
        return self.manifest.features.image.channels

    @cached_property
    def offset(self) -> npt.NDArray[np.int64]:
        """int64 (examples,): where each payload begins. Empty without an index."""
        return self._slice("offset")

    @cached_property
    def length(self) -> npt.NDArray[np.int64]:
        """int64 (examples,): bytes of each payload. Empty without an index."""
        return self._slice("length")

    @cached_property
    def crc32c(self) -> npt.NDArray[np.uint32]:
        """uint32 (examples,): of each payload. Empty without an index."""
        return self._slice("crc32c")

    @cached_property
    def inside(self) -> npt.NDArray[np.bool_]:
        """Whether each payload is inside the shard, by its offset and length: bool (examples,)."""
        offset, length = self.offset, self.length
        inside = (offset >= 0) & (length > 0) & (length <= MAX_PAYLOAD_BYTES)
        return inside & (offset <= self.shard.bytes - np.where(inside, length, 0))

    @cached_property
    def ascending(self) -> npt.NDArray[np.bool_]:
        """Whether each payload begins at the end of the one before, or later: bool (examples,)."""
        end = np.where(self.inside, self.offset + self.length, 0)
        return self.offset >= np.concatenate([np.zeros(1, np.int64), end])[:-1]

    @cached_property
    def can_be_trusted(self) -> bool:
        """Whether the places of payloads in the index are certain."""
        return self.index is not None and self.index_is_whole and bool((self.inside & self.ascending).all())

    def key(self, number: int) -> str | None:
        """Key of an example, if it can be read."""
        if self.index is None or number >= self.stop - self.first:
            return None
        try:
            return self.index.key(self.first + number)
        except DamagedDatasetError:
            return None

    def format_of(self, payload: bytes) -> str:
        """What the column or feature `format` must have for a payload."""
        is_raw = self.manifest.features.image.encoding == "raw"
        return "raw" if is_raw else payload_format(payload)

    def size_fault(self, number: int, payload: bytes) -> str | None:
        """What is wrong with the size that an image or a mask claims in its own header; None if nothing is.

        A decoder would ask for the memory of that size. The index must be there.

        Args:
            number: Number of the example.
            payload: Its image, or one of its masks.
        """
        index, row = self.index, self.first + number
        if index is None or self.manifest.features.image.encoding == "raw":
            return None
        try:
            check_claimed_size(claimed_size(payload), (int(index.height[row]), int(index.width[row])))
        except ValueError as error:
            return str(error)
        return None

    @cached_property
    def masks(self) -> dict[str, MaskColumn]:
        """Where the masks are, by label name; as `offset`, `length` and `crc32c` of the images."""
        if self.index is None:
            return {}
        part = slice(self.first, self.stop)
        return {
            name: MaskColumn(column.offset[part], column.length[part], column.crc32c[part])
            for name, column in self.index.labels.items()
            if isinstance(column, MaskColumn)
        }

    def label(self, name: str, number: int) -> Value | list[int]:
        """The label of an example in the index, text as UTF-8. It is not a mask, and the index must be there.

        Raises:
            DamagedDatasetError: If the index cannot be read there.
        """
        column: Any = None if self.index is None else self.index.labels[name]
        value = column[self.first + number]
        if isinstance(value, str):
            return value.encode()
        found: int | float | list[int] = value.tolist()
        return found

    def expected(self, number: int, payload: bytes) -> dict[str, Sequence[Value]]:
        """The values that a record must have, by feature, without masks. The index must be there.

        Args:
            number: Number of the example.
            payload: Its image.

        Raises:
            DamagedDatasetError: If the index cannot be read there.
        """
        index, row = self.index, self.first + number
        values: dict[str, Value | list[int]] = {
            "key": (self.key(number) or "").encode(),
            **{name: int(getattr(index, name)[row]) for name in ("height", "width")},
            "channels": self.channels,
            "format": self.format_of(payload).encode(),
        }
        for name, kind in self.manifest.features.label_kinds.items():
            if kind != "mask":
                value: Any = self.label(name, number)
                in_32_bits = kind in ("float", "floats")
                values[name] = np.asarray(value, np.float32).tolist() if in_32_bits else value
        return {name: value if isinstance(value, list) else [value] for name, value in values.items()}

    def finding(self, kind: str, detail: str, *, number: int, offset: int) -> Finding:
        """A finding about an example, at a byte of the shard."""
        return Finding(
            file=self.shard.file,
            kind=kind,
            detail=detail,
            offset=offset,
            example=self.first + number,
            key=self.key(number),
        )

    def lost(self, number: int, offset: int) -> Finding:
        """The finding that the file ends before or inside an example."""
        count = self.shard.examples - number
        return self.finding(
            "truncated",
            f"the file ends in this example: {count} examples are lost",
            number=number,
            offset=offset,
        )

    def _slice(self, name: str) -> npt.NDArray[Any]:
        column: npt.NDArray[Any] = getattr(self.index, name, np.empty(0, np.int64))[self.first : self.stop]
        return column


def rows_of_split(
    manifest: Manifest, split: str, index: Index | None, *, index_is_whole: bool
) -> Iterator[ShardRows]:
    """The rows of each shard of a split, in order.

    Args:
        manifest: Manifest of the dataset.
        split: Name of the split.
        index: Its index; None if it cannot be used.
        index_is_whole: Whether the index file is what the manifest says.
    """
    first = 0
    for shard in manifest.splits[split].shards:
        stop = first + shard.examples
        yield ShardRows(
            manifest=manifest,
            shard=shard,
            index=index,
            index_is_whole=index_is_whole,
            first=first,
            stop=stop,
        )
        first = stop
