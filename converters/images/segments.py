"""What JPEG and PNG files consist of: one walk over the segments of the one, and the chunks of the other."""

from collections.abc import Iterator

from fitfeed.schemas.jpeg_rows import START_OF_SCAN

FILL = 0xFF
BARE_MARKERS = frozenset([0x00, 0x01, *range(0xD0, 0xDA), FILL])
"""Markers without a length: stuffed zero, TEM, RST0 to RST7, SOI, EOI, fill (T.81, B.1.1.3)."""


def jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Walks over the header of a JPEG file, up to its first scan (T.81, B.1.1).

    Whatever stands between segments is skipped, as Pillow and libjpeg do: fill bytes, markers
    without a length, and bytes that are no marker. A caller that takes nothing of the kind compares
    `start - 4` with the end of the segment before, or with 2.

    Args:
        data: The file. It may be damaged.

    Yields:
        The marker's second byte, and where the segment's content starts and ends. The length is as
        the file says: the end may be before the start, or after the end of the file.
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
        The chunk's type, and where its content starts and ends. Four bytes of length and four of the
        type stand before the start, and a CRC-32 of four bytes after the end. The end may be after
        the end of the file.
    """
    position = 8
    while position + 12 <= len(data):
        kind, start = data[position + 4 : position + 8], position + 8
        end = start + int.from_bytes(data[position : position + 4], "big")
        yield kind, start, end
        if kind == b"IEND":
            return
        position = end + 4
