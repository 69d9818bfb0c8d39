"""Reads the header of an ordinary JPEG in microseconds.

Most photographs have only tables, a frame and one scan. They need not be opened by Pillow, which takes longer than all
else around decoding. Anything unusual is left to Pillow.
"""

import dataclasses

from fitfeed.converters.images.segments import jpeg_segments
from fitfeed.schemas.jpeg_rows import START_OF_SCAN

SOI = b"\xff\xd8"
APP0, APP2, COM = 0xE0, 0xE2, 0xFE
DHT, DQT, DRI = 0xC4, 0xDB, 0xDD
BASELINE, EXTENDED, PROGRESSIVE = 0xC0, 0xC1, 0xC2
TABLES = frozenset([APP0, APP2, COM, DHT, DQT, DRI])
FRAMES = frozenset([BASELINE, EXTENDED, PROGRESSIVE])

JFIF_BYTES = 14
"""Bytes of the shortest APP0 segment of a JFIF file, which has no thumbnail (JFIF 1.02)."""

ICC_BYTES = 14
"""Bytes before the profile in a part of it: name, number of the part, number of parts (ICC.1, B.4)."""


@dataclasses.dataclass(frozen=True)
class JpegHeader:
    """An 8-bit JPEG of one or three components, without Exif, XMP, Adobe's marker or further pictures.

    Attributes:
        height, width: In pixels, at least 1.
        components: 1 or 3.
        frame: Its frame marker: baseline, extended or progressive.
        profile: Its ICC profile, if the header has all parts of one.
    """

    height: int
    width: int
    components: int
    frame: int
    profile: bytes | None = None


def ordinary_jpeg(data: bytes) -> JpegHeader | None:
    """Reads a header up to the first scan (T.81, annex B).

    Args:
        data: The whole file.

    Returns:
        The header; None if the file is not ordinary: damaged, or with a segment that changes the meaning of its
        pixels, their orientation, or the number of pictures.
    """
    if not data.startswith(SOI):
        return None
    header, before = None, len(SOI)
    profile_parts: list[bytes] = []
    for marker, start, end in jpeg_segments(data):
        if start - 4 != before or end < start or end > len(data):
            return None
        if marker == START_OF_SCAN:
            return header if header is not None and _holds_all(data, start, header) else None
        if marker in FRAMES and header is None:
            header = _frame(data, marker, start, end)
            if header is None:
                return None
            if profile_parts:
                header = dataclasses.replace(header, profile=_join_profile(profile_parts))
        elif marker not in TABLES or not _is_harmless(data, marker, start, end):
            return None
        elif marker == APP2:
            profile_parts.append(data[start + len(b"ICC_PROFILE\0") : end])
        before = end
    return None


def _frame(data: bytes, marker: int, start: int, end: int) -> JpegHeader | None:
    """Precision, height, width, number of components, and three bytes for each."""
    if end - start < 6:
        return None
    components = data[start + 5]
    height, width = (int.from_bytes(data[at : at + 2], "big") for at in (start + 1, start + 3))
    if (
        data[start] != 8
        or components not in (1, 3)
        or end - start != 6 + 3 * components
        or not (height and width)
    ):
        return None
    return JpegHeader(height, width, components, marker)


def _join_profile(parts: list[bytes]) -> bytes | None:
    """The parts that came before the frame, in the order of their numbers, as Pillow joins them."""
    ordered = sorted(parts)
    return b"".join(part[2:] for part in ordered) if ordered[0][1] == len(ordered) else None


def _is_harmless(data: bytes, marker: int, start: int, end: int) -> bool:
    """Whether a segment has no effect on the picture besides decoding its pixels."""
    if marker == APP0:
        return data[start : start + 5] == b"JFIF\0" and end - start >= JFIF_BYTES
    if marker == APP2:  # it may also be another picture of the file (multi-picture format), or a preview
        return data.startswith(b"ICC_PROFILE\0", start) and end - start >= ICC_BYTES
    return True


def _holds_all(data: bytes, start: int, header: JpegHeader) -> bool:
    """Whether the first scan has all components. It is then the only scan, unless the file is progressive."""
    return header.frame == PROGRESSIVE or (start < len(data) and data[start] == header.components)
