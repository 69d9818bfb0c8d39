"""An object in a store whose ranges are read."""

import errno
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
        if len(ranges) == 1 or not all(self._is_inside(*wanted) for wanted in ranges):
            return super().read_several(ranges)
        *others, last = ranges
        try:
            parts = self._stored.get_each([(offset, len(memory)) for offset, memory in others])
        except OSError as error:
            if error.errno != errno.ERANGE:
                raise
            return super().read_several(ranges)  # it is a smaller object now, and that is said
        for (_, memory), part in zip(others, parts, strict=True):
            memory[:] = part
        return [*map(len, parts), self.read_into(*last)]

    def _is_inside(self, offset: int, memory: memoryview) -> bool:
        return 0 < len(memory) <= MAX_REQUEST_BYTES and offset + len(memory) <= self._found.bytes

    @override
    def read(self, offset: int, length: int) -> bytes:
        if not 0 < length <= MAX_REQUEST_BYTES or offset >= self._found.bytes:
            return super().read(offset, length)
        data, _ = self._stored.get(offset, length, identity=self._found.identity)
        return bytes(data)

    @override
    def close(self) -> None:
        pass
