"""Walks over the chunks of a PNG file."""

from collections.abc import Iterator

from fitfeed.schemas import magic


def png_chunks(data: bytes | memoryview) -> Iterator[tuple[bytes, int, int]]:
    """Walks over the chunks of a PNG file, up to IEND (PNG 1.2, section 3.2).

    Args:
        data: The file. It may be damaged.

    Yields:
        The chunk's type, and the start and end of its content. Four bytes of length and four bytes of type are before
        the start, and four bytes of CRC-32 after the end. The end may be after the end of the file.
    """
    position = len(magic.PNG)
    while position + 12 <= len(data):
        kind, start = bytes(data[position + 4 : position + 8]), position + 8
        end = start + int.from_bytes(data[position : position + 4], "big")
        yield kind, start, end
        if kind == b"IEND":
            return
        position = end + 4
