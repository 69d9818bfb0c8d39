"""Draws the pictures of sources."""

from pathlib import Path

import numpy as np

from tests.deep import png


def draw(folder: Path, numbers: range) -> Path:
    """Pictures in two classes."""
    for number in numbers:
        name = folder / ("cat", "dog")[number % 2] / f"{number}.png"
        name.parent.mkdir(parents=True, exist_ok=True)
        name.write_bytes(png(np.full((4, 5, 3), number * 20, np.uint8)))
    return folder
