"""Executes a list of augmentations on all images of a batch at once."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from fitfeed.pipelines.arrays.types import Size
from fitfeed.pipelines.augment.base import Augmentation
from fitfeed.pipelines.augment.device_parameters import parameter_count
from fitfeed.pipelines.augment.device_split import check_device
from fitfeed.pipelines.device.array import DeviceArray
from fitfeed.pipelines.device.plan import DevicePlan
from fitfeed.schemas.errors import UsageError


class DeviceProgram:
    """Augments a batch of images of one size. It has no state: random numbers are arguments.

    Attributes:
        draws: How many uniform numbers all operations need for each image.
        columns: How many parameters all operations have for each image.
    """

    def __init__(self, ops: Sequence[tuple[int, Augmentation]], *, image_size: Size | None = None) -> None:
        """Checks the operations.

        Args:
            ops: Operations, each with its place in the user's list, which decides its random numbers.
            image_size: The `image_size` for crops.

        Raises:
            UsageError: If one of them cannot run on a device.
        """
        for place, op in ops:
            check_device(op, place)
        self._ops, self._image_size = list(ops), image_size
        self._widths = [parameter_count(op) for _, op in ops]
        self.draws = sum(op.draws for _, op in ops)
        self.columns = sum(self._widths)

    def sample_on_device(self, uniforms: Any) -> list[DeviceArray]:
        """Samples the parameters of a batch on the device, from uniform numbers.

        Args:
            uniforms: float32 (n, draws) in [0, 1).

        Returns:
            For each operation, float32 (n, its parameters).
        """
        numbers: Any = DeviceArray(uniforms)
        parameters: list[Any] = []
        first = 0
        for _, op in self._ops:
            parameters.append(op.sample(numbers[:, first : first + op.draws]))
            first += op.draws
        return parameters

    def separate(self, parameters: Any) -> list[DeviceArray]:
        """Splits the parameters of all operations, float32 (n, columns), into those of each."""
        ends = np.cumsum(self._widths).tolist()
        return [
            DeviceArray(parameters[:, end - width : end])
            for end, width in zip(ends, self._widths, strict=True)
        ]

    def apply(self, images: Any, parameters: Sequence[DeviceArray], *, sizes: Any = None) -> Any:
        """Executes the list.

        Args:
            images: (n, H, W, C), of any type, whole numbers from 0 to 255; H, W and C are static.
            parameters: Parameters of each operation, float32 (n, its parameters).
            sizes: float32 (n, 2), heights and widths before the images were resized. Geometry is
                computed in these pixels. None: the images were not resized.

        Returns:
            float32 (n, height, width, C), whole numbers from 0 to 255.

        Raises:
            UsageError: If height, width or channels are not known, or there are not 1 or 3 channels.
        """
        check_batch(images.shape)
        plan = DevicePlan(
            keras.ops.cast(images, "float32"),
            sizes=None if sizes is None else DeviceArray(sizes),
            image_size=self._image_size,
        )
        for (_, op), own in zip(self._ops, parameters, strict=True):
            plan.add(op, None, own)
        return plan.finish()


def check_batch(shape: Sequence[int | None]) -> None:
    """Refuses what is not a batch of images of one known size.

    Raises:
        UsageError: If height, width or channels are not known, or there are not 1 or 3 channels.
    """
    if len(shape) != 4 or None in shape[1:] or shape[-1] not in (1, 3):
        msg = (
            f"augmenting on a device expects batches of images (n, height, width, 1 or 3), where only n may be "
            f"unknown. Received: {tuple(shape)}."
        )
        raise UsageError(msg)
