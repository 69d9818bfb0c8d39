"""Filters a batch by sums of shifted images. Each image may have its own kernel."""

from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

from fitfeed.pipelines.augment.base import Augmentation
from fitfeed.pipelines.augment.ops.filters import RandomGaussianBlur, RandomSharpness
from fitfeed.pipelines.augment.ops.random_erasing import NOISE, RandomErasing
from fitfeed.pipelines.augment.ops.trivial_augment import SharpnessInside
from fitfeed.pipelines.device.backend import INDEX, gather


def sharpen(images: Any, amount: Any) -> Any:
    """Moves images away from (or, below 1, toward) their smoothed copies.

    Args:
        images: float32 (n, H, W, C). Outside an image is black.
        amount: float32 (n,): 0 leaves the smoothed copy, 1 the image.

    Returns:
        float32 (n, H, W, C), not rounded.
    """
    padded = ops.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    rows = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
    smooth = (rows[:, :, :-2] + rows[:, :, 1:-1] + rows[:, :, 2:] + 4 * images) / 13
    amount = amount[:, None, None, None]
    return (1 - amount) * smooth + amount * images


def _random_sharpness(op: RandomSharpness, images: Any, parameters: Any) -> Any:
    return sharpen(images, 2 * parameters[:, 0])


def _sharpness_inside(op: SharpnessInside, images: Any, parameters: Any) -> Any:
    height, width = images.shape[1:3]
    inside = np.zeros((1, height, width, 1), bool)
    inside[:, 1:-1, 1:-1] = min(height, width) > 2
    return ops.where(ops.convert_to_tensor(inside), sharpen(images, 1 + parameters[:, 0]), images)


def _random_gaussian_blur(op: RandomGaussianBlur, images: Any, parameters: Any) -> Any:
    x, y = op.kernel_size if isinstance(op.kernel_size, tuple | list) else (op.kernel_size,) * 2
    blurred = _blur_along(1, images, _gaussian(y, parameters[:, 2]))
    blurred = _blur_along(2, blurred, _gaussian(x, parameters[:, 1]))
    return ops.where(parameters[:, 0, None, None, None] > 0, blurred, images)


def _gaussian(size: int, sigma: Any) -> Any:
    """Computes a kernel for each image: float32 (n, size), of sum 1. `sigma`: float32 (n,)."""
    distance = ops.convert_to_tensor((np.arange(size) - (size - 1) / 2).astype(np.float32))
    weights = ops.exp(-0.5 * ops.square(distance / sigma[:, None]))
    return weights / ops.sum(weights, axis=1, keepdims=True)


def _blur_along(axis: int, images: Any, weights: Any) -> Any:
    size, length = weights.shape[1], images.shape[axis]
    margins = [(0, 0)] * 4
    margins[axis] = (size // 2, size // 2)
    padded = ops.pad(images, margins)
    parts = (padded[:, i : i + length] if axis == 1 else padded[:, :, i : i + length] for i in range(size))
    return sum(part * weights[:, i, None, None, None] for i, part in enumerate(parts))


def _random_erasing(op: RandomErasing, images: Any, parameters: Any) -> Any:
    height, width, channels = images.shape[1:]
    applied, share_x, share_y, place_x, place_y, key = (parameters[:, i] for i in range(6))
    rows, columns = _part(height, share_y, place_y), _part(width, share_x, place_x)
    erased = ops.logical_and(rows[:, :, None], columns[:, None, :])
    erased = ops.logical_and(erased, applied[:, None, None] > 0)[..., None]
    if op.fill_value is None:
        return ops.where(erased, _noise(key, (height, width, channels)), images)
    values = np.rint(np.atleast_1d(op.fill_value)).astype(np.float32)
    return ops.where(erased, ops.convert_to_tensor(values), images)


def _part(side: int, share: Any, place: Any) -> Any:
    """Returns bool (n, side): the pixels whose numbers are between two places."""
    start = place * (side - share * side)
    numbers = ops.convert_to_tensor(np.arange(side, dtype=np.float32))
    first, last = ops.ceil(start), ops.ceil(start + share * side)
    return ops.logical_and(numbers >= first[:, None], numbers < last[:, None])


def _noise(key: Any, shape: tuple[int, int, int]) -> Any:
    """Makes noise, float32 (n, *shape): a hash of (key, place), which depends on nothing else of the batch.

    The hash is the output function of MurmurHash3 (32 bits), over the bits of key and place.
    """
    bits = ops.cast(key * 2.0**24, "uint32")[:, None]
    places = ops.convert_to_tensor(np.arange(np.prod(shape), dtype=np.uint32))
    mixed = _mix(ops.bitwise_xor(_mix(bits), places * _word(0x9E3779B9)))
    steps = ops.cast(ops.right_shift(mixed, _word(24)), INDEX)
    return ops.reshape(gather(ops.convert_to_tensor(NOISE.astype(np.float32)), steps), (-1, *shape))


def _mix(bits: Any) -> Any:
    bits = ops.bitwise_xor(bits, ops.right_shift(bits, _word(16))) * _word(0x85EBCA6B)
    bits = ops.bitwise_xor(bits, ops.right_shift(bits, _word(13))) * _word(0xC2B2AE35)
    return ops.bitwise_xor(bits, ops.right_shift(bits, _word(16)))


def _word(value: int) -> Any:
    return ops.convert_to_tensor(np.uint32(value))


FILTERS: dict[type[Augmentation], Callable[[Any, Any, Any], Any]] = {
    RandomErasing: _random_erasing,
    RandomGaussianBlur: _random_gaussian_blur,
    RandomSharpness: _random_sharpness,
    SharpnessInside: _sharpness_inside,
}
"""The function of each filter: from images float32 (n, H, W, C) and parameters float32 (n, P) to images."""
