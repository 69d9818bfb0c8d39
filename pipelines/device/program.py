"""A list of augmentations, executed on all images of a batch at once."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from fitfeed.pipelines.arrays.types import Size
from fitfeed.pipelines.augment.base import Augmentation
from fitfeed.pipelines.augment.compiler.program import sample
from fitfeed.pipelines.device.array import DeviceArray
from fitfeed.pipelines.device.plan import DevicePlan, parameter_count
from fitfeed.pipelines.device.split import check_device
from fitfeed.schemas.errors import UsageError


class DeviceProgram:
    """What happens to a batch of images of one size. Without state: all that is random is passed in.

    Attributes:
        draws: How many uniform numbers all operations need for each image.
        columns: How many parameters they have.
    """

    def __init__(self, ops: Sequence[tuple[int, Augmentation]], *, image_size: Size | None = None) -> None:
        """Prepares.

        Args:
            ops: Operations, each with its place in the user's list, which its numbers are drawn by.
            image_size: What `image_size` means to crops.

        Raises:
            UsageError: If one of them cannot run on a device.
        """
        for place, op in ops:
            check_device(op, place)
        self._ops, self._image_size = list(ops), image_size
        self._widths = [parameter_count(op) for _, op in ops]
        self.draws = sum(op.draws for _, op in ops)
        self.columns = sum(self._widths)

    def sample(self, seed: int, epoch: int, examples: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Draws the parameters of a batch on the host: those that the CPU's executor draws.

        Args:
            seed: The run's.
            epoch: Number of the epoch.
            examples: int64 (n,), numbers to draw by.

        Returns:
            float32 (n, columns).
        """
        columns = sample(self._ops, seed, epoch, examples)
        return np.concatenate([np.empty((len(examples), 0)), *columns], axis=1).astype(np.float32)

    def sample_on_device(self, uniforms: Any) -> list[DeviceArray]:
        """Turns uniform numbers, float32 (n, draws), into parameters, on the device."""
        numbers: Any = DeviceArray(uniforms)
        parameters: list[Any] = []
        first = 0
        for _, op in self._ops:
            parameters.append(op.sample(numbers[:, first : first + op.draws]))
            first += op.draws
        return parameters

    def separate(self, parameters: Any) -> list[DeviceArray]:
        """The parameters of each operation, from all of them, float32 (n, columns)."""
        ends = np.cumsum(self._widths).tolist()
        return [
            DeviceArray(parameters[:, end - width : end])
            for end, width in zip(ends, self._widths, strict=True)
        ]

    def apply(self, images: Any, parameters: Sequence[DeviceArray], *, sizes: Any = None) -> Any:
        """Executes the list.

        Args:
            images: (n, H, W, C), of any type, whole numbers from 0 to 255; H, W and C are static.
            parameters: Of each operation.
            sizes: float32 (n, 2), heights and widths before the images were resized, in whose pixels
                geometry counts. None: as they are.

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
    """Refuses what is no batch of images of one known size.

    Raises:
        UsageError: If height, width or channels are not known, or there are not 1 or 3 channels.
    """
    if len(shape) != 4 or None in shape[1:] or shape[-1] not in (1, 3):
        msg = (
            f"augmenting on a device expects batches of images (n, height, width, 1 or 3), where only n may be "
            f"unknown. Received: {tuple(shape)}."
        )
        raise UsageError(msg)
