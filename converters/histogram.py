"""Exact histograms of uint8 images."""

import cv2
import numpy as np

from schemas.codec import Pixels
from schemas.statistics import BINS, Histogram

MAX_PIXELS_PER_CALL = 1 << 24
"""`cv2.calcHist` counts in float32, which is exact up to 2**24."""


def count_pixels(pixels: Pixels, into: Histogram) -> None:
    """Adds an image to a histogram.

    `cv2.calcHist` was measured three times as fast as `numpy.bincount`.

    Args:
        pixels: uint8 (height, width, channels).
        into: int64 (channels, 256), added to in place.
    """
    rows = max(1, MAX_PIXELS_PER_CALL // pixels.shape[1])
    for top in range(0, pixels.shape[0], rows):
        strip = pixels[top : top + rows]
        for channel in range(pixels.shape[2]):
            counts = cv2.calcHist([strip], [channel], None, [BINS], [0, BINS])
            into[channel] += counts.ravel().astype(np.int64)
