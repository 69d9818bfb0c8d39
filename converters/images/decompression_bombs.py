"""Recognizes files that take far more time or memory than their size suggests, before a decoder opens them.

Pillow reads metadata while it opens a file, before one can ask for the size of the image. A check takes microseconds
for an ordinary file, and finds what would otherwise take gigabytes or hours.
"""

import struct

from fitfeed.converters.images.segments import jpeg_segments
from fitfeed.schemas import magic
from fitfeed.schemas.jpeg_rows import START_OF_FRAME, START_OF_SCAN

MAX_COMMENT_BYTES = 1 << 20  # 1 MiB of a GIF: Pillow joins comments of 255 bytes each in quadratic time

MAX_SCANS = 500
"""Most scans of a JPEG. Ordinary files have about ten, and each is a pass over the whole image. The tests of
libjpeg-turbo stop at this number, too."""

APP1 = 0xE1
PROGRESSIVE_FRAMES = frozenset([0xC2, 0xC6, 0xCA, 0xCE])

TIFF_HEADERS = (*magic.TIFF, b"MM*\0", b"II\0*", b"II+\0", b"MM\0+")
TIFF_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}
TIFF_DIRECTORY_TAGS = frozenset([34665, 34853, 40965])  # Exif, GPS, interoperability: Pillow follows them


def hidden_bomb(data: bytes, *, max_pixels: int) -> str | None:
    """Why a file is too expensive to open or to decode, as a sentence; None if it is not.

    Args:
        data: The whole file.
        max_pixels: Pixels that an image may have.
    """
    if data.startswith(b"\xff\xd8"):
        return _jpeg_bomb(data)
    if data.startswith(TIFF_HEADERS):
        return "TIFF whose tags claim the same bytes many times over" if repeats_values(data) else None
    if (
        data.startswith(magic.GIF_START)
        and len(data) > MAX_COMMENT_BYTES
        and _gif_comment_bytes(data) > MAX_COMMENT_BYTES
    ):
        return f"GIF with more than {MAX_COMMENT_BYTES} bytes of comments"
    if data[:4] == magic.RIFF and data[8:16] == b"WEBPVP8X" and len(data) >= 30:
        width, height = (1 + int.from_bytes(data[at : at + 3], "little") for at in (24, 27))
        if width * height > max_pixels:
            return too_many_pixels(width, height, max_pixels)
    return None


def too_many_pixels(width: int, height: int, max_pixels: int) -> str:
    """Why an image of this size is refused, and the option that takes it."""
    return f"{width} x {height} pixels is more than the {max_pixels} allowed; --max-pixels {width * height} takes it"


def _jpeg_bomb(data: bytes) -> str | None:
    exif = []
    frame = components = 0
    for marker, start, end in jpeg_segments(data):
        if marker == APP1 and data[start : start + 6] == b"Exif\0\0":
            exif.append(data[start + 6 : end])
        elif marker in START_OF_FRAME:
            frame, components = marker, data[start + 5] if start + 5 < len(data) else 0
        elif marker == START_OF_SCAN and _scans(data, start, frame=frame, components=components) > MAX_SCANS:
            return f"JPEG of more than {MAX_SCANS} scans, each a pass over the whole image"
    if repeats_values(b"".join(exif)):  # Pillow joins all Exif segments, and reads all of them
        return "JPEG whose Exif tags claim the same bytes many times over"
    return None


def _scans(data: bytes, start: int, *, frame: int, components: int) -> int:
    """Number of scans that a decoder reads. Unless it is progressive, it stops after one that has all components."""
    if frame in PROGRESSIVE_FRAMES:
        return data.count(b"\xff\xda", start - 4)
    if start < len(data) and data[start] < components:
        end = data.find(b"\xff\xd9", start)
        return data.count(b"\xff\xda", start - 4, end if end >= 0 else len(data))
    return 1


def _gif_comment_bytes(data: bytes) -> int:
    """Size of the comments before the first frame (GIF89a, 24). Counting stops at the limit."""
    position = 13 + (3 << (data[10] & 7) + 1 if data[10] & 0x80 else 0)
    total = 0
    while data[position : position + 1] == b"!" and total <= MAX_COMMENT_BYTES:
        is_comment = data[position + 1 : position + 2] == b"\xfe"
        position += 2
        while position < len(data) and data[position] and total <= MAX_COMMENT_BYTES:
            total += data[position] if is_comment else 0
            position += 1 + data[position]
        position += 1
    return total


def repeats_values(tiff: bytes) -> bool:
    """Whether reading all tags of a TIFF structure (a file, or Exif data) reads much more than its size.

    65,535 tags may all refer to the same megabyte, and Pillow keeps a copy for each. A few values may be shared, as in
    files of some programs.
    """
    left = 2 * len(tiff) + (64 << 10)
    if tiff[:6] == b"Exif\0\0":
        tiff = tiff[6:]
    if not tiff.startswith(TIFF_HEADERS):
        return False
    order = "<" if tiff[:1] == b"I" else ">"
    big = 0x2B in tiff[2:4]
    first = struct.Struct(order + ("Q" if big else "I"))
    header = 8 if big else 4
    if len(tiff) < header + first.size:
        return False
    directories, known = [first.unpack_from(tiff, header)[0]], set[int]()
    while directories and left >= 0:
        at = directories.pop()
        if at == 0 or at in known or at >= len(tiff):  # 0 ends the chain
            continue
        known.add(at)
        cost, following = _directory_cost(tiff, at, order=order, big=big, most=left)
        left -= cost
        directories += following
    return left < 0


def _directory_cost(tiff: bytes, at: int, *, order: str, big: bool, most: int) -> tuple[int, list[int]]:
    """Bytes that reading a directory takes, counted up to `most`, and the directories that it names."""
    formats, inline = (("Q", "HHQQ", "Q"), 8) if big else (("H", "HHII", "I"), 4)
    count, entry, link = (struct.Struct(order + text) for text in formats)
    cost, following = 0, list[int]()
    position = at + count.size
    if position > len(tiff):
        return 0, []
    for _ in range(count.unpack_from(tiff, at)[0]):
        if position + entry.size > len(tiff) or cost > most:
            return cost, following
        tag, kind, values, place = entry.unpack_from(tiff, position)
        position += entry.size
        size = values * TIFF_TYPE_BYTES.get(kind, 0)
        cost += entry.size + (min(size, max(0, len(tiff) - place)) if size > inline else 0)
        if tag in TIFF_DIRECTORY_TAGS:
            following.append(place)
    if position + link.size <= len(tiff):
        following.append(link.unpack_from(tiff, position)[0])
    return cost, following
