"""An object in a store whose ranges are read."""

from typing import Protocol

from typing_extensions import override

from fitfeed.schemas.storage.clients import MAX_REQUEST_BYTES
from fitfeed.schemas.storage.place import Found, OpenFile


class GetRange(Protocol):
    """Reads a range of an object by one request."""

    def __call__(
        self, name: str, offset: int, length: int, *, identity: str | None = None
    ) -> tuple[memoryview, Found]:
        """Returns the range and the object that it is of."""


class StoreFile(OpenFile):
    """An object. It needs no connection of its own, so there is nothing to close."""

    def __init__(self, get: "GetRange", found: Found) -> None:
        """Takes what reads a range by one request (`StorePlace.get`), and the object that it must be."""
        self._get, self._found = get, found

    @override
    def read_into(self, offset: int, memory: memoryview) -> int:
        end = min(len(memory), max(0, self._found.bytes - offset))
        for start in range(0, end, MAX_REQUEST_BYTES):
            stop = min(end, start + MAX_REQUEST_BYTES)
            data, _ = self._get(self._found.name, offset + start, stop - start, identity=self._found.identity)
            memory[start:stop] = data
        return end

    @override
    def read(self, offset: int, length: int) -> bytes:
        if not 0 < length <= MAX_REQUEST_BYTES or offset >= self._found.bytes:
            return super().read(offset, length)
        data, _ = self._get(self._found.name, offset, length, identity=self._found.identity)
        return bytes(data)

    @override
    def close(self) -> None:
        pass
