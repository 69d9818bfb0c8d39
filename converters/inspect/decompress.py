"""Reads gzip and zlib streams in bounded memory."""

import zlib
from typing import BinaryIO, Literal

Compression = Literal["none", "gzip", "zlib"]

_BLOCK_BYTES = 1 << 20  # 1 MiB
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS  # zlib's manual, inflateInit2: add 32 to detect either header


class Inflated:
    """The decompressed bytes of a gzip or zlib stream. The members of a gzip file follow each other."""

    def __init__(self, stream: BinaryIO) -> None:
        """Reads from the present position of `stream`, which the caller closes."""
        self._stream = stream
        self._inflate = zlib.decompressobj(_GZIP_OR_ZLIB)
        self._ready = memoryview(b"")

    def read(self, size: int) -> bytes:
        """Reads `size` bytes, or fewer at the end.

        Raises:
            zlib.error: If the compressed data is damaged.
            EOFError: If it is cut off.
        """
        parts = []
        while size > 0 and (self._ready or self._fill()):
            part, self._ready = self._ready[:size], self._ready[size:]  # views: nothing is copied
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def _fill(self) -> bool:
        """Decompresses the next block. Returns False at the end of the last member."""
        while not self._ready:
            if self._inflate.eof:
                following = self._inflate.unused_data or self._stream.read(_BLOCK_BYTES)
                if not following.strip(b"\0"):  # gzip files may be padded with zeros
                    return False
                self._inflate = zlib.decompressobj(_GZIP_OR_ZLIB)
                compressed = following
            else:
                compressed = self._inflate.unconsumed_tail or self._stream.read(_BLOCK_BYTES)
            self._ready = memoryview(self._inflate.decompress(compressed, _BLOCK_BYTES))
            if not compressed and not self._ready and not self._inflate.eof:
                msg = "the compressed data ends too early"
                raise EOFError(msg)
        return True
