"""What tests must know of the installed OpenCV: version 4 interpolates on a grid, version 5 does not."""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

IS_EXACT = int(cv2.__version__.partition(".")[0]) >= 5
"""Version 4 warps from places that are rounded to 1/32 of a pixel; version 5 from the places themselves."""

MAX_GRID_ERROR = 1 / 60
"""In pixels, along each axis: half of 1/32, and a little for the fixed-point numbers that places come from."""


def grid_error(image: npt.NDArray[Any], *, outside: bool = False) -> float:
    """How far off a bilinear warp may be because of that grid, in levels; 0 where there is none.

    Args:
        image: What is warped, uint8 (height, width, channels).
        outside: Whether places where the image meets another value count, such as a fill value.
    """
    if IS_EXACT:
        return 0.0
    levels = image.astype(np.float64)
    steps = [255.0 if outside else float(np.abs(np.diff(levels, axis=axis)).max()) for axis in (0, 1)]
    return MAX_GRID_ERROR * sum(steps)
