"""Says which value of a file with more than 8 bits is white, and scales its values to that."""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from fitfeed.converters.images.source_depth import deep_netpbm, source_depth

Samples = npt.NDArray[np.uint16]
"""uint16 (height, width, 1 to 4): gray or RGB, and alpha if there are 2 or 4 channels."""

MAX_VALUE = 65_535

PIXELS_AT_ONCE = 1 << 20
"""Pixels of a strip. Arithmetic in 32 bits, or a look-up, takes several times the image's memory, so it is done strip by strip."""


class WhitePoint(NamedTuple):
    """The value that is white in a file.

    Attributes:
        claimed: What the file itself says of its values, as they are decoded; None if it says nothing.
        given: What the user says of such files; None for the largest value of 16 bits.
    """

    claimed: int | None = None
    given: int | None = None

    @property
    def value(self) -> int:
        """The value that is white, 1 to 65535."""
        return self.claimed or self.given or MAX_VALUE

    @property
    def as_pillow(self) -> bool:
        """Whether values stay as Pillow decodes them."""
        return self.value == MAX_VALUE

    def largest(self, values: npt.NDArray[np.uint16]) -> int:
        """The largest of some values, if only the user can know how bright it is; else 0."""
        return 0 if self.claimed else int(values.max())


def white_point(data: bytes, image: Image.Image, given: int | None) -> WhitePoint:
    """The white of a file.

    The header of 16-bit PGM and PPM has it. A TIFF of 12 bits has values of 12 bits; Pillow scales JPEG 2000 of fewer bits
    than 16 to 16. All other files of 16 bits leave open how many of them are used.

    Args:
        data: The whole file.
        image: The file, opened and not loaded.
        given: What `--white` says.
    """
    netpbm = deep_netpbm(image)
    if netpbm is not None:
        return WhitePoint(netpbm.maxval if netpbm.maxval < MAX_VALUE else None, given)
    if image.format == "HEIF":  # its decoder has scaled gray of 10 or 12 bits
        return WhitePoint(MAX_VALUE, given)
    bits = source_depth(data, image) if image.mode.startswith("I;16") else 16
    if bits == 16:
        return WhitePoint(None, given)
    return WhitePoint((1 << bits) - 1 if image.format == "TIFF" else MAX_VALUE, given)


def to_white(samples: Samples, white: int) -> Samples:
    """Scales 0..white to 0..65535, rounded half up. Larger values become 65535. Alpha stays as it is.

    Args:
        samples: uint16 (height, width, 1 to 4).
        white: 1 to 65535.
    """
    if white == MAX_VALUE:
        return samples
    scaled, table = np.empty_like(samples), _table(white)
    for rows in strips(*samples.shape[:2]):
        scaled[rows] = table[samples[rows]]
    if samples.shape[2] in (2, 4):
        scaled[:, :, -1] = samples[:, :, -1]
    return scaled


def strips(height: int, width: int) -> Iterator[slice]:
    """Slices of rows that cover an image, each of `PIXELS_AT_ONCE` pixels or of one row."""
    step = max(1, PIXELS_AT_ONCE // width)
    return (slice(top, top + step) for top in range(0, height, step))


@lru_cache(maxsize=4)
def _table(white: int) -> Samples:
    """What each of 65,536 values becomes: uint16 (65536,). Exact, in whole numbers."""
    values = np.arange(MAX_VALUE + 1, dtype=np.int64)
    return np.minimum((2 * values * MAX_VALUE + white) // (2 * white), MAX_VALUE).astype(np.uint16)
