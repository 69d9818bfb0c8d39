"""Runs operations with given parameters on both executors, and unfused in NumPy float64."""

import colorsys
from collections.abc import Sequence

import keras
import numpy as np
import numpy.typing as npt

from fitfeed.pipelines import Augmentation
from fitfeed.pipelines.device.array import DeviceArray
from fitfeed.pipelines.device.program import DeviceProgram
from fitfeed.schemas.payload import Pixels
from tests.pipelines.augment import reference

Floats = npt.NDArray[np.float64]
Steps = Sequence[tuple[Augmentation, npt.NDArray[np.float64]]]
"""Operations, each with parameters (n, P)."""


def on_device(steps: Steps, images: Pixels) -> npt.NDArray[np.float32]:
    """A batch through operations on the device."""
    program = DeviceProgram([(place, op) for place, (op, _) in enumerate(steps)])
    parameters = [DeviceArray(keras.ops.convert_to_tensor(own.astype(np.float32))) for _, own in steps]
    result = keras.ops.convert_to_numpy(program.apply(images, parameters))
    assert result.dtype == np.float32
    assert (result == np.rint(result)).all()
    return np.asarray(result)


def on_cpu(steps: Steps, images: Pixels) -> Pixels:
    """The same, one image after the other, on the CPU."""
    rows = [[(op, own[i].tolist()) for op, own in steps] for i in range(len(images))]
    return np.stack([reference.apply(row, image) for row, image in zip(rows, images, strict=True)])


# ---------------------------------------------------------------- one image (H, W, C) of floats, one operation


def inverted(image: Floats, applied: float) -> Floats:
    return 255 - image if applied else image


def through_hsv(image: Floats, hue_shift: float, saturation_scale: float) -> Floats:
    result = np.empty_like(image)
    for place in np.ndindex(*image.shape[:2]):
        hue, saturation, value = colorsys.rgb_to_hsv(*image[place] / 255)
        result[place] = colorsys.hsv_to_rgb((hue + hue_shift) % 1, saturation * saturation_scale, value)
    return result * 255


def posterized(image: Floats, bits: float) -> Floats:
    return np.asarray(image.astype(np.uint8) >> int(8 - bits) << int(8 - bits), np.float64)


def solarized(image: Floats, addition: float, threshold: float) -> Floats:
    added = np.clip(image + addition, 0, 255)
    return np.where(added < threshold, added, 255 - added)


def stretched(image: Floats) -> Floats:
    low, high = image.min(axis=(0, 1)), image.max(axis=(0, 1))
    return np.where(low < high, (image - low) * 255 / np.maximum(high - low, 1), image)


def equalized(image: Floats) -> Floats:
    """Each value becomes the share of pixels up to it, of those above the least."""
    result = image.copy()
    for channel in range(image.shape[2]):
        values = image[..., channel]
        above = (
            np.array([(values <= value).sum() for value in values.ravel()]) - (values == values.min()).sum()
        )
        total = values.size - (values == values.min()).sum()
        if total:
            result[..., channel] = np.floor(above * 255 / total + 0.5).reshape(values.shape)
    return result


def convolved(image: Floats, kernel: Floats) -> Floats:
    height, width = kernel.shape
    padded = np.pad(image, ((height // 2, height // 2), (width // 2, width // 2), (0, 0)))
    parts = [
        kernel[y, x] * padded[y : y + image.shape[0], x : x + image.shape[1]]
        for y in range(height)
        for x in range(width)
    ]
    return np.asarray(sum(parts))


def sharpened(image: Floats, factor: float) -> Floats:
    smooth = convolved(image, np.array([[1, 1, 1], [1, 5, 1], [1, 1, 1]]) / 13)
    return smooth + 2 * factor * (image - smooth)


def blurred(image: Floats, applied: float, sigma_x: float, sigma_y: float) -> Floats:
    """Five pixels along each axis."""
    y, x = (np.exp(-0.5 * (np.arange(-2, 3) / sigma) ** 2) for sigma in (sigma_y, sigma_x))
    return convolved(image, np.outer(y / y.sum(), x / x.sum())) if applied else image


def erased(
    image: Floats, applied: float, share_x: float, share_y: float, x: float, y: float, _: float
) -> Floats:
    """With the value 99."""
    result, (height, width) = image.copy(), image.shape[:2]
    top, left = y * (height - share_y * height), x * (width - share_x * width)
    rows, columns = np.arange(height), np.arange(width)
    inside_y = (rows >= top) & (rows < top + share_y * height)
    inside_x = (columns >= left) & (columns < left + share_x * width)
    if applied:
        result[np.ix_(inside_y, inside_x)] = 99
    return result
