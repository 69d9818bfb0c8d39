"""Converts an opened image of any kind to the 8 or 16 bits per value of the dataset."""

from typing import NamedTuple

import numpy as np
from PIL import Image

from fitfeed.converters.images.sixteen_bit import (
    DeepColorError,
    composite,
    has_deep_colors,
    largest_seen,
    read_gray,
    read_netpbm,
    read_uint16,
)
from fitfeed.converters.images.to_srgb import image_to_srgb, pixels_to_srgb
from fitfeed.converters.images.white import WhitePoint, to_white, white_point
from fitfeed.converters.option_parts.storage import StorageOptions
from fitfeed.converters.rejects import ImageError
from fitfeed.schemas.payload import Pixels

SAMPLE_FORMAT, BITS_PER_SAMPLE = 339, 258  # tags of TIFF 6.0
SIGNED = 2


class LoadedPixels(NamedTuple):
    """The pixels of a file.

    Attributes:
        pixels: uint8 or uint16 (height, width, 1 or 3), composited, in the order of the file.
        largest: The largest value of a file of more than 8 bits, 0..65535, before it was scaled; 0 if the file has 8
            bits, or says itself which value is white.
        recolored: Whether their colors were converted to sRGB.
    """

    pixels: Pixels
    largest: int = 0
    recolored: bool = False


def load_pixels(data: bytes, image: Image.Image, options: StorageOptions) -> LoadedPixels:
    """Decodes the pixels of a file, and converts them to the depth of the dataset.

    Args:
        data: The whole file.
        image: The file, opened. It is loaded here.
        options: Depth, background, color, and the value that is white.

    Raises:
        ImageError: If its numbers have no defined brightest value, or cannot be read with certainty, or its color profile
            cannot be applied.
    """
    white = white_point(data, image, options.white)
    netpbm = read_netpbm(data, image, white)
    if netpbm is not None:
        return LoadedPixels(_of_depth(netpbm.samples, options), netpbm.largest)
    image.load()
    if image.mode in ("I", "F"):
        if image.format != "PPM" or image.mode == "F":
            raise ImageError("unsupported_format", _without_white(image))
        # A PGM in text, which Pillow has scaled already if its white is not 65535.
        samples = np.asarray(image).astype(np.uint16)[:, :, np.newaxis]
        scaled = samples if white.claimed else to_white(samples, white.value)
        return LoadedPixels(_of_depth(scaled, options), white.largest(samples))
    if options.depth == 16 or (not white.as_pillow and has_deep_colors(data, image)):
        return _recolored(_deep(data, image, options, white), image, options)
    if image.mode.startswith("I;16"):
        gray = read_gray(image, white)
        pixels = _of_depth(composite(gray.samples, options.background), options)
        return _recolored(LoadedPixels(pixels, gray.largest), image, options)
    profile = profile_to_apply(image, options)
    colors = image if profile is None else image_to_srgb(image, profile)  # before anything is composited
    pixels = _to_8_bit(colors, options.background)
    return LoadedPixels(pixels, largest_seen(data, image), recolored=colors is not image)


def profile_to_apply(image: Image.Image, options: StorageOptions) -> bytes | None:
    """The ICC profile of a file, if colors are to be converted."""
    profile = image.info.get("icc_profile") if options.color == "srgb" else None
    return profile if isinstance(profile, bytes) and profile else None


def _recolored(loaded: LoadedPixels, image: Image.Image, options: StorageOptions) -> LoadedPixels:
    """Pixels of which 8 bits were kept, in sRGB."""
    profile = profile_to_apply(image, options)
    if profile is None:
        return loaded
    pixels = pixels_to_srgb(loaded.pixels, profile)
    return loaded._replace(pixels=pixels, recolored=pixels is not loaded.pixels)


def _deep(data: bytes, image: Image.Image, options: StorageOptions, white: WhitePoint) -> LoadedPixels:
    """Reads all bits of an image of any mode of Pillow."""
    try:
        deep = read_uint16(data, image, white)
    except DeepColorError as error:
        way = "--depth 8 takes it" if options.depth == 16 else "it is taken without --white"
        raise ImageError("unsupported_format", f"{error}; {way}") from error
    return LoadedPixels(_of_depth(composite(deep.samples, options.background), options), deep.largest)


def _of_depth(samples: Pixels, options: StorageOptions) -> Pixels:
    """Of uint16 all bits or the upper 8, as the dataset has."""
    return samples if options.depth == 16 else (samples >> 8).astype(np.uint8)


def _to_8_bit(image: Image.Image, background: tuple[int, int, int]) -> Pixels:
    """Converts an image of any mode of Pillow but `I;16` to uint8 (height, width, 1 or 3)."""
    mode = image.mode
    if mode in ("RGBA", "RGBa", "LA", "La", "PA") or "transparency" in image.info:
        canvas = Image.new("RGBA", image.size, (*background, 255))
        return np.asarray(Image.alpha_composite(canvas, image.convert("RGBA")).convert("RGB"))
    pixels = np.asarray(image.convert("L" if mode in ("1", "L") else "RGB"))
    return pixels.reshape(*pixels.shape[:2], -1)


def _without_white(image: Image.Image) -> str:
    """Why an image of large or signed numbers cannot be converted, and what to do."""
    values = np.asarray(image)
    kind = "32-bit floats" if image.mode == "F" else "32-bit integers"
    tags = getattr(image, "tag_v2", {})
    if tags.get(SAMPLE_FORMAT) == (SIGNED,) and tags.get(BITS_PER_SAMPLE) == (16,):
        kind = "signed 16-bit integers"
    return (
        f"{image.format} of {kind}, here {values.min():g} to {values.max():g}, which do not say what is black and white; "
        "scale them to 0..65535 and save them as unsigned 16-bit PNG or TIFF"
    )
