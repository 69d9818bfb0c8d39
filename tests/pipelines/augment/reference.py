"""What augmentations do, one after the other, in NumPy float64: slow, and written from the definitions."""

from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from fitfeed.pipelines import Augmentation
from fitfeed.pipelines.augment.compiler.plan import Plan
from fitfeed.pipelines.augment.compiler.program import Program
from fitfeed.schemas.payload import Pixels
from tests.pipelines.build_dataset import picture

Floats = npt.NDArray[np.float64]


def blurred(number: int, height: int, width: int, channels: int = 3, sigma: float = 3) -> Pixels:
    """Without much detail, so that ways of sampling agree."""
    image = cv2.GaussianBlur(picture(number, height, width, channels), (0, 0), sigma)
    return np.asarray(image, np.uint8).reshape(height, width, channels)


def run(
    augment: Sequence[Augmentation | Callable[[Pixels], Pixels]],
    image: Pixels,
    *,
    image_size: tuple[int, int] | None = None,
    example: int = 0,
    epoch: int = 0,
    seed: int = 0,
) -> Pixels:
    """One image through a list of augmentations, as in a pipeline."""
    program = Program(augment, image_size=image_size, seed=seed)
    height, width = image.shape[:2]
    compiled = program.compile(
        epoch, np.array([example]), heights=np.array([height]), widths=np.array([width])
    )
    return program.render(image, compiled, 0, size=program.output_size((height, width)))


def apply(ops: Sequence[tuple[Augmentation, Sequence[float]]], image: Pixels) -> Pixels:
    """One image through operations with given parameters."""
    plan = Plan(np.array([image.shape[:2]]))
    for op, parameters in ops:
        op.add_to(plan, np.array([0]), np.array([parameters], np.float64))
    for one in plan.finish()[0]:
        shape = (*one.size_of(image), image.shape[2])
        image = one.apply(image, np.zeros(shape, np.uint8))
    return image


def passes(ops: Sequence[tuple[Augmentation, Sequence[float]]], size: tuple[int, int]) -> list[Any]:
    """What these operations are compiled to."""
    plan = Plan(np.array([size]))
    for op, parameters in ops:
        op.add_to(plan, np.array([0]), np.array([parameters], np.float64))
    return list(plan.finish()[0])


# ---------------------------------------------------------------- geometry: places of output pixels

Places = tuple[Floats, Floats]
"""x and y, in pixel numbers, where an output pixel is fetched."""


def grid(height: int, width: int) -> Places:
    y, x = np.mgrid[:height, :width].astype(np.float64)
    return x, y


def rotated(places: Places, turns: float, size: tuple[int, int]) -> Places:
    """Keras: a positive angle turns the image counter-clockwise, about ((w - 1) / 2, (h - 1) / 2)."""
    (x, y), (h, w), angle = places, size, 2 * np.pi * turns
    u, v = x - (w - 1) / 2, y - (h - 1) / 2
    c, s = np.cos(angle), np.sin(angle)
    return c * u - s * v + (w - 1) / 2, s * u + c * v + (h - 1) / 2


def zoomed(places: Places, height_zoom: float, width_zoom: float, size: tuple[int, int]) -> Places:
    (x, y), (h, w) = places, size
    return (x - (w - 1) / 2) * width_zoom + (w - 1) / 2, (y - (h - 1) / 2) * height_zoom + (h - 1) / 2


def sheared(places: Places, x_factor: float, y_factor: float) -> Places:
    x, y = places
    return x + x_factor * y, y_factor * x + y


def translated(places: Places, down: float, right: float, size: tuple[int, int]) -> Places:
    (x, y), (h, w) = places, size
    return x - right * w, y - down * h


def mirrored(places: Places, vertical: bool, horizontal: bool, size: tuple[int, int]) -> Places:
    (x, y), (h, w) = places, size
    return (w - 1 - x if horizontal else x), (h - 1 - y if vertical else y)


def fetch(image: Pixels | Floats, places: Places, fill_mode: str = "nearest", value: float = 0.0) -> Floats:
    """Bilinear interpolation in an image that is continued without end."""
    x, y = places
    left, top = np.floor(x), np.floor(y)
    fx, fy = (x - left)[..., None], (y - top)[..., None]
    rows = [_continued(image, top + i, left, fill_mode, value) * (1 - fx)
            + _continued(image, top + i, left + 1, fill_mode, value) * fx for i in (0, 1)]  # fmt: skip
    return np.asarray(rows[0] * (1 - fy) + rows[1] * fy)


def resized(image: Pixels, size: tuple[int, int]) -> Floats:
    """Pairs of rows and columns averaged while twice as many as asked for are left, then interpolated."""
    averaged, axes = image.astype(np.float64), []
    for axis in (0, 1):
        side, halvings = image.shape[axis], 0
        while image.shape[axis] >= 2 ** (halvings + 1) * size[axis]:
            halvings, side = halvings + 1, side // 2
            pairs = np.moveaxis(averaged, axis, 0)[: 2 * side]
            averaged = np.moveaxis((pairs[0::2] + pairs[1::2]) / 2, 0, axis)
        step = image.shape[axis] / 2**halvings / size[axis]
        axes.append((np.arange(size[axis]) + 0.5) * step - 0.5)
    y, x = np.meshgrid(*axes, indexing="ij")
    return fetch(averaged, (x, y))


def _continued(image: Pixels | Floats, y: Floats, x: Floats, fill_mode: str, value: float) -> Floats:
    height, width = image.shape[:2]
    rows, inside_y = _index(y.astype(int), height, fill_mode)
    columns, inside_x = _index(x.astype(int), width, fill_mode)
    pixels: Floats = image[rows, columns].astype(np.float64)
    if fill_mode == "constant":
        pixels[~(inside_x & inside_y)] = value
    return pixels


def _index(i: Any, n: int, fill_mode: str) -> tuple[Any, Any]:
    inside = (i >= 0) & (i < n)
    if fill_mode == "reflect":
        i = i % (2 * n)
        return np.where(i < n, i, 2 * n - 1 - i), inside
    if fill_mode == "wrap":
        return i % n, inside
    return np.clip(i, 0, n - 1), inside


# ---------------------------------------------------------------- colours, on floats

GRAY = np.array([0.2989, 0.5870, 0.1140])


def brightened(image: Floats, delta: float) -> Floats:
    return image + delta


def contrasted(image: Floats, factor: float) -> Floats:
    mean = image.mean(axis=(0, 1))
    return np.asarray((image - mean) * factor + mean)


def degenerated(image: Floats, share: float) -> Floats:
    return np.asarray(image + share * ((image @ GRAY)[..., None] - image))


def rounded(image: Floats) -> Pixels:
    return np.rint(np.clip(image, 0, 255)).astype(np.uint8)


def difference(ours: npt.NDArray[Any], theirs: npt.NDArray[Any]) -> Floats:
    """Absolute, in levels."""
    assert ours.shape == theirs.shape
    return np.abs(ours.astype(np.float64) - np.asarray(theirs, np.float64))
