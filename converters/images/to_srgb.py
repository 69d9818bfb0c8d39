"""Converts the colors of images with another ICC profile to sRGB, by LittleCMS.

A profile comes from anybody, as the rest of the file. It is bounded before LittleCMS reads it, and one that cannot be applied
is a reason to reject its image: its true colors are not known.
"""

import io
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

from fitfeed.converters.images.icc_profile import profile_name
from fitfeed.converters.rejects import ImageError
from fitfeed.schemas.payload import Pixels

MAX_PROFILE_BYTES = 8 << 20
"""8 MiB. Those of monitors and cameras have some kilobytes, those of printing presses up to three megabytes."""

CLASS, COLOR_SPACE = slice(12, 16), slice(16, 20)
"""Places in the header of a profile (ICC.1:2022, section 7.2)."""

DEVICES = (b"scnr", b"mntr", b"prtr", b"spac")
MODES = {b"RGB ": "RGB", b"GRAY": "L", b"CMYK": "CMYK"}
"""Color space of a profile to the mode of the images that it is for."""

SAME_LEVELS = 2
"""A profile that changes no color by more levels of 255 than these is one of the many of sRGB."""


def pixels_to_srgb(pixels: Pixels, profile: bytes) -> Pixels:
    """Converts decoded pixels without alpha.

    Args:
        pixels: uint8 (height, width, 1 or 3).
        profile: What they were in.

    Returns:
        uint8 (height, width, 1 or 3); the same array if it has the colors of sRGB already.

    Raises:
        ImageError: If the profile cannot be applied (`unsupported_format`).
    """
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    converted = image_to_srgb(image, profile)
    if converted is image:
        return pixels
    return np.asarray(converted).reshape(*pixels.shape[:2], -1)


def image_to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Converts a loaded image of any mode of 8 bits.

    Args:
        image: Of gray, colors or CMYK, with or without transparency, which stays as it is.
        profile: The ICC profile of its file.

    Returns:
        An image of gray or colors, with alpha or without; the same one if it has the colors of sRGB already.

    Raises:
        ImageError: If the profile cannot be applied (`unsupported_format`).
    """
    if image.mode == "LAB":  # says itself what its colors are, and Pillow converts it
        return image
    mode = _mode_for(profile)
    alpha = _alpha(image)
    if mode == "RGB" and image.mode != "CMYK":
        source = image.convert("RGB")  # gray may have a profile of colors, of which it is the neutral ones
    elif mode == "L" and image.mode in ("1", "L", "LA", "La"):
        source = image.convert("L")
    elif image.mode == mode:
        source = image
    else:
        detail = f"its color profile {profile_name(profile)!r} is for {mode} and its pixels are {image.mode}"
        raise _not_applied(detail)
    converted = _gray(source, profile) if mode == "L" else _colors(source, profile)
    if converted is None:
        return image
    if alpha is not None:
        converted.putalpha(alpha)
    return converted


def _gray(gray: Image.Image, profile: bytes) -> Image.Image | None:
    """A gray image in sRGB; None if it is that already."""
    table = _gray_table(profile)
    return None if table is None else gray.point(table)


def _colors(colors: Image.Image, profile: bytes) -> Image.Image | None:
    """An image of mode `RGB` or `CMYK` in sRGB; None if it is that already."""
    transform = _transform(profile, colors.mode)
    return None if transform is None else ImageCms.applyTransform(colors, transform)


def _alpha(image: Image.Image) -> Image.Image | None:
    if image.mode in ("RGBA", "RGBa", "LA", "La", "PA") or "transparency" in image.info:
        return image.convert("RGBA").getchannel("A")
    return None


def _mode_for(profile: bytes) -> str:
    """The mode of images that a profile is for."""
    if len(profile) > MAX_PROFILE_BYTES:
        detail = f"its color profile has {len(profile)} bytes, more than {MAX_PROFILE_BYTES}"
        raise _not_applied(detail)
    mode = MODES.get(profile[COLOR_SPACE])
    if mode is None or profile[CLASS] not in DEVICES:
        detail = f"its color profile {profile_name(profile)!r} is damaged, or not one of RGB, gray or CMYK"
        raise _not_applied(detail)
    return mode


@lru_cache(maxsize=8)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """From the colors of a profile to sRGB; None if these are the same. Making one takes a millisecond."""
    transform = _built(profile, mode)
    steps = np.arange(0, 256, 17, dtype=np.uint8)
    grid = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    return None if mode == "RGB" and _is_same(grid, _applied(transform, grid)) else transform


@lru_cache(maxsize=8)
def _gray_table(profile: bytes) -> list[int] | None:
    """What each of 256 grays becomes in sRGB; None if nearly the same.

    LittleCMS would take a few values of a curve, and draw lines between them: 10 levels off where it is steep.
    """
    levels = np.arange(256, dtype=np.uint8)[np.newaxis]
    converted = _applied(_built(profile, "L", flags=ImageCms.Flags.NOOPTIMIZE), levels)[:, :, 1]
    return None if _is_same(levels, converted) else converted[0].tolist()


def _built(
    profile: bytes, mode: str, flags: ImageCms.Flags = ImageCms.Flags.NONE
) -> ImageCms.ImageCmsTransform:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB", flags=flags)
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError) as error:
        detail = f"its color profile {profile_name(profile)!r} is damaged ({error})"
        raise _not_applied(detail) from error


def _applied(transform: ImageCms.ImageCmsTransform, pixels: Pixels) -> Pixels:
    """Some pixels of mode `L` or `RGB`, uint8 (height, width) or (height, width, 3), as uint8 (height, width, 3)."""
    return np.asarray(ImageCms.applyTransform(Image.fromarray(pixels), transform))


def _is_same(before: Pixels, after: Pixels) -> bool:
    return bool(np.abs(after.astype(np.int16) - before).max() <= SAME_LEVELS)


def _not_applied(detail: str) -> ImageError:
    return ImageError("unsupported_format", f"{detail}; --color stored takes its pixels as they are")
