"""Shrinking by averaging areas: each new pixel is the mean of the part of the image that it covers."""

import cv2
import numpy as np

from fitfeed.schemas.codec import Pixels

cv2.setNumThreads(1)  # one process per CPU is the parallelism; OpenCV's own threads would only fight it

NUDGE = 1 - 1e-9
"""Where a new pixel begins exactly on the border of two old ones, OpenCV's rounding may take the one
before. A scale that is smaller by less than any weight can show makes it take the right one."""


def shrink(pixels: Pixels, height: int, width: int) -> Pixels:
    """Shrinks an image by averaging areas.

    Up to a half, in two steps, each of which OpenCV does with vector instructions: enlarging to
    twice the target by areas (a quarter of a new pixel lies in at most 2 x 2 old ones, so it is a
    mix of these four with the right weights), then the mean of every 2 x 2. That is the same
    average, rounded twice: within 1 of the exact one (in 16 bits, too), 58 dB, where `cv2.INTER_AREA` alone, within
    0.5 and 59 dB, takes 2.5 times as long. After JPEG at quality 90 both are 40 dB from it and
    differ by 0.01 dB (means of photographs of 400 x 533 pixels, to 256).

    Args:
        pixels: uint8 or uint16 (height, width, channels).
        height: Of the result, at most that of the image.
        width: Of the result, at most that of the image.

    Returns:
        Of the same type, (height, width, channels).
    """
    old_height, old_width, channels = pixels.shape
    scaled = pixels
    if height < old_height < 2 * height and width < old_width < 2 * width:
        factors = {"fx": 2 * width / old_width * NUDGE, "fy": 2 * height / old_height * NUDGE}
        scaled = np.asarray(cv2.resize(pixels, None, interpolation=cv2.INTER_AREA, **factors), pixels.dtype)
    scaled = np.asarray(cv2.resize(scaled, (width, height), interpolation=cv2.INTER_AREA), pixels.dtype)
    return scaled.reshape(height, width, channels)  # OpenCV drops the channel axis of grey images
