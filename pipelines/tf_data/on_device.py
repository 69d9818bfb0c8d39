"""Augments, mixes and normalizes a uint8 batch on the device, for `augment_on="device"`."""

from contextlib import nullcontext
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from fitfeed.pipelines.augment.device_parameters import DeviceParameters
from fitfeed.pipelines.batches.normalize import shift_and_scale
from fitfeed.pipelines.device.mix import mix_batch
from fitfeed.pipelines.device.program import DeviceProgram
from fitfeed.pipelines.options import PipelineOptions
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.statistics import ChannelStatistics


class DeviceStage:
    """Applies on the device what `DeviceParameters` has sampled on the host."""

    def __init__(
        self, parameters: DeviceParameters, options: PipelineOptions, statistics: ChannelStatistics
    ) -> None:
        """Computes the factors of normalization.

        Args:
            parameters: Says what the device applies.
            options: Options of the pipeline.
            statistics: Statistics of the dataset.

        Raises:
            UsageError: If an augmentation cannot run on a device, or the backend of Keras cannot run in
                `tf.data`.
        """
        _check_backend()
        self._program, self._blends = DeviceProgram(parameters.ops), parameters.blends
        self._dtype = options.dtype
        shift, scale = np.zeros(statistics.channels), np.ones(statistics.channels)
        if options.normalize is not None:
            shift, scale = shift_and_scale(options.normalize, statistics)
        self._factor, self._offset = (1 / scale).astype(np.float32), (-shift / scale).astype(np.float32)
        gpus = tf.config.list_logical_devices("GPU")
        self._device = gpus[0].name if gpus else None

    def __call__(self, images: Any, parameters: Any) -> Any:
        """Augments, mixes and normalizes a batch.

        Args:
            images: uint8 (n, H, W, C).
            parameters: float32 (n, columns), from `DeviceParameters.sample`.

        Returns:
            (n, H, W, C) of the pipeline's type.
        """
        with tf.device(self._device) if self._device else nullcontext():
            sizes, sampled, mixed = tf.split(parameters, [2, self._program.columns, -1], axis=1)
            augmented = self._program.apply(images, self._program.separate(sampled), sizes=sizes)
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
