"""Translates the arguments of `ImageDataGenerator` into augmentations."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from typing_extensions import override

from fitfeed.pipelines.arrays.types import Floats, Size
from fitfeed.pipelines.augment.base import Augmentation
from fitfeed.pipelines.augment.compiler.color_matrix import Color, ColorAugmentation
from fitfeed.pipelines.augment.compiler.geometry import (
    GeometricAugmentation,
    Geometry,
    about_center,
    matrices,
    move,
)
from fitfeed.pipelines.augment.compiler.lookup_table import Histogram, TableAugmentation
from fitfeed.pipelines.augment.cpu.interpolation import BORDERS, Sampling
from fitfeed.pipelines.augment.ops.affine import RandomRotation, RandomZoom
from fitfeed.pipelines.augment.ops.arguments import is_number, scale_to
from fitfeed.pipelines.augment.ops.flip import FlipMode, RandomFlip
from fitfeed.schemas.errors import UsageError


@dataclass(frozen=True)
class GeneratorShift(GeometricAugmentation):
    """`height_shift_range` and `width_shift_range`, each as a number or a list.

    The original exchanges the axes before it warps. So here, too, the first is sampled as a share of the
    height, but moves pixels sideways; the second moves them up and down.

    A float below 1 is a share of the side; any other float is a number of pixels. Both are sampled from
    both sides of 0. A list has the values to choose from, with either sign. An integer n means
    0, ..., n - 1.
    """

    height_range: float | Sequence[float]
    width_range: float | Sequence[float]
    how: Sampling
    draws: ClassVar[int] = 4

    @property
    @override
    def sampling(self) -> Sampling:
        return self.how

    @override
    def sample(self, uniforms: Floats) -> Floats:
        """Samples the shift to the left, as drawn for the height, and up, as drawn for the width: float64 (n, 2)."""
        left = _shift(self.height_range, uniforms[:, :2])
        up = _shift(self.width_range, uniforms[:, 2:])
        return np.stack([left, up], axis=1)

    @override
    def move(self, geometry: Geometry, parameters: Floats, *, image_size: Size | None) -> Geometry:
        """Shifts."""
        shares = [np.max(limits) < 1 for limits in (self.height_range, self.width_range)]
        left, up = (parameters * np.where(shares, geometry.size, 1)).T
        return geometry.transform(move(left, up))


def _shift(limits: float | Sequence[float], uniforms: Floats) -> Floats:
    if isinstance(limits, float):
        return scale_to((-limits, limits), uniforms[:, 0])
    choices = np.arange(limits) if isinstance(limits, int) else np.array(limits)
    if not choices.size:  # an integer of 0
        return np.zeros_like(uniforms[:, 0])
    number = np.floor(uniforms[:, 0] * choices.size).astype(np.int64)
    chosen = np.take_along_axis(choices, number, axis=0)
    return np.where(uniforms[:, 1] < 0.5, -chosen, chosen).astype(np.float64)


@dataclass(frozen=True)
class GeneratorShear(GeometricAugmentation):
    """`shear_range`: an angle in degrees; rows move by its sine and are scaled by its cosine."""

    degrees: float
    how: Sampling
    draws: ClassVar[int] = 1

    @property
    @override
    def sampling(self) -> Sampling:
        return self.how

    @override
    def sample(self, uniforms: Floats) -> Floats:
        """Samples the angle in radians: float64 (n, 1)."""
        return np.deg2rad(scale_to((-self.degrees, self.degrees), uniforms))

    @override
    def move(self, geometry: Geometry, parameters: Floats, *, image_size: Size | None) -> Geometry:
        """Shears about the center."""
        angle = parameters[:, 0]
        matrix = matrices(1, -np.sin(angle), 0, 0, np.cos(angle), 0, 0, 0, 1)
        return geometry.transform(about_center(geometry, matrix))


@dataclass(frozen=True)
class GeneratorChannelShift(TableAugmentation):
    """`channel_shift_range`: adds to all values, which stay within the image's own extremes."""

    limit: float
    draws: ClassVar[int] = 1

    @override
    def sample(self, uniforms: Floats) -> Floats:
        """Samples what is added: float64 (n, 1)."""
        return scale_to((-self.limit, self.limit), uniforms)

    @override
    def tabulate(self, values: Floats, histogram: Histogram, parameters: Sequence[float]) -> Floats:
        there = histogram.counts > 0
        low = np.where(there, values, 255).min(axis=(-2, -1), keepdims=True)
        high = np.where(there, values, 0).max(axis=(-2, -1), keepdims=True)
        return np.clip(values + parameters[0], low, high)


@dataclass(frozen=True)
class GeneratorBrightness(ColorAugmentation):
    """`brightness_range`: multiplies all values."""

    limits: tuple[float, float]
    draws: ClassVar[int] = 1

    @override
    def sample(self, uniforms: Floats) -> Floats:
        """Samples what values are multiplied by: float64 (n, 1)."""
        return scale_to(self.limits, uniforms)

    @override
    def recolor(self, color: Color, parameters: Floats) -> Color:
        return color.multiply(parameters[:, 0])


DEFAULTS: dict[str, Any] = {
    "featurewise_center": False,
    "samplewise_center": False,
    "featurewise_std_normalization": False,
    "samplewise_std_normalization": False,
    "zca_whitening": False,
    "zca_epsilon": 1e-6,
    "rotation_range": 0,
    "width_shift_range": 0.0,
    "height_shift_range": 0.0,
    "brightness_range": None,
    "shear_range": 0.0,
    "zoom_range": 0.0,
    "channel_shift_range": 0.0,
    "fill_mode": "nearest",
    "cval": 0.0,
    "horizontal_flip": False,
    "vertical_flip": False,
    "rescale": None,
    "preprocessing_function": None,
    "data_format": None,
    "validation_split": 0.0,
    "interpolation_order": 1,
    "dtype": None,
}
"""Every argument of `ImageDataGenerator`, and its default."""

REFUSED = {
    "samplewise_center": "normalization by each image's own mean is not built in; use .map(...) on the batches",
    "samplewise_std_normalization": "normalization by each image's own deviation is not built in; use .map(...) on the batches",
    "zca_whitening": "it needs all pixels of the dataset at once; use featurewise_center and featurewise_std_normalization",
    "preprocessing_function": "it gets floats after augmentation; put a function of stored images into augment, or use .map(...)",
    "validation_split": "splits are made once, at conversion: fitfeed convert --split train=0.8,validation=0.2",
}
"""Arguments that cannot be translated, and what to do instead."""


def from_image_data_generator(**arguments: Any) -> dict[str, Any]:
    """Translates the arguments of Keras' `ImageDataGenerator` into those of `make_pipeline`.

    Args:
        **arguments: Those of `ImageDataGenerator`. All are translated, or refused with their name.

    Returns:
        Arguments of `make_pipeline`: "augment", "normalize" and, if given, "dtype".

    Raises:
        UsageError: If an argument has no counterpart here. It names the argument, and what to do instead.
            Also for values that `ImageDataGenerator` does not accept either.

    Example:
        >>> arguments = from_image_data_generator(rotation_range=20, zoom_range=0.1, rescale=1 / 255)
        >>> train = make_pipeline("flowers", "train", batch_size=32, image_size=(224, 224), **arguments)
    """
    for name, value in arguments.items():
        if name not in DEFAULTS:
            msg = f"ImageDataGenerator has no argument {name}. Received: {name}={value!r}."
            raise UsageError(msg)
        if name in REFUSED and value:
            msg = f"{name} has no counterpart here: {REFUSED[name]}. Received: {name}={value!r}."
            raise UsageError(msg)
    options = DEFAULTS | arguments
    _expect(options, "data_format", "'channels_last'", lambda v: v in (None, "channels_last"))
    result = {"augment": _augmentations(options), "normalize": _normalize(options)}
    return result if options["dtype"] is None else result | {"dtype": options["dtype"]}


def _augmentations(options: dict[str, Any]) -> list[Augmentation]:
    """Makes the augmentations in the order of the generator: rotation, shift, shear, zoom, flips, colors."""
    _expect(options, "fill_mode", f"one of {', '.join(map(repr, BORDERS))}", lambda v: v in BORDERS)
    _expect(options, "cval", "a number in [0, 255]", lambda v: is_number(v) and 0 <= v <= 255)
    _expect(options, "interpolation_order", "0 (nearest) or 1 (bilinear)", lambda v: v in (0, 1))
    interpolation = "bilinear" if options["interpolation_order"] else "nearest"
    how = Sampling(interpolation, options["fill_mode"], float(options["cval"]))
    fill: dict[str, Any] = {
        "fill_mode": how.fill_mode,
        "interpolation": interpolation,
        "fill_value": how.fill_value,
    }

    ops: list[Augmentation] = []
    for name in ("rotation_range", "shear_range", "channel_shift_range"):
        _expect(options, name, "a number that is not negative", lambda v: is_number(v) and v >= 0)
    if options["rotation_range"]:
        turns = min(options["rotation_range"] / 360, 1.0)
        ops.append(RandomRotation(turns, **fill))
    for name in ("height_shift_range", "width_shift_range"):
        _expect(options, name, "a number that is not negative, or a list of numbers", _is_shift)
    height, width = (
        tuple(value) if isinstance(value, list) else value
        for value in (options["height_shift_range"], options["width_shift_range"])
    )
    if height or width:
        ops.append(GeneratorShift(height, width, how))
    if options["shear_range"]:
        ops.append(GeneratorShear(float(options["shear_range"]), how))
    zoom = _zoom(options)
    if zoom != (0, 0):
        ops.append(RandomZoom(zoom, zoom, **fill))
    modes: dict[tuple[bool, bool], FlipMode] = {
        (True, False): "horizontal",
        (False, True): "vertical",
        (True, True): "horizontal_and_vertical",
    }
    flips = (bool(options["horizontal_flip"]), bool(options["vertical_flip"]))
    if any(flips):
        ops.append(RandomFlip(modes[flips]))
    if options["channel_shift_range"]:
        ops.append(GeneratorChannelShift(float(options["channel_shift_range"])))
    if options["brightness_range"] is not None:
        _expect(
            options,
            "brightness_range",
            "two numbers that are not negative",
            lambda v: _is_pair(v) and min(v) >= 0,
        )
        ops.append(GeneratorBrightness(tuple(options["brightness_range"])))
    return ops


def _zoom(options: dict[str, Any]) -> tuple[float, float]:
    """Computes the factors of `RandomZoom`: the numbers of the generator minus 1."""
    value = options["zoom_range"]
    expected = "a number in [0, 1), or two numbers in (0, 2]"
    _expect(options, "zoom_range", expected, lambda v: is_number(v) or _is_pair(v))
    low, high = (-value, value) if is_number(value) else (value[0] - 1, value[1] - 1)
    _expect(options, "zoom_range", expected, lambda _: min(low, high) > -1 and max(low, high) <= 1)
    return low, high


def _normalize(options: dict[str, Any]) -> str | None:
    """Finds the kind of normalization. Centering and scaling give the same with and without rescaling."""
    center, scale = options["featurewise_center"], options["featurewise_std_normalization"]
    if scale:  # which implies centering, in the generator too
        return "zscore"
    if center:
        msg = (
            "featurewise_center alone has no counterpart here: add featurewise_std_normalization=True, or "
            f"subtract dataset.statistics.mean in the model. Received: featurewise_center={center!r}."
        )
        raise UsageError(msg)
    rescale = options["rescale"]
    if rescale is None or rescale in (0, 1):
        return None
    _expect(options, "rescale", "1/255, or none", lambda v: is_number(v) and abs(v * 255 - 1) < 1e-3)
    return "unit"


def _expect(options: dict[str, Any], name: str, expected: str, valid: Callable[[Any], bool]) -> None:
    if not valid(options[name]):
        msg = (
            f"from_image_data_generator expects {name} to be {expected}. Received: {name}={options[name]!r}."
        )
        raise UsageError(msg)


def _is_pair(value: object) -> bool:
    return isinstance(value, tuple | list) and len(value) == 2 and all(map(is_number, value))


def _is_shift(value: object) -> bool:
    if isinstance(value, tuple | list):
        return bool(value) and all(map(is_number, value))
    return is_number(value) and value >= 0  # type: ignore[operator]
