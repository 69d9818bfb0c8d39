"""Cropping."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from pipelines.augment.base import GeometricAugmentation, Size
from pipelines.augment.geometry import Geometry, Integers
from schemas.errors import UsageError

ATTEMPTS = 10
"""As torchvision: so many random boxes are tried before the centre is taken."""


@dataclass(frozen=True)
class RandomResizedCrop(GeometricAugmentation):
    """Shows a random part of random area and aspect ratio, as torchvision's transform of this name.

    The part is resized to the pipeline's `image_size`, or without one to the stored size.

    Attributes:
        scale: Bounds of the part's share of the image area. Defaults to (0.08, 1.0).
        ratio: Bounds of its width / height, drawn uniformly in the logarithm. Defaults to (3/4, 4/3).

    Example:
        >>> make_pipeline("flowers", "train", batch_size=32, image_size=(224, 224), augment=[RandomResizedCrop()])
    """

    scale: tuple[float, float] = (0.08, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)
    draws: ClassVar[int] = 2 * ATTEMPTS + 2

    def __post_init__(self) -> None:
        """Checks the bounds.

        Raises:
            UsageError: If they are not 0 < low <= high, or a scale is above 1.
        """
        _check_bounds("scale", self.scale, top=1.0)
        _check_bounds("ratio", self.ratio, top=math.inf)

    def move(
        self, geometry: Geometry, uniforms: npt.NDArray[np.float64], *, image_size: Size | None
    ) -> Geometry:
        """Takes the first of ten random boxes that fits into the image; see the base class."""
        heights, widths = geometry.size.T
        area = (heights * widths)[:, None] * _between(self.scale, uniforms[:, :ATTEMPTS])
        low, high = self.ratio
        ratio = np.exp(_between((math.log(low), math.log(high)), uniforms[:, ATTEMPTS : 2 * ATTEMPTS]))
        tried_widths = np.rint(np.sqrt(area * ratio)).astype(np.int64)
        tried_heights = np.rint(np.sqrt(area / ratio)).astype(np.int64)

        fits = (tried_widths > 0) & (tried_widths <= widths[:, None])
        fits &= (tried_heights > 0) & (tried_heights <= heights[:, None])
        first = (np.arange(len(fits)), np.argmax(fits, axis=1))
        centre_heights, centre_widths = self._centre(heights, widths)
        height = np.where(fits[first], tried_heights[first], centre_heights)
        width = np.where(fits[first], tried_widths[first], centre_widths)
        place_y, place_x = uniforms[:, -2:].T
        top = np.where(fits[first], np.floor(place_y * (heights - height + 1)), (heights - height) // 2)
        left = np.where(fits[first], np.floor(place_x * (widths - width + 1)), (widths - width) // 2)

        shown = geometry.crop(top.astype(np.int64), left.astype(np.int64), height, width)
        if image_size is not None:
            return shown.resize(*image_size)
        return Geometry(box=shown.box, flip=shown.flip, size=geometry.size)

    def output_size(self, size: Size, *, image_size: Size | None) -> Size:
        """`image_size`, or as before without one."""
        return image_size or size

    def _centre(self, heights: Integers, widths: Integers) -> tuple[Integers, Integers]:
        """Where ten attempts failed: the largest central part whose aspect ratio is within bounds."""
        low, high = self.ratio
        narrow, wide = widths < low * heights, widths > high * heights
        height = np.where(narrow, np.rint(widths / low), heights)
        width = np.where(wide, np.rint(heights * high), widths)
        return np.maximum(height, 1).astype(np.int64), np.maximum(width, 1).astype(np.int64)


@dataclass(frozen=True)
class CenterCrop(GeometricAugmentation):
    """Shows the centre, as `keras.layers.CenterCrop`.

    An image that is smaller than the crop is enlarged: its largest central part of the crop's
    aspect ratio is resized to it.

    Attributes:
        height: Of the crop, in pixels.
        width: Of the crop, in pixels. Without height and width: the largest central part with the
            aspect ratio of `image_size`, resized to `image_size`; the usual choice for evaluation.

    Example:
        >>> make_pipeline("flowers", "validation", batch_size=32, image_size=(224, 224), augment=[CenterCrop()])
    """

    height: int | None = None
    width: int | None = None

    def __post_init__(self) -> None:
        """Checks the size.

        Raises:
            UsageError: If only one of the two is given, or one is not positive.
        """
        given = (self.height, self.width)
        if given == (None, None):
            return
        if not all(isinstance(side, int) and side > 0 for side in given):
            msg = (
                f"CenterCrop expects positive height and width, or neither of them. "
                f"Received: height={self.height!r}, width={self.width!r}."
            )
            raise UsageError(msg)

    def move(
        self, geometry: Geometry, uniforms: npt.NDArray[np.float64], *, image_size: Size | None
    ) -> Geometry:
        """Cuts where the image is large enough, else cuts to the aspect ratio and resizes."""
        target = self._target(image_size)
        if target is None:
            return geometry
        heights, widths = geometry.size.T
        cuts = (heights >= target[0]) & (widths >= target[1]) & (self.height is not None)
        height = np.where(cuts, target[0], np.clip(widths * target[0] // target[1], 1, heights))
        width = np.where(cuts, target[1], np.clip(heights * target[1] // target[0], 1, widths))
        return geometry.crop((heights - height) // 2, (widths - width) // 2, height, width).resize(*target)

    def output_size(self, size: Size, *, image_size: Size | None) -> Size:
        """The crop's size; without one `image_size`; without that, as before."""
        return self._target(image_size) or size

    def _target(self, image_size: Size | None) -> Size | None:
        if self.height is not None and self.width is not None:
            return self.height, self.width
        return image_size


def _between(bounds: tuple[float, float], uniforms: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    low, high = bounds
    return low + (high - low) * uniforms


def _check_bounds(name: str, bounds: tuple[float, float], *, top: float) -> None:
    try:
        low, high = bounds
        valid = 0 < low <= high <= top and math.isfinite(high)
    except (TypeError, ValueError):
        valid = False
    if not valid:
        limit = "" if math.isinf(top) else f" <= {top}"
        msg = f"RandomResizedCrop expects {name}=(low, high) with 0 < low <= high{limit}. Received: {name}={bounds!r}."
        raise UsageError(msg)
