"""Reads gzip and zlib streams in bounded memory."""

import zlib
from typing import BinaryIO, Literal

Compression = Literal["none", "gzip", "zlib"]

MAX_EMPTY_MEMBERS = 1000
"""Members without a byte that one reading passes over. Programs that write gzip make one at the end, or none."""

_BLOCK_BYTES = 1 << 20  # 1 MiB
_FIRST_BYTES = 1 << 10
"""Of a new member: zlib copies what follows it, so a block of members of 20 bytes would be copied 50,000 times."""

_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS  # zlib's manual, inflateInit2: add 32 to detect either header


class Inflated:
    """The decompressed bytes of a gzip or zlib stream. The members of a gzip file follow each other.

    Attributes:
        members: How many have begun.
    """

    def __init__(self, stream: BinaryIO) -> None:
        """Reads from the present position of `stream`, which the caller closes."""
        self.members = 1
        self._stream = stream
        self._inflate = zlib.decompressobj(_GZIP_OR_ZLIB)
        self._ready = self._compressed = memoryview(b"")
        self._most = _FIRST_BYTES

    def read(self, size: int) -> bytes:
        """Reads `size` bytes, or fewer at the end.

        Raises:
            zlib.error: If the compressed data is damaged, or has more members without a byte than any program writes.
            EOFError: If it is cut off.
        """
        parts, most_members = [], self.members + size + MAX_EMPTY_MEMBERS
        while size > 0 and (self._ready or self._fill(most_members)):
            part, self._ready = self._ready[:size], self._ready[size:]  # views: nothing is copied
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def _fill(self, most_members: int) -> bool:
        """Decompresses some bytes more. Returns False at the end of the last member."""
        while not self._ready:
            if not self._compressed:
                self._compressed = memoryview(self._stream.read(_BLOCK_BYTES))
            if self._inflate.eof:
                if not self._skip_padding():
                    return False
                self._begin_member(most_members)
            given = self._compressed[: self._most]
            self._ready = memoryview(self._inflate.decompress(given, _BLOCK_BYTES))
            left = len(self._inflate.unconsumed_tail) + len(self._inflate.unused_data)
            self._compressed = self._compressed[len(given) - left :]
            self._most = min(2 * self._most, _BLOCK_BYTES)
            if not given and not self._ready and not self._inflate.eof:
                msg = "the compressed data ends too early"
                raise EOFError(msg)
        return True

    def _skip_padding(self) -> bool:
        """Skips zeros, which may follow the members. Returns whether there is anything else."""
        while self._compressed and not bytes(self._compressed[:_FIRST_BYTES]).strip(b"\0"):
            self._compressed = self._compressed[_FIRST_BYTES:] or memoryview(self._stream.read(_BLOCK_BYTES))
        return bool(self._compressed)

    def _begin_member(self, most_members: int) -> None:
        self.members += 1
        if self.members > most_members:
            msg = f"more than {MAX_EMPTY_MEMBERS} gzip members have nothing in them"
            raise zlib.error(msg)
        self._inflate, self._most = zlib.decompressobj(_GZIP_OR_ZLIB), _FIRST_BYTES
