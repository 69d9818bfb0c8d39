"""Finds out from its bytes what a file is, if Pillow cannot."""

from collections.abc import Callable

from fitfeed.converters.foreign_formats import DICOM, is_dicom
from fitfeed.converters.images.heif import DAMAGED, NO_DECODER, heif_formats, is_heif
from fitfeed.converters.images.segments import jpeg_segments
from fitfeed.converters.rejects import Reason
from fitfeed.schemas import magic
from fitfeed.schemas.jpeg_rows import START_OF_FRAME

Diagnosis = tuple[Reason, str]


def jpeg_frame(data: bytes) -> int | None:
    """The frame marker of a JPEG (0xC0 baseline, 0xC2 progressive, 0xC3 lossless, ...; T.81 B.1.1.3).

    None if there is none, or if there is anything but fill bytes between the segments before it.
    """
    found = _frame_segment(data)
    return found and found[0]


def _frame_segment(data: bytes) -> tuple[int, int] | None:
    """The frame's marker, and the offset of its content."""
    before = 2
    for marker, start, end in jpeg_segments(data):
        if data[before : start - 4].strip(b"\xff"):
            return None
        if marker in START_OF_FRAME:
            return marker, start
        before = end
    return None


def unidentified(data: bytes, error: Exception) -> Diagnosis:
    """Why Pillow could not open these bytes, as a reason code and a sentence."""
    for starts, reason_for in _BY_START:
        if data.startswith(starts):
            return reason_for(data, error)
    if is_heif(data):
        return ("corrupt", DAMAGED) if heif_formats() else ("unsupported_format", NO_DECODER)
    if is_dicom(data):
        return "unsupported_format", DICOM
    if data[1:4] == b"PNG":
        return "corrupt", "a PNG whose signature was damaged"
    return _not_an_image(data)


def _jpeg(data: bytes, error: Exception) -> Diagnosis:
    precision = _jpeg_precision(data)
    if precision not in (None, 8):
        return "unsupported_format", f"JPEG with {precision} bits per sample; convert it to 16-bit PNG first"
    # A file that has its end marker was not cut off: a length in it is wrong.
    if "truncated" in str(error).lower() and not data.rstrip(b"\0\r\n ").endswith(b"\xff\xd9"):
        return "truncated", "JPEG that ends inside its header"
    return "corrupt", "JPEG with a damaged header"


def _jpeg_precision(data: bytes) -> int | None:
    """Bits per sample, the first byte of a frame."""
    found = _frame_segment(data)
    return data[found[1]] if found and found[1] < len(data) else None


def _png(data: bytes, error: Exception) -> Diagnosis:
    if "text" in str(error).lower() or "decompressed data too large" in str(error).lower():
        return "bomb", "PNG whose compressed text is larger than allowed"
    return "corrupt", "PNG with a damaged header"


def _gif(data: bytes, error: Exception) -> Diagnosis:
    if 0 in (int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")):
        return "zero_dimension", "GIF with a width or height of 0"
    return "corrupt", f"damaged GIF ({error})"


def _unsupported(name: str) -> Callable[[bytes, Exception], Diagnosis]:
    return lambda data, error: (
        "unsupported_format",
        f"{name} cannot be decoded here; convert it to JPEG or PNG first",
    )


def _damaged(name: str) -> Callable[[bytes, Exception], Diagnosis]:
    return lambda data, error: ("corrupt", f"damaged {name} ({error})")


_BY_START: list[tuple[bytes | tuple[bytes, ...], Callable[[bytes, Exception], Diagnosis]]] = [
    (magic.JPEG, _jpeg),
    (magic.PNG_START, _png),
    (magic.GIF_START, _gif),
    (magic.BMP, _damaged("BMP")),
    (magic.TIFF, _damaged("TIFF")),
    ((magic.JPEG_XL, magic.JPEG_XL_CODESTREAM), _unsupported("JPEG XL")),
    (b"<svg", _unsupported("SVG")),
]


def _not_an_image(data: bytes) -> Diagnosis:
    text = data[:512].lstrip().lower()
    if not data.strip(b"\0"):
        return "not_an_image", "only zero bytes"
    if text.startswith(b"version https://git-lfs"):
        return "not_an_image", "a git lfs pointer instead of the picture; run: git lfs pull"
    if b"<svg" in text:
        return "unsupported_format", "SVG cannot be decoded here; convert it to JPEG or PNG first"
    if text.startswith((b"<!doctype html", b"<html")):
        return "not_an_image", "an HTML page saved under an image's name"
    return "not_an_image", "no known image format"
