"""Erasing: hides a rectangle of an image."""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import ClassVar

import numpy as np
from typing_extensions import override

from fitfeed.pipelines.arrays.types import Bools, Floats
from fitfeed.pipelines.augment.ops.arguments import (
    Factor,
    bernoulli,
    check,
    factor_range,
    is_number,
    scale_to,
)
from fitfeed.pipelines.augment.ops.filters import FilterAugmentation
from fitfeed.schemas.bit_depth import unit_of
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.payload import Pixels

NOISE = (
    np.array([255 * NormalDist().inv_cdf((i + 0.5) / 256) for i in range(256)])
    .clip(0, 255)
    .round()
    .astype(np.uint8)
)
"""uint8 (256,): equally probable steps of a normal distribution with standard deviation 255, clipped to 0..255."""

FIELD_BYTES = 1 << 20
"""Bytes of noise, which is made once: 43 times as many as an average rectangle of 224 x 224 pixels shows."""


@dataclass(frozen=True)
class RandomErasing(FilterAugmentation):
    """Hides a rectangle in some images, as `keras.layers.RandomErasing`. Masks stay as they are.

    Attributes:
        factor: In [0, 1], a number f for (0, f) or a pair: the range of the probability. Defaults
            to 1: on average half of the images. (1, 1) erases in all.
        scale: In [0, 1], a number s for (0, s) or a pair: what is drawn, for the width and for the
            height, is the square of the rectangle's share of that side. Defaults to (0.02, 0.33).
        fill_value: 0..255, or three of them for red, green and blue. None: noise from a normal
            distribution of mean 0 and standard deviation 255, cut to 0..255, which is half black.

    Example:
        >>> make_pipeline("flowers", "train", batch_size=32, augment=[RandomErasing((0.25, 0.25), fill_value=127)])
    """

    factor: Factor = 1.0
    scale: Factor = (0.02, 0.33)
    fill_value: float | tuple[float, float, float] | None = None
    draws: ClassVar[int] = 7

    def __post_init__(self) -> None:
        """Checks all arguments.

        Raises:
            UsageError: If an argument is wrong. It names the argument.
        """
        factor_range(self, "factor", low=0, high=1)
        factor_range(self, "scale", low=0, high=1)
        value = self.fill_value
        values = [] if value is None else value if isinstance(value, tuple | list) else [value]
        valid = len(values) in (0, 1, 3) and all(is_number(v) and 0 <= v <= 255 for v in values)
        check(self, "fill_value", "None, a number in [0, 255] or three of them", valid=valid)

    @override
    def sample(self, uniforms: Floats) -> Floats:
        """Samples 1 where it erases, else 0; share of width and height; place along x and y, 0..1; key of the noise, 0..1: float64 (n, 6)."""
        applied = bernoulli(factor_range(self, "factor", low=0, high=1), uniforms[:, :2])
        shares = np.sqrt(scale_to(factor_range(self, "scale", low=0, high=1), uniforms[:, 2:4]))
        return np.concatenate([applied[:, None], shares, uniforms[:, 4:]], axis=1)

    @override
    def changes(self, parameters: Floats) -> Bools:
        return parameters[:, 0] > 0

    @override
    def filter(self, pixels: Pixels, parameters: Sequence[float], out: Pixels) -> None:
        _, share_x, share_y, place_x, place_y, key = parameters
        if out is not pixels:
            np.copyto(out, pixels)
        rows, columns = _part(out.shape[0], share_y, place_y), _part(out.shape[1], share_x, place_x)
        erased = out[rows, columns]
        if self.fill_value is None:
            noise = _noise(key, erased.shape)
            erased[...] = noise if unit_of(out) == 1 else noise * out.dtype.type(unit_of(out))
            return
        values = np.rint(np.atleast_1d(self.fill_value) * unit_of(out)).astype(out.dtype)
        if len(values) > out.shape[2]:
            msg = (
                f"RandomErasing has three values for a gray image. Received: fill_value={self.fill_value!r}."
            )
            raise UsageError(msg)
        erased[...] = values


def _part(side: int, share: float, place: float) -> slice:
    """Returns the pixels whose numbers are between two places, as in Keras."""
    start = place * (side - share * side)
    return slice(math.ceil(start), math.ceil(start + share * side))


def _noise(key: float, shape: tuple[int, ...]) -> Pixels:
    count = math.prod(shape)
    field = _field()
    start = int(key * len(field))
    if start + count <= len(field):
        return field[start : start + count].reshape(shape)
    return np.resize(np.roll(field, -start), shape)


@functools.cache
def _field() -> Pixels:
    """Makes noise: uint8 (FIELD_BYTES,). Every rectangle shows a run of it that begins at its own place.

    New noise for each rectangle took 50 microseconds for 24 KB, as long as normalizing the image.
    """
    return NOISE[np.random.Generator(np.random.PCG64(0)).integers(0, 256, FIELD_BYTES)]
