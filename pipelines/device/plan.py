"""The plan of a batch on a device: the second implementation of `PlanBuilder`.

It fuses as `fitfeed.pipelines.augment.compiler.plan.Plan`, with two differences. Each step is for all
images, and a mask chooses among them, as a program of a device cannot branch for each image. And a
complete stretch is applied at once. Between passes, images are whole numbers from 0 to 255, in float32.
"""

from typing import Any

import numpy as np
from keras import ops

from fitfeed.pipelines.arrays.types import Size
from fitfeed.pipelines.augment.base import Augmentation
from fitfeed.pipelines.augment.compiler.color_matrix import Color, ColorAugmentation, HsvAugmentation
from fitfeed.pipelines.augment.compiler.geometry import GeometricAugmentation, Geometry
from fitfeed.pipelines.augment.compiler.lookup_table import TableAugmentation
from fitfeed.pipelines.augment.compiler.plan import FusionKind
from fitfeed.pipelines.augment.cpu.interpolation import PLAIN, Sampling
from fitfeed.pipelines.augment.device_parameters import parameter_count
from fitfeed.pipelines.augment.ops.filters import FilterAugmentation
from fitfeed.pipelines.augment.ops.rand_augment import Policy
from fitfeed.pipelines.augment.ops.random_erasing import RandomErasing
from fitfeed.pipelines.device.array import DeviceArray, tensor_of
from fitfeed.pipelines.device.filters import FILTERS
from fitfeed.pipelines.device.recolor import recolor, rotate_hue
from fitfeed.pipelines.device.tables import EveryPixel
from fitfeed.pipelines.device.warp import warp
from fitfeed.schemas.errors import UsageError

Mask = DeviceArray | None
"""Bool (n,): the images that an operation is for. None: all images."""


class DevicePlan:
    """The images of a batch, and the open stretch that is still to be applied to them."""

    def __init__(self, images: Any, *, sizes: Any = None, image_size: Size | None = None) -> None:
        """Starts a plan without operations.

        Args:
            images: float32 (n, H, W, C), whole numbers from 0 to 255.
            sizes: `DeviceArray` (n, 2): heights and widths in whose pixels geometry is computed, if
                images have been resized since. None: those of `images`.
            image_size: The `image_size` of the layer, if given.
        """
        self.image_size = image_size
        self._images = images
        self._resized = sizes is not None
        size = np.array([images.shape[1:3]], np.int64)
        self._geometry = Geometry(matrix=np.eye(3)[None], size=sizes if self._resized else size)
        self._size: Size = (int(size[0, 0]), int(size[0, 1]))
        self._sampling: Sampling | None = None
        self._color, self._mixes = Color.identity(1), False
        self._hue_shift: Any = 0.0
        self._saturation_scale: Any = 1.0
        self._open = FusionKind.NONE

    def add(self, op: Augmentation, rows: Mask, parameters: DeviceArray) -> None:
        """Adds any operation; `parameters`: (n, P)."""
        if isinstance(op, Policy):
            self._choose(op, rows, parameters)
        elif isinstance(op, FilterAugmentation):
            self._filter(op, rows, parameters)
        else:
            op.add_to(self, rows, parameters)  # type: ignore[arg-type]  # it calls a method below

    def move(self, op: GeometricAugmentation, rows: Mask, parameters: DeviceArray) -> None:
        """Adds a geometric operation."""
        if op.sampling is not None and self._sampling not in (None, op.sampling):
            self._close()
        self._enter(FusionKind.GEOMETRY)
        before = self._geometry
        after = op.move(before, parameters, image_size=self.image_size)  # type: ignore[arg-type]
        self._geometry = Geometry(matrix=_either(rows, after.matrix, before.matrix), size=after.size)
        self._size = op.output_size(self._size, image_size=self.image_size)
        self._sampling = op.sampling or self._sampling

    def recolor(self, op: ColorAugmentation, rows: Mask, parameters: DeviceArray) -> None:
        """Adds a linear operation on colors: to an open stretch of tables, if it does not mix channels."""
        if self._open == FusionKind.TABLE and not op.mixes:
            color = op.recolor(Color.identity(1), parameters)  # type: ignore[arg-type]
            self._change(rows, _clipped(recolor(self._images, color)))
            return
        self._enter(FusionKind.COLOR)
        before, after = self._color, op.recolor(self._color, parameters)  # type: ignore[arg-type]
        self._color = Color(
            pixel=_either(rows, after.pixel, before.pixel),
            mean=_either(rows, after.mean, before.mean),
            shift=_either(rows, after.shift, before.shift),
        )
        self._mixes = self._mixes or op.mixes

    def tabulate(self, op: TableAugmentation, rows: Mask, parameters: DeviceArray) -> None:
        """Adds an operation on single values. Linear operations before it are not rounded, as in a table."""
        if not self._mixes:
            self._take_color_into(FusionKind.TABLE)
        self._enter(FusionKind.TABLE)
        height, width, channels = self._images.shape[1:]
        values: Any = DeviceArray(ops.reshape(self._images, (-1, height * width, channels)))
        columns: Any = [parameters[:, i, None, None] for i in range(parameters.shape[1] or 0)]
        values = op.tabulate(values, EveryPixel(), columns)
        self._change(rows, _clipped(ops.reshape(tensor_of(values), (-1, height, width, channels))))

    def rotate_hue(
        self, op: HsvAugmentation, rows: Mask, hue_shift: DeviceArray, saturation_scale: DeviceArray
    ) -> None:
        """Shifts the hue by turns (n,), and multiplies the saturation by (n,). Linear results are not rounded before."""
        self._take_color_into(FusionKind.HUE)
        self._enter(FusionKind.HUE)
        self._hue_shift, self._saturation_scale = (
            _either(rows, self._hue_shift + hue_shift, self._hue_shift),
            _either(rows, self._saturation_scale * saturation_scale, self._saturation_scale),
        )

    def finish(self) -> Any:
        """Applies the open stretch; returns float32 (n, height, width, C), whole numbers from 0 to 255."""
        self._close()
        return self._images

    def _choose(self, policy: Policy, rows: Mask, parameters: DeviceArray) -> None:
        """Adds all operations of a policy, each for the images that have chosen it: one per slot and image."""
        for first in range(0, parameters.shape[1] or 0, policy.slot):
            chosen = parameters[:, first]
            for number, op in enumerate(policy.choices):
                own = chosen == number
                width = parameter_count(op) if op.draws else policy.slot - 1  # or the policy samples for it
                mask = own if rows is None else rows & own
                self.add(op, mask, parameters[:, first + 1 : first + 1 + width])

    def _filter(self, op: FilterAugmentation, rows: Mask, parameters: DeviceArray) -> None:
        if isinstance(op, RandomErasing) and np.size(op.fill_value or 0) > self._images.shape[-1]:
            msg = f"RandomErasing has three values for a gray image. Received: fill_value={op.fill_value!r}."
            raise UsageError(msg)
        self._close()
        filtered = FILTERS[type(op)](op, self._images, parameters.tensor)
        self._change(rows, _quantized(filtered))

    def _change(self, rows: Mask, images: Any) -> None:
        """Replaces the images that `rows` chooses."""
        if rows is not None:
            images = ops.where(rows.tensor[:, None, None, None], images, self._images)
        self._images = images

    def _take_color_into(self, kind: int) -> None:
        """Applies an open stretch of linear operations without rounding, and opens another kind."""
        if self._open == FusionKind.COLOR:
            self._images = _clipped(recolor(self._images, self._color))
            self._color, self._mixes, self._open = Color.identity(1), False, kind

    def _enter(self, kind: int) -> None:
        if self._open not in (kind, FusionKind.NONE):
            self._close()
        self._open = kind

    def _close(self) -> None:
        kind, self._open = self._open, FusionKind.NONE
        if kind == FusionKind.GEOMETRY:
            self._images = _quantized(self._warped())
            self._geometry = Geometry(matrix=np.eye(3)[None], size=self._geometry.size)
            self._sampling = None
        elif kind == FusionKind.COLOR:
            self._images = _quantized(recolor(self._images, self._color))
            self._color, self._mixes = Color.identity(1), False
        elif kind == FusionKind.HUE:
            self._images = _quantized(
                rotate_hue(self._images, self._hue_shift.tensor, self._saturation_scale.tensor)
            )
            self._hue_shift, self._saturation_scale = 0.0, 1.0
        elif kind == FusionKind.TABLE:
            self._images = ops.round(self._images)

    def _warped(self) -> Any:
        matrix: Any = self._geometry.matrix
        if self._resized:  # converts the matrix to pixels of the resized images
            height, width = self._geometry.size.T / np.array([self._images.shape[1:3]]).T
            scale = np.stack([width, height, np.ones_like(width)], axis=1)
            matrix = matrix * (scale[:, None, :] / scale[:, :, None])
        else:
            _check_shrinking(self._images.shape[1:3], self._size)
        return warp(self._images, tensor_of(matrix), self._sampling or PLAIN, self._size)


def _either(rows: Mask, after: Any, before: Any) -> Any:
    """Returns arrays (n, ...): `after` for the images that `rows` chooses, and `before` for the others."""
    if rows is None:
        return after
    return np.where(rows[(..., *[None] * (len(after.shape) - 1))], after, before)


def _check_shrinking(source: Size, size: Size) -> None:
    if source[0] > 2 * size[0] or source[1] > 2 * size[1]:
        msg = (
            f"images shrink to less than half on the device, which does not average them first. Received: {tuple(source)} "
            f"for {size}. Pass image_size to make_pipeline, which averages, or store smaller images."
        )
        raise UsageError(msg)


def _clipped(images: Any) -> Any:
    return ops.clip(images, 0, 255)


def _quantized(images: Any) -> Any:
    return ops.round(ops.clip(images, 0, 255))  # to even, as the CPU
