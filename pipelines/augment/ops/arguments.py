"""Checks arguments of augmentations, and computes the ranges that they mean.

A single number means the same range as in the Keras layer: from its negative (or the lowest allowed
value, if that is larger) to itself.
"""

import math
from typing import get_args

import numpy as np

from fitfeed.pipelines.arrays.types import Floats
from fitfeed.pipelines.augment.base import Augmentation
from fitfeed.pipelines.augment.cpu.interpolation import FillMode, Interpolation, Sampling
from fitfeed.schemas.errors import UsageError

Factor = float | tuple[float, float]
Bounds = tuple[float, float]


def factor_range(
    op: Augmentation,
    name: str,
    *,
    low: float,
    high: float,
    open_low: bool = False,
    single_from: float | None = None,
) -> Bounds:
    """Returns the range from which a factor is sampled.

    Args:
        op: The augmentation that has the argument.
        name: Name of the argument.
        low: The lowest allowed value.
        high: The highest allowed value.
        open_low: Whether `low` itself is not allowed.
        single_from: The low end of the range of a single number. None: its negative.

    Raises:
        UsageError: If the argument is not a number, or a pair of them, within the bounds.
    """
    value: object = getattr(op, name)
    pair = tuple(value) if isinstance(value, tuple | list) else (value,)
    if not (len(pair) <= 2 and pair and all(is_number(v) for v in pair)) or not all(
        low <= v <= high and not (open_low and v == low) for v in pair
    ):
        opening = "(" if open_low else "["
        check(op, name, f"a number, or a pair of numbers, in {opening}{low}, {high}]", valid=False)
    if len(pair) == 2:
        return min(pair), max(pair)
    factor = abs(pair[0])
    return (max(-factor, low) if single_from is None else single_from), factor


def scale_to(limits: Bounds, uniforms: Floats) -> Floats:
    """Scales uniform numbers, float64 of any shape, from [0, 1) to a range."""
    low, high = limits
    return low + (high - low) * uniforms


def bernoulli(limits: Bounds, uniforms: Floats) -> Floats:
    """Samples whether something happens, as Keras: first the probability itself, then the event.

    Args:
        limits: Range of the probability.
        uniforms: float64 (n, 2) in [0, 1).

    Returns:
        float64 (n,): 1 where it happens, else 0.
    """
    return (uniforms[:, 1] < scale_to(limits, uniforms[:, 0])).astype(np.float64)


def sampling_of(op: Augmentation, interpolation: str, fill_mode: str, fill_value: float) -> Sampling:
    """Returns how a geometric operation fetches pixels.

    Raises:
        UsageError: If there is no such mode, or the fill value is not in 0..255.
    """
    modes, interpolations = get_args(FillMode), get_args(Interpolation)
    check(
        op,
        "interpolation",
        f"one of {', '.join(map(repr, interpolations))}",
        valid=interpolation in interpolations,
    )
    if hasattr(op, "fill_mode"):
        check(op, "fill_mode", f"one of {', '.join(map(repr, modes))}", valid=fill_mode in modes)
    check(op, "fill_value", "a number in [0, 255]", valid=is_number(fill_value) and 0 <= fill_value <= 255)
    return Sampling(interpolation, fill_mode, float(fill_value))


def is_number(value: object) -> bool:
    """Returns whether this is a finite int or float, of Python or NumPy, and not a bool."""
    return (
        isinstance(value, int | float | np.integer) and not isinstance(value, bool) and math.isfinite(value)
    )


def is_count(value: object) -> bool:
    """Returns whether this is a positive int, of Python or NumPy, and not a bool."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and int(value) > 0


def check(op: object, name: str, expected: str, *, valid: bool) -> None:
    """Raises a UsageError that names an argument, unless it is valid."""
    if not valid:
        msg = f"{type(op).__name__} expects {name} to be {expected}. Received: {name}={getattr(op, name)!r}."
        raise UsageError(msg)
