"""Applies operations on single values to the pixels themselves, instead of to a table.

The CPU composes tables of 256 values, and then only looks up each pixel. A device would have to gather
for that, and it computes faster than it gathers. So here the same formulas get the pixels in the place
of a table, and a histogram in which each of them occurs once.
"""

from typing import Any

import numpy as np
from keras import ops
from typing_extensions import override

from fitfeed.pipelines.augment.compiler.lookup_table import Histogram
from fitfeed.pipelines.device.array import DeviceArray
from fitfeed.pipelines.device.backend import INDEX

SHARES = 16
"""Separate histograms of an image, which are added up. On an H100, 1,024 images take 2.2 ms instead of 7."""


class EveryPixel(Histogram):
    """The histogram of images (n, H * W, C) that are their own tables."""

    def __init__(self) -> None:
        """Stores nothing: the methods get the pixels."""

    @property
    @override
    def counts(self) -> Any:
        """float64 (1, 1, 1): every pixel occurs once."""
        return np.ones((1, 1, 1))

    @override
    def mean(self, table: Any) -> Any:
        """Returns the mean of each channel: (n, 1, C). `table`: (n, H * W, C)."""
        return table.mean(axis=-2, keepdims=True)

    @override
    def regroup(self, bins: Any, count: int) -> Any:
        """Counts the pixels in each bin: (n, count, C). `bins`: (n, H * W, C), the bin of each pixel."""
        numbers = ops.cast(bins.tensor, INDEX)  # (n, H * W, C)
        images, (pixels, channels) = ops.shape(numbers)[0], numbers.shape[1:]
        image = ops.reshape(ops.arange(images, dtype=INDEX), (-1, 1, 1))
        # Neighboring pixels, which are often equal, count in separate histograms: threads that add to the
        # same number wait for each other.
        share = ops.convert_to_tensor((np.arange(pixels) % SHARES).astype(INDEX)[:, None])
        place = ((image * SHARES + share) * channels + ops.arange(channels, dtype=INDEX)) * count + numbers
        place = ops.reshape(place, (-1,))
        counts = images * SHARES * channels * count
        filled = ops.segment_sum(ops.ones_like(place, dtype="float32"), place, counts)
        filled = ops.sum(ops.reshape(filled, (-1, SHARES, channels, count)), axis=1)
        return DeviceArray(ops.transpose(filled, (0, 2, 1)))
