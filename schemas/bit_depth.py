"""Bits per value of stored images: 8, or 16 for all images of a dataset."""

from typing import Any

import numpy as np
import numpy.typing as npt

from fitfeed.schemas.base_model import Depth as Depth

WIDEN = 257
"""65535 / 255. An 8-bit value times this is exactly the same share of the brightest 16-bit value."""

MAX_DEEP_SIDE = 1 << 20
"""The largest height and width of an image that OpenCV takes. It reads PNG of 16 bits."""

STORED_TYPES: dict[Depth, np.dtype[Any]] = {8: np.dtype(np.uint8), 16: np.dtype("<u2")}
"""Types of the values of raw images. They are little-endian on every machine."""


def levels_of(depth: Depth) -> int:
    """How many values there are: 256 or 65,536."""
    return 1 << depth


def unit_of(pixels: npt.NDArray[Any]) -> int:
    """What a difference of 1 in the range 0..255 is in this image: 1 in uint8, 257 in uint16."""
    return WIDEN if pixels.dtype == np.uint16 else 1


def native(stored: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Stored values in the byte order of this machine. If that is little-endian, it is the same memory."""
    return stored.astype(stored.dtype.newbyteorder("="), copy=False)


def on_screen(pixels: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """What a screen can show of uint8 or uint16 pixels: of 16 bits the upper 8."""
    return (
        (pixels >> 8).astype(np.uint8) if pixels.dtype == np.uint16 else pixels.astype(np.uint8, copy=False)
    )
