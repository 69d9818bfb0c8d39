"""Resamples a batch by matrices from places in the output to places in the source, as in `Geometry`."""

from typing import Any

import numpy as np
from keras import ops

from fitfeed.pipelines.arrays.types import Size
from fitfeed.pipelines.augment.cpu.interpolation import Sampling
from fitfeed.pipelines.device.backend import INDEX, gather

MAX_PLACE = 2.0**20
"""Pixels. Places are clipped to this distance, so that they can be converted to integers."""


def warp(images: Any, matrix: Any, sampling: Sampling, size: Size) -> Any:
    """Resamples each image: interpolates four neighbors or, for "nearest", takes the nearest pixel.

    Args:
        images: float32 (n, H, W, C).
        matrix: float32 (n, 3, 3).
        sampling: How pixels are fetched.
        size: (height, width) of the output.

    Returns:
        float32 (n, height, width, C); whole numbers for "nearest".
    """
    x, y = _places(matrix, size)
    if sampling.interpolation == "nearest":
        return _fetch(images, ops.floor(x), ops.floor(y), sampling)
    x, y = x - 0.5, y - 0.5  # from the image's corner to the center of its first pixel
    left, top = ops.floor(x), ops.floor(y)
    right_share, lower_share = (x - left)[..., None], (y - top)[..., None]
    upper, lower = (
        _fetch(images, left, row, sampling) * (1 - right_share)
        + _fetch(images, left + 1, row, sampling) * right_share
        for row in (top, top + 1)
    )
    return upper * (1 - lower_share) + lower * lower_share


def _places(matrix: Any, size: Size) -> tuple[Any, Any]:
    """Computes the place of each output pixel's center in the source: x and y, float32 (n, height, width)."""
    x = ops.convert_to_tensor(np.arange(size[1], dtype=np.float32) + np.float32(0.5))
    y = ops.convert_to_tensor(np.arange(size[0], dtype=np.float32)[:, None] + np.float32(0.5))
    a, b, c, d, e, f, g, h, i = (
        matrix[:, row, column][:, None, None] for row in range(3) for column in range(3)
    )
    depth = g * x + (h * y + i)
    depth = ops.where(ops.absolute(depth) < 1e-9, 1e-9, depth)  # the horizon
    return (
        ops.clip((a * x + (b * y + c)) / depth, -MAX_PLACE, MAX_PLACE),
        ops.clip((d * x + (e * y + f)) / depth, -MAX_PLACE, MAX_PLACE),
    )


def _fetch(images: Any, x: Any, y: Any, sampling: Sampling) -> Any:
    """Fetches pixels of images that are continued beyond their borders; x, y: whole numbers (n, height, width)."""
    height, width, channels = images.shape[1:]
    column, row = (_continued(place, side, sampling.fill_mode) for place, side in ((x, width), (y, height)))
    image = ops.reshape(ops.arange(ops.shape(images)[0], dtype=INDEX), (-1, 1, 1))
    place = (image * height + ops.cast(row, INDEX)) * width + ops.cast(column, INDEX)
    pixels = gather(ops.reshape(images, (-1, channels)), place)
    if sampling.fill_mode != "constant":
        return pixels
    inside = ops.logical_and(ops.equal(x, column), ops.equal(y, row))
    return ops.where(inside[..., None], pixels, sampling.fill_value)


def _continued(place: Any, side: int, fill_mode: str) -> Any:
    """Returns the pixel of a side, 0 to side - 1, that shows at each place."""
    # 0.5 keeps away from the seams: compilers divide by multiplying by 1 / side, which is rounded.
    if fill_mode == "reflect":
        place = place - 2 * side * ops.floor((place + 0.5) / (2 * side))
        place = ops.minimum(place, 2 * side - 1 - place)
    elif fill_mode == "wrap":
        place = place - side * ops.floor((place + 0.5) / side)
    return ops.clip(place, 0, side - 1)
