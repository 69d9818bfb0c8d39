"""Mixes a batch on the device, by mixtures that a `Mixer` has sampled on the host."""

from collections.abc import Sequence
from typing import Any

from keras import ops

from fitfeed.pipelines.augment.device_parameters import COLUMNS
from fitfeed.pipelines.device.backend import INDEX, gather


def mix_batch(images: Any, columns: Any, *, blends: Sequence[bool]) -> Any:
    """Mixes a batch by one operation after the other.

    Args:
        images: Floats (n, H, W, C), whole numbers from 0 to 255.
        columns: float32 (n, operations * COLUMNS).
        blends: For each operation, whether it blends whole images (`MixUp`) or replaces a box (`CutMix`).

    Returns:
        Images of the same shape and type. Every operation rounds to nearest, as on the CPU.
    """
    _, height, width, _ = images.shape
    y = ops.reshape(ops.arange(height, dtype="float32"), (1, height, 1, 1))
    x = ops.reshape(ops.arange(width, dtype="float32"), (1, 1, width, 1))
    for number, blend in enumerate(blends):
        own = columns[:, number * COLUMNS : (number + 1) * COLUMNS]
        others = gather(images, ops.cast(own[:, 0], INDEX))
        weight, top, left, bottom, right = (ops.reshape(own[:, i], (-1, 1, 1, 1)) for i in range(1, COLUMNS))
        if blend:
            images = ops.round(images * weight + others * (1 - weight))
        else:
            inside = (y >= top) & (y < bottom) & (x >= left) & (x < right)
            images = ops.where(inside, others, images)
    return images
