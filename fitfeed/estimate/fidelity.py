"""How near a picture is to its original: PSNR, and SSIM of Wang et al. 2004.

TensorFlow has both, but takes seconds to import; OpenCV has them only among its extra modules. SSIM is as in the paper
(https://doi.org/10.1109/TIP.2003.819861): a Gaussian window of 11 x 11 pixels with a deviation of 1.5, where it fits into the
picture; the mean of all places and channels. `tf.image.ssim` is the same.
"""

import math

import cv2
import numpy as np
import numpy.typing as npt

from fitfeed.schemas.payload import Pixels

WINDOW, DEVIATION = 11, 1.5

LEVELS = 255.0

MEAN_STABILITY, VARIANCE_STABILITY = (0.01 * LEVELS) ** 2, (0.03 * LEVELS) ** 2
"""C1 and C2 of the paper."""


def psnr(original: Pixels, stored: Pixels) -> float:
    """Peak signal-to-noise ratio in decibels; infinite for equal pictures.

    Args:
        original: uint8 (height, width, channels).
        stored: The same shape.
    """
    error = float(np.mean((original.astype(float) - stored) ** 2))
    return 10 * math.log10(LEVELS**2 / error) if error else math.inf


def ssim(original: Pixels, stored: Pixels) -> float | None:
    """Structural similarity, 1 for equal pictures; None for pictures that are smaller than the window.

    Args:
        original: uint8 (height, width, channels).
        stored: The same shape.
    """
    if min(original.shape[:2]) < WINDOW:
        return None
    x, y = original.astype(float), stored.astype(float)
    mean_x, mean_y = _windowed(x), _windowed(y)
    squares = mean_x**2 + mean_y**2
    variances = _windowed(x * x + y * y) - squares
    covariance = _windowed(x * y) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + MEAN_STABILITY) / (squares + MEAN_STABILITY)
    structure = (2 * covariance + VARIANCE_STABILITY) / (variances + VARIANCE_STABILITY)
    return float(np.mean(luminance * structure))


def _windowed(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Weighted means of all windows that fit in."""
    kernel = cv2.getGaussianKernel(WINDOW, DEVIATION)
    margin = WINDOW // 2
    means = cv2.sepFilter2D(values, -1, kernel, kernel)
    return np.asarray(means, float)[margin:-margin, margin:-margin]
