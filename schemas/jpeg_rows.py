"""Makes a JPEG file that has only some rows of another one, so that a decoder does less.

A JPEG file stores its rows from the top, in bands of 8 to 32 rows (rows of MCUs, ITU-T T.81, A.2.4), and its header has
the number of rows. A decoder stops where the header says. So with a smaller number it neither reads nor computes the
rows below, and the rows above are the same as before.

```
header    band 0 | band 1 | RST | band 2 | band 3 | RST | band 4 ...
                            ^ cut    needed rows    ^ height in the header
```

If the file has restart markers (B.2.1), the rows above need not be read either: after each marker, coding begins again
and does not depend on anything before.
"""

import itertools
import math
import re
from typing import NamedTuple

_SEQUENTIAL = (0xC0, 0xC1)  # SOF0, SOF1: Huffman coded, the only ones that store rows in order
START_OF_SCAN = 0xDA
_RESTART_INTERVAL = 0xDD
START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # those are DHT, JPG and DAC
_RESTART = re.compile(b"\xff[\xd0-\xd7]")  # RST0 to RST7; among coded pixels, 0xFF itself is followed by 0
_CONTEXT_ROWS = 2
"""Chroma is interpolated between neighboring rows, so a row depends on the chroma rows next to it."""


class FrameHeader(NamedTuple):
    """The header of a sequential JPEG file that has all components in one scan.

    Attributes:
        height_at: Offset of the two bytes of the height.
        height: In pixels.
        width: In pixels.
        band: Rows of pixels in a row of MCUs.
        across: MCUs in such a row.
        restart: MCUs from one restart marker to the next; 0 without such markers.
        data_at: Offset of the coded pixels.
    """

    height_at: int
    height: int
    width: int
    band: int
    across: int
    restart: int
    data_at: int


class Rows(NamedTuple):
    """A JPEG file that has some rows of another one.

    Attributes:
        file: The file. Decoders warn of data after its last row.
        first: The row of the whole image that is its first row.
        height: How many rows it has.
    """

    file: bytearray
    first: int
    height: int


def frame_header(payload: bytes | bytearray | memoryview) -> FrameHeader | None:
    """Reads the header.

    It has a walk over the segments of its own, because it is called for every image of every batch. That of conversion
    (`fitfeed.converters.images.segments`) takes 1.5 times as long.

    Args:
        payload: A JPEG file.

    Returns:
        The header; None if the rows of the image are not stored in order (progressive, arithmetic or several
        scans), or the file is damaged before its first scan.
    """
    frame, components, restart, at = None, 0, 0, 2
    try:
        while payload[at] == 0xFF:
            marker = payload[at + 1]
            if marker == 0xFF:  # a fill byte
                at += 1
                continue
            length = payload[at + 2] << 8 | payload[at + 3]
            if marker == START_OF_SCAN:
                if frame is None or payload[at + 4] != components:
                    return None
                return frame._replace(restart=restart, data_at=at + 2 + length)
            if marker == _RESTART_INTERVAL:
                restart = payload[at + 4] << 8 | payload[at + 5]
            if marker in START_OF_FRAME:
                if frame or marker not in _SEQUENTIAL:
                    return None
                components = payload[at + 9]
                frame = _frame(payload, at, components)
            at += 2 + length
    except (IndexError, ValueError, ZeroDivisionError):  # the file ends here, or has no component
        return None
    return None


def _frame(payload: bytes | bytearray | memoryview, at: int, components: int) -> FrameHeader:
    factors = [payload[at + 11 + 3 * number] for number in range(components)]
    height, width = payload[at + 5] << 8 | payload[at + 6], payload[at + 7] << 8 | payload[at + 8]
    # A scan of one component is not interleaved: its MCU is one block, and its factors do not matter (A.2.2).
    tall, wide = (1, 1) if components == 1 else (max(f & 15 for f in factors), max(f >> 4 for f in factors))
    return FrameHeader(at + 5, height, width, 8 * tall, -(-width // (8 * wide)), 0, 0)


def rows_of(payload: bytes | memoryview, first: int, stop: int, *, height: int) -> Rows | None:
    """Makes a JPEG file that has some rows of another one.

    Args:
        payload: A JPEG file.
        first: The first row that must have the same pixels as in the whole file.
        stop: The row after the last one that must. There may be more rows, above and below.
        height: Rows that the whole file should have.

    Returns:
        The file; None if that is not possible, or would gain nothing.
    """
    file = bytearray(payload)
    header = frame_header(file)
    if header is None or not header.band or header.height != height:
        return None
    context = _CONTEXT_ROWS * header.band // 8
    end = min(height, -(-(stop + context) // header.band) * header.band)
    begin = _cut_top(file, header, max(0, first - context), end)
    if begin == 0 and end == height:
        return None
    file[header.height_at : header.height_at + 2] = (end - begin).to_bytes(2, "big")
    return Rows(file, begin, end - begin)


def _cut_top(file: bytearray, header: FrameHeader, first: int, end: int) -> int:
    """Removes all bands before the last restart marker that is at the beginning of a band, at or above `first`.

    Returns:
        The row of pixels at which the file begins now.
    """
    if not header.restart:
        return 0
    # There is a marker every `restart` MCUs, and a band has `across` MCUs: both begin together every `step` bands.
    step = header.restart // math.gcd(header.restart, header.across)
    band = first // header.band // step * step
    skipped, needed = (row * header.across // header.restart for row in (band, -(-end // header.band)))
    if not skipped:
        return 0
    found = itertools.islice(_RESTART.finditer(file, header.data_at), needed)
    numbers_at = [marker.start() + 1 for marker in found]
    promised = [0xD0 + number % 8 for number in range(len(numbers_at))]
    if len(numbers_at) < skipped or [file[at] for at in numbers_at] != promised:
        return 0
    # Markers are numbered 0 to 7 in turn, and decoders take another order for damage.
    for number, at in enumerate(numbers_at[skipped:]):
        file[at] = 0xD0 + number % 8
    del file[header.data_at : numbers_at[skipped - 1] + 1]
    return band * header.band
