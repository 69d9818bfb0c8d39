"""One object of a store: its ranges are read, each by one request."""

import errno
from collections.abc import Sequence
from typing import TYPE_CHECKING

import obstore

from fitfeed.schemas.storage.address import Bucket
from fitfeed.schemas.storage.again import BrokenOffError, again
from fitfeed.schemas.storage.clients import client_of
from fitfeed.schemas.storage.errors import explained
from fitfeed.schemas.storage.identity import identity_of, tag_of

if TYPE_CHECKING:
    from obstore import GetOptions, ObjectMeta


class StoreObject:
    """The name of an object, to ask for it often. Immutable, thread-safe."""

    def __init__(self, bucket: Bucket, key: str, address: str) -> None:
        """Asks for nothing.

        Args:
            bucket: Where it is.
            key: What it is called there.
            address: What messages call it.
        """
        self._bucket, self._key, self._address = bucket, key, address

    def get(
        self, offset: int, length: int, *, identity: str | None = None
    ) -> tuple[memoryview, "ObjectMeta"]:
        """Reads a range by one request; it is shorter only where the object ends.

        Args:
            offset: Where the range begins.
            length: Its bytes.
            identity: Which object it must be, if any will not do.

        Returns:
            The bytes, and what the store says of the object that they are of.

        Raises:
            FileNotFoundError: If it is not there.
            OSError: If it cannot be read, or is another object.
        """
        return again(lambda: self._get(offset, length, identity))

    def get_each(self, ranges: Sequence[tuple[int, int]]) -> list[memoryview]:
        """Reads ranges, each by one request, up to ten at once. They may be of an object that has this name meanwhile.

        Args:
            ranges: Offset and length of each. They neither touch nor overlap.

        Returns:
            The bytes of each: fewer where the object ends in it, or its answer was cut off. Nothing at all if one is after
            the end.

        Raises:
            FileNotFoundError: If it is not there.
            OSError: If one cannot be read.
        """
        return again(lambda: self._get_each(ranges))

    def cut_off(self) -> OSError:
        """What to raise if the object has not as many bytes as the store says."""
        return BrokenOffError(errno.EIO, "the store gave another number of bytes than it has", self._address)

    def _get(self, offset: int, length: int, identity: str | None) -> "tuple[memoryview, ObjectMeta]":
        options: GetOptions = {"range": (offset, offset + length)}
        if identity is not None and (tag := tag_of(identity)):
            options["if_match"] = tag
        try:
            with explained(self._bucket, "read", self._address):
                result = obstore.get(client_of(self._bucket, self._address), self._key, options=options)
                meta = result.meta
                data = memoryview(result.bytes())
        except FileExistsError:
            raise self._replaced() from None
        except OSError as error:
            if error.errno != errno.ERANGE:
                raise
            meta = self._head()  # nothing can be read from an empty object, or after its end
            if offset < meta["size"] and length > 0:
                raise
            data = memoryview(b"")
        if identity is not None and identity_of(meta) != identity:
            raise self._replaced()
        if len(data) != max(0, min(length, meta["size"] - offset)):
            raise self.cut_off()
        return data, meta

    def _get_each(self, ranges: Sequence[tuple[int, int]]) -> list[memoryview]:
        starts, lengths = [start for start, _ in ranges], [length for _, length in ranges]
        try:
            with explained(self._bucket, "read", self._address):
                client = client_of(self._bucket, self._address)
                # Its own way to join ranges fetches up to a megabyte between two of them.
                parts = obstore.get_ranges(client, self._key, starts=starts, lengths=lengths, coalesce=0)
        except OSError as error:
            if error.errno != errno.ERANGE:
                raise
            return []
        return [memoryview(part) for part in parts]

    def _head(self) -> "ObjectMeta":
        with explained(self._bucket, "read", self._address):
            return obstore.head(client_of(self._bucket, self._address), self._key)

    def _replaced(self) -> OSError:
        return OSError(errno.ESTALE, "it was replaced meanwhile by another object", self._address)
