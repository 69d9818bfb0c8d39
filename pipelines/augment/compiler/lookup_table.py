"""Composes operations on single values into one look-up table per image.

A table has 256 rows and a column for each channel. Operations act on its real numbers, which are
clipped to 0..255 after each and rounded once, at the end. An operation may need facts about the image so
far (its mean, extremes, histogram). They follow exactly from the table and the histogram of the source.
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
from typing_extensions import override

from fitfeed.pipelines.arrays.types import Floats, Integers, Size
from fitfeed.pipelines.augment.base import Augmentation, PlanBuilder
from fitfeed.pipelines.augment.compiler.color_matrix import ColorPass
from fitfeed.schemas.payload import Pixels


class Histogram:
    """How often each value occurs in an image. It is counted when it is first used."""

    def __init__(self, pixels: Pixels) -> None:
        """Stores the image, uint8 (H, W, C)."""
        self._pixels = pixels
        self._counts: Floats | None = None

    @property
    def counts(self) -> Floats:
        """float64 (256, C): how often each value occurs in each channel."""
        if self._counts is None:
            channels = range(self._pixels.shape[2])
            columns = [cv2.calcHist([self._pixels], [c], None, [256], [0, 256]).ravel() for c in channels]
            self._counts = np.stack(columns, axis=1).astype(np.float64)
        return self._counts

    def mean(self, table: Floats) -> Floats:
        """Returns the mean of the image after a table: float64 (C,). `table`: float64 (256, C)."""
        return np.asarray((self.counts * table).sum(axis=0) / self.counts.sum(axis=0))

    def regroup(self, bins: Integers, count: int) -> Floats:
        """Counts the pixels in each bin: float64 (count, C). `bins`: int64 (256, C), the bin of each value."""
        columns = zip(bins.T, self.counts.T, strict=True)
        return np.stack(
            [np.bincount(own, weights=counts, minlength=count) for own, counts in columns], axis=1
        )


class TableAugmentation(Augmentation):
    """A function of single values, which may depend on how often each occurs."""

    only_8_bit: ClassVar[bool] = True

    @abstractmethod
    def tabulate(self, values: Floats, histogram: Histogram, parameters: Sequence[float]) -> Floats:
        """Applies this augmentation to a table.

        Args:
            values: float64 (256, C), the table so far, 0..255. On a device: the pixels themselves,
                (n, H * W, C).
            histogram: How often each of the 256 values occurs. On a device: each pixel once.
            parameters: The parameters of this image, from `sample`. On a device: arrays (n, 1, 1).

        Returns:
            float64 (256, C): the new table. It may be `values` itself, which is not changed.
        """

    @override
    def add_to(self, plan: PlanBuilder, rows: Integers, parameters: Floats) -> None:
        plan.tabulate(self, rows, parameters)


@dataclass(frozen=True, slots=True)
class LookupPass:
    """The look-up table of one image: one pass over it, and one more if its histogram is needed.

    Attributes:
        chain: The operations in order: linear ones that do not mix channels, and pairs of an
            augmentation and its parameters.
    """

    chain: tuple[ColorPass | tuple[TableAugmentation, Sequence[float]], ...]

    def size_of(self, pixels: Pixels) -> Size:
        """Returns (height, width) of the output: the same as of `pixels`."""
        return pixels.shape[0], pixels.shape[1]

    def table(self, pixels: Pixels) -> Floats:
        """Computes the table of an image, uint8 (H, W, C): float64 (256, C), 0..255, not rounded."""
        histogram = Histogram(pixels)
        values = np.tile(np.arange(256.0)[:, None], pixels.shape[2])
        for link in self.chain:
            if isinstance(link, ColorPass):
                values = _recolored(values, histogram, link)
            else:
                op, parameters = link
                values = op.tabulate(values, histogram, parameters)
            values = np.clip(values, 0, 255)
        return values

    def apply(self, pixels: Pixels, out: Pixels) -> Pixels:
        """Writes the image with its values replaced.

        Args:
            pixels: uint8 (H, W, C).
            out: uint8 (H, W, C); may be `pixels`.
        """
        table = np.rint(self.table(pixels)).astype(np.uint8)
        if (table == table[:, :1]).all():  # one table for all channels is twice as fast as three
            cv2.LUT(pixels, np.ascontiguousarray(table[:, 0]), out)
        else:
            cv2.LUT(pixels, table[None], out)
        return out


def _recolored(values: Floats, histogram: Histogram, link: ColorPass) -> Floats:
    channels = values.shape[1]
    mean = np.zeros(3) if link.mean is None else np.resize(histogram.mean(values), 3)
    matrix = link.with_mean(mean)
    return values * matrix.diagonal()[:channels] + matrix[:channels, 3]
