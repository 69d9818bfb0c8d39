"""Pixels as small picture files inside the page."""

import base64
import io

import numpy as np
import numpy.typing as npt
from PIL import Image

from fitfeed.preview.contact_sheet import MASK_COLORS
from fitfeed.schemas.payload import Pixels

SIDE = 96
"""Pixels of the longer side of a picture."""

QUALITIES = (72, 45, 20)
MAX_BYTES = 5000
"""A photograph has some 3,000 bytes. Noise, which has more, gets a lower quality, so that no dataset makes a huge page."""


def shrunk(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Makes a picture fit: uint8 (height, width, channels) becomes (at most 96, at most 96, channels), 1 or 3 of them."""
    picture = _picture(pixels)
    picture.thumbnail((SIDE, SIDE))
    small = np.asarray(picture)
    return small.reshape(*small.shape[:2], -1)


def _picture(pixels: npt.NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)


def as_jpeg(pixels: npt.NDArray[np.uint8]) -> str:
    """Writes a picture as the address of an image of the page: uint8 (height, width, channels), 1 or 3 of them."""
    picture, content = _picture(pixels), b""
    for quality in QUALITIES:
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=quality)
        content = file.getvalue()
        if len(content) <= MAX_BYTES:
            break
    return f"data:image/jpeg;base64,{base64.b64encode(content).decode()}"


def mask_as_png(mask: Pixels) -> str:
    """Writes a mask as such an address, a color for each value: uint8 (height, width, 1). No values are mixed."""
    levels = np.asarray(mask[..., 0], np.uint8)
    height, width = levels.shape
    scale = min(1.0, SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    picture = Image.fromarray(levels).resize(size, Image.Resampling.NEAREST)
    picture.putpalette(MASK_COLORS.tobytes())
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def mask_color(value: int) -> str:
    """The color of a value of a mask, for style sheets."""
    return "#" + bytes(MASK_COLORS[value].tolist()).hex()
