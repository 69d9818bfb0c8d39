"""What the host samples for a batch that is augmented on a device: plain numbers, by NumPy alone.

`device/` and `tf_data/on_device.py` apply them. The columns of a batch of n images:

    height, width | parameters of each operation, one after the other | of each mixing operation: COLUMNS
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fitfeed.pipelines.arrays.types import Size
from fitfeed.pipelines.augment.base import Augmentation
from fitfeed.pipelines.augment.compiler.program import sample
from fitfeed.pipelines.augment.device_split import Items, sizes_before_resizing, split
from fitfeed.pipelines.augment.ops.mixup_cutmix import Mixture, MixUp, split_batch

COLUMNS = 6
"""Columns of a mixing operation: partner, weight, and top, left, bottom and right of the box."""


class DeviceParameters:
    """Splits a list between CPU and device, and samples for the device. Immutable, thread-safe.

    The parameters are those of the executor of the CPU: a function of (seed, epoch, example, place).

    Attributes:
        on_cpu: The part of the list that the CPU applies.
        ops: The operations on images that the device applies, with their places in the list.
        blends: For each mixing operation, whether it blends whole images (`MixUp`) or replaces a box.
        columns: Number of columns of the parameters.
    """

    def __init__(self, augment: Items, *, image_size: Size | None, seed: int) -> None:
        """Splits the list.

        Args:
            augment: As for `make_pipeline`.
            image_size: As for `make_pipeline`.
            seed: The run's seed.

        Raises:
            UsageError: If an augmentation cannot run on a device.
        """
        each, mixes = split_batch(augment)
        self.on_cpu, on_device = split(each, image_size)
        self.ops: list[tuple[int, Augmentation]] = list(enumerate(on_device, len(self.on_cpu)))  # type: ignore[arg-type]  # `split` has checked them
        self.blends = [isinstance(op, MixUp) for _, op in mixes]
        self._image_size, self._seed = image_size, seed
        self.columns = 2 + sum(parameter_count(op) for _, op in self.ops) + len(mixes) * COLUMNS

    def sample(
        self,
        epoch: int,
        rng_index: npt.NDArray[np.int64],
        *,
        sizes: npt.NDArray[np.int64],
        mixtures: Sequence[Mixture] = (),
    ) -> npt.NDArray[np.float32]:
        """Samples the parameters of a batch.

        Args:
            epoch: Number of the epoch.
            rng_index: int64 (n,), numbers to sample by.
            sizes: int64 (n, 2), stored heights and widths.
            mixtures: How the images are mixed at the end.

        Returns:
            float32 (n, columns). Height and width are those before the CPU resizes.
        """
        before = sizes_before_resizing(self.on_cpu, self._image_size, list(map(tuple, sizes.tolist())))
        sampled = sample_columns(self.ops, self._seed, epoch, rng_index)
        mixed = mix_columns(mixtures, len(rng_index))
        return np.concatenate([np.array(before, np.float32).reshape(-1, 2), sampled, mixed], axis=1)


def parameter_count(op: Augmentation) -> int:
    """Returns how many parameters an operation has."""
    return int(op.sample(np.empty((0, op.draws))).shape[1])


def sample_columns(
    ops: Sequence[tuple[int, Augmentation]], seed: int, epoch: int, rng_index: npt.NDArray[np.int64]
) -> npt.NDArray[np.float32]:
    """Samples the parameters of operations as the executor of the CPU does, side by side.

    Args:
        ops: Operations, each with its place in the user's list.
        seed: The run's seed.
        epoch: Number of the epoch.
        rng_index: int64 (n,), numbers to sample by.

    Returns:
        float32 (n, parameters of all operations).
    """
    columns = sample(ops, seed, epoch, rng_index)
    return np.concatenate([np.empty((len(rng_index), 0)), *columns], axis=1).astype(np.float32)


def mix_columns(mixtures: Sequence[Mixture], count: int) -> npt.NDArray[np.float32]:
    """Writes the mixtures of a batch of `count` images as numbers for the device.

    Returns:
        float32 (count, operations * COLUMNS). An operation without boxes has empty ones.
    """
    columns = [
        np.column_stack([m.partner, m.weight, np.zeros((count, 4)) if m.boxes is None else m.boxes])
        for m in mixtures
    ]
    return np.concatenate([np.zeros((count, 0)), *columns], axis=1).astype(np.float32)
