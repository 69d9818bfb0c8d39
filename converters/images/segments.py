"""Walks over the segments of a JPEG file."""

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
