"""Normalizes pixels: one subtraction and one division per channel, by the statistics of the manifest."""

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from fitfeed.pipelines.arrays.pixel_loops import LookUpLoop, PixelLoop, ScaleLoop
from fitfeed.pipelines.needed_package import load_package
from fitfeed.schemas.bit_depth import levels_of
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.payload import Pixels
from fitfeed.schemas.statistics import ChannelStatistics

if TYPE_CHECKING:
    import keras

NormalizeKind = Literal["zscore", "minmax", "unit", "symmetric"]
"""zscore: (x - mean) / std. minmax: (x - min) / (max - min). unit: x / 255. symmetric: x / 127.5 - 1. For 16
bits, 65535 and 32767.5 replace 255 and 127.5."""

KINDS: tuple[str, ...] = get_args(NormalizeKind)


def shift_and_scale(
    kind: str, statistics: ChannelStatistics
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Computes shift and scale of each channel, for `(x - shift) / scale`.

    Args:
        kind: A `NormalizeKind`.
        statistics: Statistics of the dataset.

    Returns:
        Shift and scale, float64 (channels,) each; scale is positive. A constant channel has scale 1, so
        that it becomes 0 and not NaN, and there is a warning.

    Raises:
        UsageError: If there is no such kind.
    """
    low, high = np.array(statistics.min, float), np.array(statistics.max, float)
    match kind:
        case "zscore":
            shift, scale = np.array(statistics.mean), np.array(statistics.std)
        case "minmax":
            shift, scale = low, high - low
        case "unit":
            shift, scale = np.zeros_like(low), np.full_like(low, statistics.brightest)
        case "symmetric":
            shift = scale = np.full_like(low, statistics.brightest / 2)
        case _:
            msg = f"no such normalization. Received: {kind!r}. Use one of: {', '.join(map(repr, KINDS))}."
            raise UsageError(msg)
    constant = scale == 0
    if constant.any():
        channels = ", ".join(f"{c} (always {low[c]:.0f})" for c in np.flatnonzero(constant))
        message = (
            f"every stored pixel of channel {channels} has the same value, so normalize={kind!r} has nothing to "
            f"divide by; the channel is only shifted, to 0. Check the images, or use normalize='unit'."
        )
        warnings.warn(message, stacklevel=2)
    return shift, np.where(constant, 1.0, scale)


def keras_layer(kind: str, statistics: ChannelStatistics) -> "keras.layers.Normalization":
    """Makes the normalization as a built-in, serializable Keras layer.

    Args:
        kind: A `NormalizeKind`.
        statistics: Statistics of the dataset.

    Raises:
        UsageError: If there is no such kind.
        MissingPackageError: An ImportError: if Keras is not installed.
    """
    shift, scale = shift_and_scale(kind, statistics)
    load_package("keras", by="Dataset.normalization")
    import keras  # slow, and not needed to read a dataset

    return keras.layers.Normalization(mean=shift, variance=scale**2, name=f"{kind}_normalization")


class Normalizer:
    """Writes uint8 or uint16 images as normalized floats. Immutable, thread-safe."""

    def __init__(self, kind: str | None, statistics: ChannelStatistics, *, dtype: npt.DTypeLike) -> None:
        """Computes the factors.

        Args:
            kind: A `NormalizeKind`, or None to keep the values.
            statistics: Statistics of the dataset.
            dtype: Type of what is written: float32, or a float type of 16 bits.
        """
        channels = statistics.channels
        shift, scale = np.zeros(channels), np.ones(channels)
        if kind is not None:
            shift, scale = shift_and_scale(kind, statistics)
        self._deep = statistics.brightest >= levels_of(8)
        self._loop: PixelLoop
        if np.dtype(dtype).itemsize == 2:  # a table rounds only once
            values = (np.arange(statistics.brightest + 1) - shift[:, None]) / scale[:, None]
            self._loop = LookUpLoop(values.astype(dtype).view(np.int16))
        else:
            self._loop = ScaleLoop((1 / scale).astype(np.float32), (-shift / scale).astype(np.float32))

    @property
    def load(self) -> Callable[[], None]:
        """What compiles all that it needs for the stored depth: a class method at the top of a module."""
        return self._loop.load_deep if self._deep else self._loop.load

    def __call__(self, pixels: Pixels, out: npt.NDArray[Any]) -> None:
        """Writes one image.

        Args:
            pixels: uint8 or uint16 (H, W, C).
            out: (H, W, C) of the output type, C-contiguous.
        """
        self._loop(pixels, out.view(self._loop.dtype))
