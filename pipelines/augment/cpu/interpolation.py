"""Says how pixels are fetched between pixels, and outside the image."""

from dataclasses import dataclass
from typing import Literal

import cv2

Interpolation = Literal["bilinear", "nearest"]
FillMode = Literal["reflect", "wrap", "constant", "nearest"]

BORDERS = {
    "reflect": cv2.BORDER_REFLECT,  # d c b a | a b c d | d c b a
    "wrap": cv2.BORDER_WRAP,
    "constant": cv2.BORDER_CONSTANT,
    "nearest": cv2.BORDER_REPLICATE,
}


@dataclass(frozen=True, slots=True)
class Sampling:
    """How pixels are fetched.

    Attributes:
        interpolation: "bilinear" or "nearest".
        fill_mode: What is outside the source: "reflect", "wrap", "constant" or "nearest".
        fill_value: The constant, 0..255.
    """

    interpolation: str = "bilinear"
    fill_mode: str = "nearest"
    fill_value: float = 0.0


PLAIN = Sampling()
"""The sampling of crops, flips and resizing, which stay within the image."""
