"""Bits per value of stored images: 8, or 16 where the whole dataset has them."""

from typing import Any

import numpy as np
import numpy.typing as npt

from fitfeed.schemas.base_model import Depth as Depth

WIDEN = 257
"""65535 / 255: an 8-bit value times this is the same share of the brightest 16-bit one, exactly."""

MAX_DEEP_SIDE = 1 << 20
"""OpenCV, which reads PNG of 16 bits, takes no image that is wider or higher."""

STORED_TYPES: dict[Depth, np.dtype[Any]] = {8: np.dtype(np.uint8), 16: np.dtype("<u2")}
"""Of the values of raw images: little-endian, whatever the machine."""


def levels_of(depth: Depth) -> int:
    """How many values there are: 256 or 65,536."""
    return 1 << depth


def unit_of(pixels: npt.NDArray[Any]) -> int:
    """What 1 of a figure in 0..255 is in this image: 1 in uint8, 257 in uint16."""
    return WIDEN if pixels.dtype == np.uint16 else 1


def native(stored: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Stored values in this machine's byte order: the same memory wherever that is little-endian."""
    return stored.astype(stored.dtype.newbyteorder("="), copy=False)
