"""The per-image work of a training, as a good user would write it with the fastest libraries."""

import math
import random
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
import simplejpeg

cv2.setNumThreads(1)  # the loaders' processes and threads are the parallelism


class Transform:
    """From JPEG bytes to a normalised image: random part, resized, flipped at random. Picklable."""

    def __init__(self, side: int, mean: Sequence[float], std: Sequence[float]) -> None:
        """Fixes the output.

        Args:
            side: Height and width.
            mean: Per channel, 0..255.
            std: Per channel.
        """
        self._side = side
        self._mean = np.array(mean, np.float32)
        self._scale = 1 / np.array(std, np.float32)

    def __call__(self, payload: bytes) -> npt.NDArray[np.float32]:
        """Decodes, crops, resizes, flips and normalises: float32 (side, side, 3)."""
        pixels = simplejpeg.decode_jpeg(payload, colorspace="RGB")
        top, left, height, width = random_part(*pixels.shape[:2])
        part = pixels[top : top + height, left : left + width]
        image = cv2.resize(part, (self._side, self._side))
        if random.random() < 0.5:
            image = cv2.flip(image, 1)
        normalised: npt.NDArray[np.float32] = (image.astype(np.float32) - self._mean) * self._scale
        return normalised


def random_part(height: int, width: int) -> tuple[int, int, int, int]:
    """Top, left, height and width as torchvision's RandomResizedCrop draws them."""
    for _ in range(10):
        area = height * width * random.uniform(0.08, 1.0)
        ratio = math.exp(random.uniform(math.log(3 / 4), math.log(4 / 3)))
        h, w = round(math.sqrt(area / ratio)), round(math.sqrt(area * ratio))
        if 0 < h <= height and 0 < w <= width:
            return random.randint(0, height - h), random.randint(0, width - w), h, w
    side = min(height, width)
    return (height - side) // 2, (width - side) // 2, side, side
