"""Recolors a batch without matrix products, which devices round coarsely."""

from typing import Any

import numpy as np
from keras import ops

from fitfeed.pipelines.augment.compiler.color_matrix import Color
from fitfeed.pipelines.device.array import over_pixels, tensor_of


def recolor(images: Any, color: Color) -> Any:
    """Applies linear color operations to a batch.

    Args:
        images: float32 (n, H, W, C). Gray pixels are colors of three equal channels, and stay gray.
        color: Operations of n images, or one for all.

    Returns:
        float32 (n, H, W, C), neither clipped nor rounded.
    """
    pixel, shift = tensor_of(color.pixel), tensor_of(color.shift)
    about_mean = not (isinstance(color.mean, np.ndarray) and not color.mean.any())
    if about_mean:
        height, width, channels = images.shape[1:]
        # (n, C), which broadcasts to three channels for gray images
        means = over_pixels(ops.mean, ops.reshape(images, (-1, height * width, channels)))
        shift = shift + ops.sum(tensor_of(color.mean) * means[:, None, :], axis=-1)
    if images.shape[-1] == 1:
        factor = ops.sum(pixel[:, :1], axis=-1)
        return images * factor[:, None, None, :] + shift[:, None, None, :1]
    mixed = sum(images[..., k : k + 1] * pixel[:, None, None, :, k] for k in range(3))
    return mixed + shift[:, None, None, :]


def rotate_hue(images: Any, hue_shift: Any, saturation_scale: Any) -> Any:
    """Shifts the hue and multiplies the saturation, in HSV.

    A channel is value - chroma * saturation_scale * share, where the share (0 to 1) depends on the hue only.
    So nothing is divided by the value, and black is not a special case.

    Args:
        images: float32 (n, H, W, C). Gray images have no hue, and stay as they are.
        hue_shift: float32 (n,), in turns.
        saturation_scale: float32 (n,), >= 0.

    Returns:
        float32 (n, H, W, C), neither clipped nor rounded.
    """
    if images.shape[-1] == 1:
        return images
    red, green, blue = (images[..., k] for k in range(3))
    value = ops.maximum(ops.maximum(red, green), blue)
    chroma = value - ops.minimum(ops.minimum(red, green), blue)
    unit = ops.where(chroma > 0, chroma, 1.0)
    hue = ops.where(
        ops.equal(value, red),
        (green - blue) / unit,
        ops.where(ops.equal(value, green), 2 + (blue - red) / unit, 4 + (red - green) / unit),
    )
    hue = hue + 6 * hue_shift[:, None, None]  # in sixths of a turn
    strength = chroma * saturation_scale[:, None, None]
    return ops.stack([value - strength * _share(hue + start) for start in (5, 3, 1)], axis=-1)


def _share(hue: Any) -> Any:
    hue = hue - 6 * ops.floor(hue / 6)
    return ops.clip(ops.minimum(hue, 4 - hue), 0, 1)
