"""Any image file's bytes to upright 8-bit RGB or grey pixels, fully decoded.

Pillow identifies every file by its content and decodes most formats. Baseline and progressive JPEG
goes through simplejpeg, measured about twice as fast as Pillow with the same pixels (both wrap
libjpeg-turbo with the accurate integer DCT); where simplejpeg finds anything to complain about,
Pillow's verdict counts.
"""

import dataclasses
import io
import warnings
import zlib

import numpy as np
import simplejpeg
from PIL import Image

from converters.options import ConvertOptions
from converters.rejects import Reason
from converters.sniff import jpeg_frame, unidentified
from schemas.codec import Pixels

ORIENTATION_TAG = 0x0112
JPEG_FORMATS = ("JPEG", "MPO")
PORTABLE_JPEG_FRAMES = frozenset({0xC0, 0xC1, 0xC2, 0xC9, 0xCA})
"""Baseline, extended, progressive, and their arithmetic forms: what TensorFlow's decoder reads too."""

Image.MAX_IMAGE_PIXELS = None  # `max_pixels` refuses bombs earlier, and without a warning


class ImageError(Exception):
    """The bytes do not decode to a whole image.

    Attributes:
        reason: Code for `rejects.jsonl`.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        """Says why, as a code and as a sentence."""
        super().__init__(detail)
        self.reason = reason


@dataclasses.dataclass(frozen=True)
class Decoded:
    """A decoded image.

    Attributes:
        pixels: uint8 (height, width, channels), upright.
        keepable: The original bytes decode to exactly these pixels in `schemas.codec` and in
            TensorFlow, so they can be stored untouched.
    """

    pixels: Pixels
    keepable: bool


def decode_image(data: bytes, options: ConvertOptions) -> Decoded:
    """Decodes a whole image.

    EXIF orientation is applied; CMYK, palette and grey become RGB (or grey, as `channels` says);
    transparent pixels are composited on `background`; 16-bit grey keeps its upper 8 bits, as
    Pillow and TensorFlow do for 16-bit RGB, and is never clipped.

    Raises:
        ImageError: If the bytes are no image, not a whole one, or one that `options` refuse.
    """
    if not data:
        raise ImageError("empty_file", "the file has no bytes")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # corrupt EXIF and the like; what matters raises
        with _identify(data) as image:
            _check_header(image, options)
            if image.format in JPEG_FORMATS and image.mode in ("RGB", "L"):
                fast = _decode_jpeg(data, image, options.channels)
                if fast is not None:
                    return fast
            if image.format == "PNG":
                _check_png_checksums(data)
            return _decode_with_pillow(data, image, options)


def _identify(data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data))
    except Exception as error:
        reason, detail = unidentified(data, error)
        raise ImageError(reason, detail) from error


def _check_header(image: Image.Image, options: ConvertOptions) -> None:
    width, height = image.size
    if width < 1 or height < 1:
        raise ImageError("zero_dimension", f"the image is {width} x {height} pixels")
    if width * height > options.max_pixels:
        raise ImageError("bomb", f"{width} x {height} pixels is more than the {options.max_pixels} allowed")
    if options.frames == "reject" and getattr(image, "n_frames", 1) > 1:
        raise ImageError("unsupported_format", "the image has several frames, and --frames reject was given")


def _decode_jpeg(data: bytes, image: Image.Image, channels: int) -> Decoded | None:
    """Decodes by simplejpeg, or returns None where Pillow must decide."""
    colour = "RGB" if image.mode == "RGB" else "GRAY"
    try:
        pixels = simplejpeg.decode_jpeg(data, colorspace=colour, strict=True)
    except ValueError:
        return None
    orientation = _orientation(image)
    keepable = (
        orientation == 1 and (channels == 3 or colour == "GRAY") and jpeg_frame(data) in PORTABLE_JPEG_FRAMES
    )
    return Decoded(_upright(_with_channels(pixels, channels), orientation), keepable)


def _decode_with_pillow(data: bytes, image: Image.Image, options: ConvertOptions) -> Decoded:
    try:
        image.load()
        orientation = _orientation(image)  # after load: Pillow turns TIFF itself and drops the tag
        grey_or_rgb = _to_8_bit(image, options.background)
    except ImageError:
        raise
    except MemoryError:
        raise
    except Exception as error:
        raise ImageError(_load_reason(error), f"{image.format}: {error}") from error
    pixels = np.asarray(grey_or_rgb)
    pixels = _with_channels(pixels.reshape(*pixels.shape[:2], -1), options.channels)
    keepable = orientation == 1 and _is_plain_png(data, image, options.channels)
    return Decoded(_upright(pixels, orientation), keepable)


def _load_reason(error: Exception) -> Reason:
    return "truncated" if "truncated" in str(error).lower() or isinstance(error, EOFError) else "corrupt"


def _orientation(image: Image.Image) -> int:
    """EXIF orientation 1 to 8; anything invalid or unreadable counts as 1."""
    try:
        value = image.getexif().get(ORIENTATION_TAG, 1)
    except Exception:  # noqa: BLE001 - a broken tag block is no reason to refuse good pixels
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    """Undoes an EXIF orientation (Exif 2.32, section 4.6.4, tag 0x0112)."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def _to_8_bit(image: Image.Image, background: tuple[int, int, int]) -> Image.Image:
    """Any Pillow mode to `L` or `RGB`."""
    mode = image.mode
    if mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if mode in ("I", "F"):
        raise ImageError(
            "unsupported_format", f"{image.format} with 32-bit pixels has no defined brightest value"
        )
    if mode in ("RGBA", "RGBa", "LA", "La", "PA") or "transparency" in image.info:
        canvas = Image.new("RGBA", image.size, (*background, 255))
        return Image.alpha_composite(canvas, image.convert("RGBA")).convert("RGB")
    return image.convert("L" if mode in ("1", "L") else "RGB")


def _with_channels(pixels: Pixels, channels: int) -> Pixels:
    if pixels.shape[2] == channels:
        return pixels
    if channels == 3:
        return np.repeat(pixels, 3, axis=2)
    return np.asarray(Image.fromarray(pixels).convert("L"))[:, :, np.newaxis]


def _is_plain_png(data: bytes, image: Image.Image, channels: int) -> bool:
    """Whether every PNG decoder gives these pixels: 8 bits, grey or RGB, no transparency, one frame."""
    if image.format != "PNG" or "transparency" in image.info or getattr(image, "n_frames", 1) > 1:
        return False
    bit_depth, colour_type = data[24], data[25]  # in IHDR, always the first chunk
    return bit_depth == 8 and (colour_type == 0 or (colour_type == 2 and channels == 3))


def _check_png_checksums(data: bytes) -> None:
    """Checks every chunk's CRC-32 (PNG 1.2, section 3.2), which Pillow does not do for image data."""
    position = 8
    while position + 12 <= len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        end = position + 8 + length
        kind = data[position + 4 : position + 8]
        if end + 4 <= len(data) and zlib.crc32(data[position + 4 : end]) != int.from_bytes(
            data[end : end + 4], "big"
        ):
            raise ImageError(
                "corrupt", f"PNG: wrong checksum in the {kind.decode('latin-1')} chunk at byte {position}"
            )
        if kind == b"IEND":
            return
        position = end + 4
