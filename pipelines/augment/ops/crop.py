"""Crops: shows a part of an image."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from typing_extensions import override

from fitfeed.pipelines.arrays.types import Bools, Floats, Integers, Size
from fitfeed.pipelines.augment.compiler.geometry import GeometricAugmentation, Geometry, diagonal
from fitfeed.pipelines.augment.ops.arguments import check, is_count, scale_to
from fitfeed.schemas.errors import UsageError

ATTEMPTS = 10
"""Random boxes that are tried before the center is taken, as in torchvision."""


@dataclass(frozen=True)
class RandomResizedCrop(GeometricAugmentation):
    """Shows a random part of random area and aspect ratio, as torchvision's transform of this name.

    The part is resized to the `image_size` of the pipeline; without one, to the stored size.

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

    @override
    def sample(self, uniforms: Floats) -> Floats:
        """Samples ten shares of the area, ten aspect ratios, and the place along y and x, 0..1: float64 (n, 22)."""
        low, high = self.ratio
        shares = scale_to(self.scale, uniforms[:, :ATTEMPTS])
        ratios = np.exp(scale_to((math.log(low), math.log(high)), uniforms[:, ATTEMPTS : 2 * ATTEMPTS]))
        return np.concatenate([shares, ratios, uniforms[:, -2:]], axis=1)

    @override
    def move(self, geometry: Geometry, parameters: Floats, *, image_size: Size | None) -> Geometry:
        """Takes the first of ten random boxes that fits into the image."""
        heights, widths = geometry.size.T
        area = (heights * widths)[:, None] * parameters[:, :ATTEMPTS]
        ratio = parameters[:, ATTEMPTS : 2 * ATTEMPTS]
        tried_widths = np.rint(np.sqrt(area * ratio)).astype(np.int64)
        tried_heights = np.rint(np.sqrt(area / ratio)).astype(np.int64)

        fits = (tried_widths > 0) & (tried_widths <= widths[:, None])
        fits = fits & (tried_heights > 0) & (tried_heights <= heights[:, None])
        any_fits, taken = fits.any(axis=1), fits & (np.cumsum(1 * fits, axis=1) == 1)
        height, width = self._center(heights, widths)
        height = np.where(any_fits, (taken * tried_heights).sum(axis=1), height)
        width = np.where(any_fits, (taken * tried_widths).sum(axis=1), width)
        place_y, place_x = parameters[:, -2:].T
        top = np.where(any_fits, np.floor(place_y * (heights - height + 1)), (heights - height) // 2)
        left = np.where(any_fits, np.floor(place_x * (widths - width + 1)), (widths - width) // 2)

        shown = geometry.crop(top.astype(np.int64), left.astype(np.int64), height, width)
        if image_size is not None:
            return shown.resize(*image_size)
        scale = shown.size / geometry.size
        return Geometry(matrix=shown.matrix @ diagonal(scale[:, 1], scale[:, 0]), size=geometry.size)

    @override
    def output_size(self, size: Size, *, image_size: Size | None) -> Size:
        """Returns `image_size`; without one, the same size."""
        return image_size or size

    def _center(self, heights: Integers, widths: Integers) -> tuple[Integers, Integers]:
        """Returns the size of the largest central part whose aspect ratio is in bounds, for when ten boxes failed."""
        low, high = self.ratio
        narrow, wide = widths < low * heights, widths > high * heights
        height = np.where(narrow, np.rint(widths / low), heights)
        width = np.where(wide, np.rint(heights * high), widths)
        return np.maximum(height, 1).astype(np.int64), np.maximum(width, 1).astype(np.int64)


@dataclass(frozen=True)
class RandomCrop(GeometricAugmentation):
    """Shows a random part of fixed size, as `keras.layers.RandomCrop`.

    An image that is smaller than the crop is enlarged: its largest central part of the crop's
    aspect ratio is resized to it.

    Attributes:
        height: Height of the crop, in pixels.
        width: Width of the crop, in pixels.

    Example:
        >>> make_pipeline("flowers", "train", batch_size=32, augment=[RandomCrop(224, 224)])
    """

    height: int
    width: int
    draws: ClassVar[int] = 2

    def __post_init__(self) -> None:
        """Checks the size.

        Raises:
            UsageError: If a side is not a positive integer.
        """
        for name in ("height", "width"):
            side = getattr(self, name)
            check(self, name, "a positive number of pixels", valid=is_count(side))
            object.__setattr__(self, name, int(side))

    @override
    def move(self, geometry: Geometry, parameters: Floats, *, image_size: Size | None) -> Geometry:
        """Crops at a place. `parameters`: float64 (n, 2), the place along y and x, 0..1, among all possible ones."""
        shown, fits = _part(geometry.size, (self.height, self.width))
        room = geometry.size - shown
        start = np.where(fits, np.floor(parameters * (room + 1)), room // 2).astype(np.int64)
        return geometry.crop(*start.T, *shown.T).resize(self.height, self.width)

    @override
    def output_size(self, size: Size, *, image_size: Size | None) -> Size:
        """Returns the size of the crop."""
        return self.height, self.width


@dataclass(frozen=True)
class CenterCrop(GeometricAugmentation):
    """Shows the center, as `keras.layers.CenterCrop`.

    An image that is smaller than the crop is enlarged: its largest central part of the crop's
    aspect ratio is resized to it.

    Attributes:
        height: Height of the crop, in pixels.
        width: Width of the crop, in pixels. Without height and width: the largest central part with the
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
        if not all(map(is_count, given)):
            msg = (
                f"CenterCrop expects positive height and width, or neither of them. "
                f"Received: height={self.height!r}, width={self.width!r}."
            )
            raise UsageError(msg)
        for name, side in zip(("height", "width"), map(int, given), strict=True):  # type: ignore[arg-type]
            object.__setattr__(self, name, side)

    @override
    def move(self, geometry: Geometry, parameters: Floats, *, image_size: Size | None) -> Geometry:
        """Cuts where the image is large enough, else cuts to the aspect ratio and resizes."""
        target = self._target(image_size)
        if target is None:
            return geometry
        if self.height is None:
            shown = _part_of_ratio(geometry.size, target)
        else:
            shown, _ = _part(geometry.size, target)
        return geometry.crop(*((geometry.size - shown) // 2).T, *shown.T).resize(*target)

    @override
    def output_size(self, size: Size, *, image_size: Size | None) -> Size:
        """Returns the size of the crop; without one, `image_size`; without that, the same size."""
        return self._target(image_size) or size

    def _target(self, image_size: Size | None) -> Size | None:
        if self.height is not None and self.width is not None:
            return self.height, self.width
        return image_size


def _part(size: Integers, crop: Size) -> tuple[Integers, Bools]:
    """Returns the sizes of the parts that are cut out, and whether they have the size of the crop.

    Args:
        size: int64 (n, 2), sizes of the images.
        crop: (height, width) of the crop.

    Returns:
        int64 (n, 2), and bool (n, 1).
    """
    fits: Any = (size >= np.array(crop)).all(axis=1, keepdims=True)
    return np.where(fits, crop, _part_of_ratio(size, crop)), fits


def _part_of_ratio(size: Integers, crop: Size) -> Integers:
    """Returns the sizes, int64 (n, 2), of the largest parts with the aspect ratio of the crop."""
    heights, widths = size.T
    height = np.clip(widths * crop[0] // crop[1], 1, heights)
    width = np.clip(heights * crop[1] // crop[0], 1, widths)
    return np.stack([height, width], axis=1)


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
