"""Augments and normalizes a uint8 batch on the device, for `augment_on="device"`."""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from keras import ops

from fitfeed.pipelines.augment.ops.mixup_cutmix import Mixture, MixUp, split_batch
from fitfeed.pipelines.batches.normalize import shift_and_scale
from fitfeed.pipelines.device.mix import COLUMNS, mix_batch, mix_columns
from fitfeed.pipelines.device.program import DeviceProgram
from fitfeed.pipelines.device.split import sizes_before_resizing, split
from fitfeed.pipelines.options import PipelineOptions
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.statistics import ChannelStatistics


class DeviceStage:
    """Samples parameters on the host, which takes microseconds, and applies them on the device.

    The parameters are those of the executor of the CPU: a function of (seed, epoch, example, place).

    Attributes:
        on_cpu: The part of the list that the loader applies.
        columns: Number of columns of the parameters.
    """

    def __init__(self, options: PipelineOptions, statistics: ChannelStatistics) -> None:
        """Splits the list, and computes the factors of normalization.

        Args:
            options: Options of the pipeline.
            statistics: Statistics of the dataset.

        Raises:
            UsageError: If an augmentation cannot run on a device, or the backend of Keras cannot run in
                `tf.data`.
        """
        _check_backend()
        each, mixes = split_batch(options.augment)
        self.on_cpu, on_device = split(each, options.image_size)
        self._blends = [isinstance(op, MixUp) for _, op in mixes]
        self._seed, self._image_size = options.seed, options.image_size
        self._program = DeviceProgram(list(enumerate(on_device, len(self.on_cpu))))  # type: ignore[arg-type]
        self.columns = 2 + self._program.columns + len(mixes) * COLUMNS
        self._dtype = options.dtype
        shift, scale = np.zeros(statistics.channels), np.ones(statistics.channels)
        if options.normalize is not None:
            shift, scale = shift_and_scale(options.normalize, statistics)
        self._factor, self._offset = (1 / scale).astype(np.float32), (-shift / scale).astype(np.float32)
        gpus = tf.config.list_logical_devices("GPU")
        self._device = gpus[0].name if gpus else None

    def parameters(
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
            float32 (n, columns): height and width before resizing, parameters of the operations, and
            mixtures.
        """
        before = sizes_before_resizing(self.on_cpu, self._image_size, list(map(tuple, sizes.tolist())))
        drawn = self._program.sample(self._seed, epoch, rng_index)
        mixed = mix_columns(mixtures, len(rng_index))
        return np.concatenate([np.array(before, np.float32).reshape(-1, 2), drawn, mixed], axis=1)

    def __call__(self, images: Any, parameters: Any) -> Any:
        """Augments, mixes and normalizes a batch.

        Args:
            images: uint8 (n, H, W, C).
            parameters: float32 (n, columns).

        Returns:
            (n, H, W, C) of the pipeline's type.
        """
        with tf.device(self._device) if self._device else nullcontext():
            drawn, mixed = (
                parameters[:, 2 : 2 + self._program.columns],
                parameters[:, 2 + self._program.columns :],
            )
            augmented = self._program.apply(images, self._program.separate(drawn), sizes=parameters[:, :2])
            augmented = mix_batch(augmented, mixed, blends=self._blends)
            if self._dtype != "uint8":
                augmented = augmented * self._factor + self._offset
            return ops.cast(augmented, self._dtype)


def _check_backend() -> None:
    backend = keras.backend.backend()
    if backend != "tensorflow":
        msg = (
            f"a tf.data pipeline can only run the TensorFlow backend's operations. Received: augment_on='device' with "
            f"Keras on {backend!r}. Let the model augment: pass normalize=None, dtype='uint8' and in augment only what "
            f"makes images equal in size, and put DeviceAugmentation([...]) first into the model, then "
            f"dataset.normalization(...)."
        )
        raise UsageError(msg)
