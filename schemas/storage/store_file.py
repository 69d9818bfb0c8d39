"""An object in a store whose ranges are read."""

import itertools
from collections.abc import Sequence

from typing_extensions import override

from fitfeed.schemas.storage.clients import MAX_REQUEST_BYTES
from fitfeed.schemas.storage.place import Found, OpenFile, Range
from fitfeed.schemas.storage.store_object import StoreObject


class StoreFile(OpenFile):
    """An object. It needs no connection of its own, so there is nothing to close."""

    def __init__(self, stored: StoreObject, found: Found) -> None:
        """Takes the object, and what it must be."""
        self._stored, self._found = stored, found

    @override
    def read_into(self, offset: int, memory: memoryview) -> int:
        end = min(len(memory), max(0, self._found.bytes - offset))
        for start in range(0, end, MAX_REQUEST_BYTES):
            stop = min(end, start + MAX_REQUEST_BYTES)
            data, _ = self._stored.get(offset + start, stop - start, identity=self._found.identity)
            memory[start:stop] = data
        return end

    @override
    def read_several(self, ranges: Sequence[Range]) -> list[int]:
        """Reads ranges by one call of the client, which cannot ask on a condition, and the last one after them, on the condition that it is of this object: then so are the others."""
        if len(ranges) == 1 or not self._can_be_asked_for_together(ranges):
            return super().read_several(ranges)
        *others, last = ranges
        parts = self._stored.get_each([(offset, len(memory)) for offset, memory in others])
        if [len(part) for part in parts] != [len(memory) for _, memory in others]:
            # It is a smaller object now, or an answer was cut off. What asks on a condition says which it was.
            return super().read_several(ranges)
        for (_, memory), part in zip(others, parts, strict=True):
            memory[:] = part
        return [*map(len, parts), self.read_into(*last)]

    def _can_be_asked_for_together(self, ranges: Sequence[Range]) -> bool:
        """Whether they are inside and apart: the client joins those that touch, and panics if the object ends in them."""
        spans = sorted((offset, offset + len(memory)) for offset, memory in ranges)
        return all(
            0 < stop - start <= MAX_REQUEST_BYTES and stop <= self._found.bytes for start, stop in spans
        ) and all(stop < start for (_, stop), (start, _) in itertools.pairwise(spans))

    @override
    def read(self, offset: int, length: int) -> bytes:
        if not 0 < length <= MAX_REQUEST_BYTES or offset >= self._found.bytes:
            return super().read(offset, length)
        data, _ = self._stored.get(offset, length, identity=self._found.identity)
        return bytes(data)

    @override
    def close(self) -> None:
        pass
