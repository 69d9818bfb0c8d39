"""What a decoder need not do: the header of a JPEG file, and a file that ends early.

A JPEG file stores its rows from the top, in bands of 8 to 32 rows (rows of MCUs, ITU-T T.81,
A.2.4), and its header says how many. So a header that says fewer makes any decoder stop there: it
neither reads nor computes what stands below, and all that it gives is what it would have given.
"""

from typing import NamedTuple

_SEQUENTIAL = (0xC0, 0xC1)  # SOF0, SOF1: Huffman coded, the only ones whose rows stand in order
_START_OF_SCAN = 0xDA
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # those are DHT, JPG and DAC
_CONTEXT_ROWS = 2
"""Chroma is interpolated between neighbouring rows, so a row depends on the chroma row below it."""


class FrameHeader(NamedTuple):
    """The frame header of a sequential JPEG file whose components stand in one scan.

    Attributes:
        height_at: Where the height's two bytes stand.
        height: In pixels.
        width: In pixels.
        band: Rows of pixels in a row of MCUs.
    """

    height_at: int
    height: int
    width: int
    band: int


def frame_header(payload: bytes | bytearray | memoryview) -> FrameHeader | None:
    """Finds the frame header.

    Args:
        payload: A JPEG file.

    Returns:
        None where the rows of the image do not stand in order (progressive, arithmetic or several
        scans), or the file is damaged before its first scan.
    """
    frame, components, at = None, 0, 2
    try:
        while payload[at] == 0xFF:
            marker = payload[at + 1]
            if marker == 0xFF:  # a fill byte
                at += 1
                continue
            if marker == _START_OF_SCAN:
                return frame if frame and payload[at + 4] == components else None
            if marker in _START_OF_FRAME:
                if frame or marker not in _SEQUENTIAL:
                    return None
                components = payload[at + 9]
                tallest = max(payload[at + 11 + 3 * number] & 15 for number in range(components))
                height = payload[at + 5] << 8 | payload[at + 6]
                width = payload[at + 7] << 8 | payload[at + 8]
                frame = FrameHeader(at + 5, height, width, 8 * tallest)
            at += 2 + (payload[at + 2] << 8 | payload[at + 3])
    except (IndexError, ValueError):  # the file ends here, or has no component
        return None
    return None


def first_rows(payload: bytes | memoryview, rows: int, *, height: int) -> tuple[bytearray, int] | None:
    """A file that shows the first rows of another one.

    Args:
        payload: A JPEG file.
        rows: How many rows must be pixel for pixel what the whole file shows; there may be more.
        height: Rows of the whole file, as it should be.

    Returns:
        The file and its number of rows. None where that is not possible, or nothing is gained.
        Decoders warn of the data behind the last row.
    """
    header = frame_header(payload)
    if header is None or not header.band or header.height != height:
        return None
    kept = -(-(rows + _CONTEXT_ROWS * header.band // 8) // header.band) * header.band
    if kept >= height:
        return None
    shorter = bytearray(payload)
    shorter[header.height_at : header.height_at + 2] = kept.to_bytes(2, "big")
    return shorter, kept
