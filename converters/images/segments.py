"""Walks over the parts of files: the segments of a JPEG, and the chunks of a PNG."""

from collections.abc import Iterator

from fitfeed.schemas.jpeg_rows import START_OF_SCAN

FILL = 0xFF
BARE_MARKERS = frozenset([0x00, 0x01, *range(0xD0, 0xDA), FILL])
"""Markers without a length: stuffed zero, TEM, RST0 to RST7, SOI, EOI, fill (T.81, B.1.1.3)."""


def jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Walks over the header of a JPEG file, up to its first scan (T.81, B.1.1).

    Anything between segments is skipped, as Pillow and libjpeg do: fill bytes, markers without a length, and bytes that
    are not a marker. A caller that does not accept these compares `start - 4` with the end of the previous segment, or
    with 2.

    Args:
        data: The file. It may be damaged.

    Yields:
        The marker's second byte, and the start and end of the segment's content. The length is that in the file:
        the end may be before the start, or after the end of the file.
    """
    position = 2
    while position + 4 <= len(data):
        if data[position] != 0xFF:
            position = data.find(b"\xff", position)
            if position < 0:
                return
            continue
        marker = data[position + 1]
        if marker in BARE_MARKERS:
            position += 1 if marker == FILL else 2
            continue
        end = position + 2 + (data[position + 2] << 8 | data[position + 3])
        yield marker, position + 4, end
        if marker == START_OF_SCAN:
            return
        position = max(end, position + 4)


def png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Walks over the chunks of a PNG file, up to IEND (PNG 1.2, section 3.2).

    Args:
        data: The file. It may be damaged.

    Yields:
        The chunk's type, and the start and end of its content. Four bytes of length and four bytes of type are before
        the start, and four bytes of CRC-32 after the end. The end may be after the end of the file.
    """
    position = 8
    while position + 12 <= len(data):
        kind, start = data[position + 4 : position + 8], position + 8
        end = start + int.from_bytes(data[position : position + 4], "big")
        yield kind, start, end
        if kind == b"IEND":
            return
        position = end + 4
