"""Decodes any image file to upright RGB or gray pixels of 8 or 16 bits.

Pillow recognizes every file by its content, except JPEG with an ordinary header, and decodes most formats. Baseline and
progressive JPEG is decoded by simplejpeg, which was measured about twice as fast as Pillow, with the same pixels: both
use libjpeg-turbo with the accurate integer DCT. If simplejpeg finds any fault, Pillow decides.
"""

import dataclasses
import io
import re
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import simplejpeg
from PIL import Image

from fitfeed.converters.foreign_formats import raw_by_content, raw_by_tags
from fitfeed.converters.images.decompression_bombs import (
    MAX_SCANS,
    hidden_bomb,
    repeats_values,
    too_many_pixels,
)
from fitfeed.converters.images.diagnose import jpeg_frame, unidentified
from fitfeed.converters.images.heif import heif_formats, is_heif
from fitfeed.converters.images.icc_profile import profile_name
from fitfeed.converters.images.jpeg_header import PROGRESSIVE, ordinary_jpeg
from fitfeed.converters.images.sixteen_bit import to_luma, to_uint16
from fitfeed.converters.images.source_depth import source_depth
from fitfeed.converters.images.to_depth import load_pixels, profile_to_apply
from fitfeed.converters.images.to_srgb import pixels_to_srgb
from fitfeed.converters.option_parts.storage import StorageOptions
from fitfeed.converters.rejects import ImageError, Reason
from fitfeed.schemas.bit_depth import MAX_DEEP_SIDE
from fitfeed.schemas.payload import Pixels, decode_payload
from fitfeed.schemas.png_chunks import png_chunks

ORIENTATION_TAG = 0x0112
CRITICAL_CHUNKS = (b"IHDR", b"PLTE", b"IDAT")
JPEG_FORMATS = ("JPEG", "MPO")
PORTABLE_JPEG_FRAMES = frozenset({0xC0, 0xC1, 0xC2, 0xC9, 0xCA})
"""Baseline, extended, progressive, and their arithmetic forms, which the decoder of TensorFlow reads, too."""

FORMATS = (
    "JPEG", "PNG", "GIF", "BMP", "PPM", "WEBP", "TIFF", "AVIF", "CUR", "DCX", "DDS", "DIB", "FLI", "ICNS", "ICO",
    "JPEG2000", "PCX", "PSD", "QOI", "SGI", "XBM", "XPM", "TGA",
)  # fmt: skip
"""Pillow's decoders for the extensions in `sources.image_names`. Others are not used: EPS would start Ghostscript on
the file, and formats without photographs could only add faults. They are tried in this order: common ones first, and
TGA last, because it has no signature. MPO is opened as JPEG."""

Image.MAX_IMAGE_PIXELS = None  # otherwise Pillow warns of large images that `max_pixels` allows


class SourceFacts(NamedTuple):
    """What a file says of its picture, besides the pixels.

    Attributes:
        format: Its format, as Pillow calls it: `JPEG`, `PNG`, ...
        orientation: The EXIF orientation that was undone: 1 to 8.
        profile: Name of its color profile, which is not applied; None if it has none.
        depth: Bits per value: 1 to 16.
        largest: The largest value of a file with more than 8 bits, if it does not say itself which value is white; else
            0. With 8 bits, the lower bits of colors are not decoded, and count as ones.
    """

    format: str
    orientation: int
    profile: str | None
    depth: int
    largest: int = 0


@dataclasses.dataclass(frozen=True)
class DecodedImage:
    """A decoded image.

    Attributes:
        pixels: uint8 (height, width, channels), upright; uint16 if the dataset has 16 bits.
        keepable: Whether `fitfeed.schemas.payload` and TensorFlow decode the original bytes to exactly these pixels,
            so that they can be stored as they are.
        facts: What else the file says.
    """

    pixels: Pixels
    keepable: bool
    facts: SourceFacts


def decode_image(data: bytes, options: StorageOptions) -> DecodedImage:
    """Decodes a whole image.

    EXIF orientation is applied. CMYK, palette and gray become RGB, or gray if `channels` is 1. Transparent pixels are
    composited on `background`. Values of more than 8 bits are scaled so that white (`white`, if the file does not say it)
    is 65535. With 8 bits, the upper 8 of them are kept, as Pillow and TensorFlow do for RGB of 16
    bits. With 16 bits, values of 8 bits are widened to 0..65535 before anything is mixed.

    Raises:
        ImageError: If the bytes are not a whole image, or one that `options` refuse.
    """
    ordinary = _decode_ordinary_jpeg(data, options)
    if ordinary is not None:
        return ordinary
    with open_image(data, options) as image:
        if image.format in JPEG_FORMATS and image.mode in ("RGB", "L"):
            color, frame = image.mode == "RGB", jpeg_frame(data)
            name = profile_name(image.info.get("icc_profile"))
            facts = SourceFacts(image.format, orientation_of(image), name, depth=8)
            profile = profile_to_apply(image, options)
            decoded = _decode_jpeg(data, facts, options, color=color, frame=frame, profile=profile)
            if decoded is not None:
                return decoded
        return _decode_with_pillow(data, image, options)


@contextmanager
def open_image(data: bytes, options: StorageOptions) -> Iterator[Image.Image]:
    """Opens a file and checks all that must be known before its pixels are decoded.

    Raises:
        ImageError: If the bytes are not an image, or one that `options` refuse.
    """
    if not data:
        raise ImageError("empty_file", "the file has no bytes")
    if raw := raw_by_content(data):
        raise ImageError("unsupported_format", raw)
    bomb = hidden_bomb(data, max_pixels=options.max_pixels)
    if bomb is not None:
        raise ImageError("bomb", bomb)
    with warnings.catch_warnings(), _pixel_limit(options.max_pixels):
        warnings.simplefilter("ignore")  # such as corrupt EXIF; faults that matter are errors
        with _identify(data, options) as image:
            _check_header(image, options)
            if image.format == "PNG":
                _check_png_checksums(data)
            yield image


@contextmanager
def load_errors(image: Image.Image, options: StorageOptions) -> Iterator[None]:
    """Turns any error of Pillow while it decodes pixels into an `ImageError`."""
    try:
        yield
    except (ImageError, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        raise _bomb(error, options) from error
    except Exception as error:
        raise ImageError(_load_reason(error), f"{image.format}: {error}") from error


_pillow_limit = threading.Lock()


@contextmanager
def _pixel_limit(max_pixels: int) -> Iterator[None]:
    """Makes Pillow itself refuse large pictures inside files (ICO, ICNS, CUR) whose header has another size.

    Pillow raises an error at twice its limit, and only warns below. The limit is a global variable of Pillow. On a
    cluster, several threads of a process may convert, so the last one to leave removes it.
    """
    with _pillow_limit:
        _limited.append(max_pixels)
        Image.MAX_IMAGE_PIXELS = (max_pixels + 1) // 2
    try:
        yield
    finally:
        with _pillow_limit:
            _limited.remove(max_pixels)
            if not _limited:
                Image.MAX_IMAGE_PIXELS = None


_limited: list[int] = []


def _identify(data: bytes, options: StorageOptions) -> Image.Image:
    formats = (*FORMATS, *heif_formats()) if is_heif(data) else FORMATS
    try:
        return Image.open(io.BytesIO(data), formats=formats)
    except MemoryError:
        raise
    except Image.DecompressionBombError as error:
        raise _bomb(error, options) from error
    except Exception as error:
        reason, detail = unidentified(data, error)
        raise ImageError(reason, detail) from error


def _bomb(error: Exception, options: StorageOptions) -> ImageError:
    """Pillow's refusal in our words, with our limit: that of Pillow may be one pixel higher."""
    claimed = re.search(r"(\d+) pixels", str(error))
    if claimed is None:
        return ImageError("bomb", f"its size is more than the {options.max_pixels} pixels allowed")
    detail = f"{claimed[0]} is more than the {options.max_pixels} allowed; --max-pixels {claimed[1]} takes it"
    return ImageError("bomb", detail)


def _check_header(image: Image.Image, options: StorageOptions) -> None:
    if raw := raw_by_tags(image):
        raise ImageError("unsupported_format", raw)
    width, height = image.size
    if width < 1 or height < 1:
        raise ImageError("zero_dimension", f"the image is {width} x {height} pixels")
    if width * height > options.max_pixels:
        raise ImageError("bomb", too_many_pixels(width, height, options.max_pixels))
    if options.frames == "reject" and _frames(image) > 1:
        raise ImageError("unsupported_format", "the image has several frames, and --frames reject was given")


def _frames(image: Image.Image) -> int:
    """Number of frames. Counting them may read the whole file."""
    try:
        count = getattr(image, "n_frames", 1)
    except MemoryError:
        raise
    except Exception as error:
        raise ImageError(_load_reason(error), f"{image.format}: {error}") from error
    return count if isinstance(count, int) else 1


def _decode_ordinary_jpeg(data: bytes, options: StorageOptions) -> DecodedImage | None:
    """Decodes an ordinary JPEG. Returns None if Pillow must look at the file."""
    header = ordinary_jpeg(data)
    if header is None or header.height * header.width > options.max_pixels:
        return None
    if header.frame == PROGRESSIVE and data.count(b"\xff\xda") > MAX_SCANS:
        return None
    facts = SourceFacts("JPEG", 1, profile_name(header.profile), depth=8)
    color = header.components == 3
    return _decode_jpeg(data, facts, options, color=color, frame=header.frame, profile=header.profile)


def _decode_jpeg(
    data: bytes,
    facts: SourceFacts,
    options: StorageOptions,
    *,
    color: bool,
    frame: int | None,
    profile: bytes | None,
) -> DecodedImage | None:
    """Decodes by simplejpeg. Returns None if Pillow must decide."""
    try:
        pixels = simplejpeg.decode_jpeg(data, colorspace="RGB" if color else "GRAY", strict=True)
    except ValueError:
        return None
    keepable = (
        facts.orientation == 1 and (options.channels == 3 or not color) and frame in PORTABLE_JPEG_FRAMES
    )
    if options.depth == 16:
        pixels, keepable = to_uint16(pixels), False
    if options.color == "srgb" and profile:
        decoded, pixels = pixels, pixels_to_srgb(pixels, profile)
        keepable = keepable and pixels is decoded
    pixels = upright(_with_channels(pixels, options.channels), facts.orientation)
    return DecodedImage(pixels, keepable, facts)


def _decode_with_pillow(data: bytes, image: Image.Image, options: StorageOptions) -> DecodedImage:
    depth = source_depth(data, image)  # before pixels are loaded, for Pillow forgets parts of headers then
    with load_errors(image, options):
        tiff_orientation = orientation_of(image) if image.format == "TIFF" else 1
        loaded = load_pixels(data, image, options)
        orientation = orientation_of(image)  # after load: Pillow turns TIFF itself and drops the tag
    pixels = _with_channels(loaded.pixels, options.channels)
    keepable = (
        orientation == 1
        and not loaded.recolored
        and _is_plain_png(data, image, options)
        and _reads_back(data, pixels, options)
    )
    turned = tiff_orientation if orientation == 1 else orientation
    profile = profile_name(image.info.get("icc_profile"))
    facts = SourceFacts(image.format or "", turned, profile, depth, loaded.largest)
    return DecodedImage(upright(pixels, orientation), keepable, facts)


def _load_reason(error: Exception) -> Reason:
    message = str(error).lower()
    if "decompressed data too large" in message:  # PNG text after the pixels
        return "bomb"
    cut_off = "truncated" in message or "unexpected end of file" in message or isinstance(error, EOFError)
    return "truncated" if cut_off else "corrupt"


def orientation_of(image: Image.Image) -> int:
    """EXIF orientation, 1 to 8. A value that is invalid or unreadable counts as 1."""
    if repeats_values(image.info.get("exif") or b""):
        return 1
    try:
        value = image.getexif().get(ORIENTATION_TAG, 1)
    except Exception:  # noqa: BLE001 - good pixels are not refused because of broken tags
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def upright(pixels: Pixels, orientation: int) -> Pixels:
    """Undoes an EXIF orientation (Exif 2.32, section 4.6.4, tag 0x0112)."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def _with_channels(pixels: Pixels, channels: int) -> Pixels:
    if pixels.shape[2] == channels:
        return pixels
    if channels == 3:
        return np.repeat(pixels, 3, axis=2)
    if pixels.dtype == np.uint16:
        return to_luma(pixels.astype(np.uint16, copy=False))
    return np.asarray(Image.fromarray(pixels).convert("L"))[:, :, np.newaxis]


def _is_plain_png(data: bytes, image: Image.Image, options: StorageOptions) -> bool:
    """Whether every PNG decoder returns these pixels: gray or RGB of this depth, no transparency, one frame."""
    if image.format != "PNG" or "transparency" in image.info or getattr(image, "n_frames", 1) > 1:
        return False
    if options.depth == 16 and max(image.size) > MAX_DEEP_SIDE:
        return False
    bit_depth, color_type = data[24], data[25]  # in IHDR, always the first chunk
    plain = color_type == 0 or (color_type == 2 and options.channels == 3)
    return bit_depth == options.depth and plain and _has_portable_chunks(data)


def _has_portable_chunks(data: bytes) -> bool:
    """Whether the header is the first chunk and the only header, and all critical chunks are known, up to a whole IEND.

    libpng demands that, and Pillow does not.
    """
    for number, (kind, _, end) in enumerate(png_chunks(data)):
        if (kind == b"IHDR") != (number == 0):
            return False
        if kind == b"IEND":
            return end + 4 <= len(data)
        if kind[:1].isupper() and kind not in CRITICAL_CHUNKS:
            return False
    return False


def _reads_back(data: bytes, pixels: Pixels, options: StorageOptions) -> bool:
    """Whether readers of the dataset get these pixels. Pillow may have read 16 bits that OpenCV does not."""
    if options.depth == 8:
        return True
    try:
        found = decode_payload(data, size=pixels.shape[:2], channels=options.channels, depth=16)
    except ValueError:
        return False
    return np.array_equal(found, pixels)


def _check_png_checksums(data: bytes) -> None:
    """Checks every chunk's CRC-32 (PNG 1.2, section 3.2), which Pillow does not do for image data."""
    for kind, start, end in png_chunks(data):
        checksum = data[end : end + 4]
        if len(checksum) == 4 and zlib.crc32(data[start - 4 : end]) != int.from_bytes(checksum, "big"):
            name = kind.decode("latin-1")
            raise ImageError("corrupt", f"PNG: wrong checksum in the {name} chunk at byte {start - 8}")
