"""Exact histograms of images."""

import cv2
import numpy as np

from fitfeed.schemas.payload import Pixels
from fitfeed.schemas.statistics import Histogram

MAX_PIXELS_PER_CALL = 1 << 24
"""`cv2.calcHist` counts in float32, which is exact up to 2**24."""


def count_pixels(pixels: Pixels, into: Histogram) -> None:
    """Adds an image to a histogram.

    `cv2.calcHist` was measured three times as fast as `numpy.bincount` for 8 bits, and as fast for 16.

    Args:
        pixels: uint8 or uint16 (height, width, channels).
        into: int64 (channels, 256), or (channels, 65536) for uint16, added to in place.
    """
    bins = into.shape[1]
    rows = max(1, MAX_PIXELS_PER_CALL // pixels.shape[1])
    for top in range(0, pixels.shape[0], rows):
        strip = pixels[top : top + rows]
        for channel in range(pixels.shape[2]):
            counts = cv2.calcHist([strip], [channel], None, [bins], [0, bins])
            into[channel] += counts.ravel().astype(np.int64)
