"""Reads samples of 16 bits: those of gray images by Pillow, and colors by OpenCV, since Pillow cuts them to 8 bits."""

from typing import Any, NamedTuple

import cv2
import numpy as np
from PIL import Image

from fitfeed.converters.images.source_depth import deep_netpbm
from fitfeed.converters.images.white import MAX_VALUE, Samples, WhitePoint, strips, to_white
from fitfeed.schemas.bit_depth import WIDEN
from fitfeed.schemas.payload import Pixels, is_animated_png

BITS_PER_SAMPLE, PHOTOMETRIC = 258, 262  # tags of TIFF 6.0
WHITE_IS_ZERO = 0

LUMA = np.array([19_595, 38_470, 7_471], np.uint32)
"""Weights of red, green and blue in 65,536ths, as in Pillow. Times a 16-bit value, they fit into 32 bits."""


class DeepColorError(ValueError):
    """Colors of 16 bits that cannot be read with certainty."""


def to_uint16(pixels: Pixels) -> Samples:
    """8-bit values as 16-bit ones: 0..255 becomes 0..65535, exactly."""
    return pixels.astype(np.uint16) * np.uint16(WIDEN)


class DeepImage(NamedTuple):
    """All samples of a file.

    Attributes:
        samples: With white at 65535.
        largest: The largest value of the file, but for alpha; 0 if it has 8 bits, or says itself which value is white.
    """

    samples: Samples
    largest: int = 0


def read_gray(image: Image.Image, white: WhitePoint) -> DeepImage:
    """The values of a loaded image of mode `I;16`, of either byte order: uint16 (height, width, 1 or 2)."""
    gray = np.asarray(image).astype(np.uint16)
    largest = white.largest(gray)
    if _tiff_tag(image, PHOTOMETRIC) == WHITE_IS_ZERO:
        # Pillow does so for 8 bits only.
        gray = white.value - np.minimum(gray, np.uint16(white.value))
    return DeepImage(to_white(_with_key(gray[:, :, np.newaxis], image), white.value), largest)


def read_netpbm(data: bytes, image: Image.Image, white: WhitePoint) -> DeepImage | None:
    """Reads a binary PGM or PPM of more than 8 bits, which Pillow would scale value by value in Python.

    Args:
        data: The whole file.
        image: The file, opened and not loaded.
        white: The value that its header calls white.

    Returns:
        Samples, uint16 (height, width, 1 or 3); None if it is another file.

    Raises:
        EOFError: If pixels are missing.
    """
    netpbm = deep_netpbm(image)
    if netpbm is None or netpbm.is_text:
        return None
    shape = (image.height, image.width, 3 if image.mode == "RGB" else 1)
    start, count = netpbm.start, shape[0] * shape[1] * shape[2]
    if len(data) < start + 2 * count:
        msg = f"the file is truncated: {len(data)} bytes instead of {start + 2 * count}"
        raise EOFError(msg)
    samples = np.frombuffer(data, ">u2", count, start).astype(np.uint16).reshape(shape)
    return DeepImage(to_white(samples, white.value), white.largest(samples))


def read_uint16(data: bytes, image: Image.Image, white: WhitePoint) -> DeepImage:
    """All samples of a loaded image. Those of 8 bits are widened to 16.

    Pillow gives the upper 8 bits of colors of 16. If those of OpenCV are different, the two decoders read the file
    differently, and it is refused.

    Args:
        data: The whole file.
        image: The same file, loaded by Pillow; already turned, if it is a TIFF. OpenCV turns TIFF, too.
        white: Which of its values is white.

    Raises:
        DeepColorError: If it has colors of 16 bits that cannot be read with certainty.
    """
    if image.mode.startswith("I;16"):
        return read_gray(image, white)
    if not has_deep_colors(data, image):
        return DeepImage(to_uint16(_shallow_samples(image)))
    seen = np.asarray(image)
    found: Any = None
    if image.format != "PNG" or not is_animated_png(data):
        found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if found is None or found.dtype != np.uint16 or found.ndim != 3:
        msg = f"colors of 16 bits in a {image.format} file of a kind that cannot be read here"
        raise DeepColorError(msg)
    samples = found[:, :, [2, 1, 0, 3][: found.shape[2]]]  # OpenCV's order is blue, green, red
    if found.shape[:2] != seen.shape[:2] or not np.array_equal(
        samples[:, :, : seen.shape[2]] >> 8, seen[:, :, : found.shape[2]]
    ):
        msg = f"colors of 16 bits that two decoders read differently from this {image.format} file"
        raise DeepColorError(msg)
    if samples.shape[2] > 3 and seen.shape[2] == 3 and image.format != "PNG":
        samples = samples[:, :, :3]  # the file has a fourth sample that is not transparency
    largest = white.largest(samples[:, :, :3] if samples.shape[2] > 2 else samples[:, :, :1])
    return DeepImage(to_white(np.ascontiguousarray(samples), white.value), largest)


def largest_seen(data: bytes, image: Image.Image) -> int:
    """The largest value that colors of 16 bits may have, by their upper 8 bits, which are all that Pillow decodes.

    0 for any other image.
    """
    if not has_deep_colors(data, image):
        return 0
    upper = np.asarray(image)
    return int(upper[:, :, : 3 if upper.shape[2] > 2 else 1].max()) << 8 | 0xFF


def has_deep_colors(data: bytes, image: Image.Image) -> bool:
    """Whether an image is one of colors, or of gray with alpha, of which Pillow decodes only the upper 8 of 16 bits."""
    if image.mode not in ("RGB", "RGBA", "LA"):
        return False
    if image.format == "PNG":
        return data[24] == 16  # in IHDR, always the first chunk
    bits = _tiff_tag(image, BITS_PER_SAMPLE)
    return isinstance(bits, tuple) and set(bits) == {16}


def _shallow_samples(image: Image.Image) -> Pixels:
    """The pixels of an image of any other mode: uint8 (height, width, 1, 3 or 4)."""
    if image.mode in ("RGBA", "RGBa", "LA", "La", "PA") or "transparency" in image.info:
        return np.asarray(image.convert("RGBA"))
    if image.mode in ("1", "L"):
        return np.asarray(image.convert("L"))[:, :, np.newaxis]
    return np.asarray(image.convert("RGB"))


def _with_key(gray: Samples, image: Image.Image) -> Samples:
    """Adds alpha to a gray PNG in which one value is transparent (PNG 1.2, section 4.2.9)."""
    key = image.info.get("transparency")
    if not isinstance(key, int):
        return gray
    alpha = np.where(gray == key, np.uint16(0), np.uint16(MAX_VALUE))
    return np.concatenate([gray, alpha], axis=2)


def _tiff_tag(image: Image.Image, tag: int) -> Any:
    tags = getattr(image, "tag_v2", None)
    return None if tags is None else tags.get(tag)


def composite(samples: Samples, background: tuple[int, int, int]) -> Samples:
    """Puts samples with alpha on a background, rounded once. Others stay as they are.

    Args:
        samples: uint16 (height, width, 1 to 4).
        background: RGB, 0..255.

    Returns:
        uint16 (height, width, 1) for gray without alpha, else (height, width, 3).
    """
    height, width, count = samples.shape
    if count in (1, 3):
        return samples
    below = np.asarray(background, np.uint32) * WIDEN
    result = np.empty((height, width, 3), np.uint16)
    for rows in strips(height, width):
        alpha = samples[rows, :, -1:].astype(np.uint32)
        # At most 65535 * 65535 and the half of it for rounding: that fits into 32 bits.
        sums = samples[rows, :, :-1] * alpha + below * (MAX_VALUE - alpha)
        result[rows] = (sums + MAX_VALUE // 2) // MAX_VALUE
    return result


def to_luma(colors: Samples) -> Samples:
    """The luma of uint16 (height, width, 3), with the weights that Pillow has for 8 bits: uint16 (height, width, 1)."""
    height, width, _ = colors.shape
    result = np.empty((height, width, 1), np.uint16)
    for rows in strips(height, width):
        sums = (colors[rows] * LUMA).sum(axis=2, dtype=np.uint32)
        result[rows, :, 0] = (sums + np.uint32(1 << 15)) >> np.uint32(16)
    return result


def encode_png(pixels: Pixels) -> bytes:
    """Encodes uint16 (height, width, 1 or 3) as PNG of 16 bits, losslessly. A side has at most `MAX_DEEP_SIDE` pixels."""
    colors = pixels[:, :, 0] if pixels.shape[2] == 1 else cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(".png", np.ascontiguousarray(colors))
    if not done:
        msg = f"{pixels.shape[1]} x {pixels.shape[0]} pixels of 16 bits cannot be encoded as PNG"
        raise ValueError(msg)
    return data.tobytes()
