"""The Keras layer that augments: the first of a model, or on its own."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Self

import keras
from keras import ops

from fitfeed.pipelines.arrays.types import Size
from fitfeed.pipelines.augment.base import Augmentation
from fitfeed.pipelines.augment.compiler.program import list_operations
from fitfeed.pipelines.augment.ops.augmentations import AUGMENTATIONS
from fitfeed.pipelines.device.program import DeviceProgram, check_batch
from fitfeed.schemas.errors import UsageError


@keras.saving.register_keras_serializable(package="fitfeed")
class DeviceAugmentation(keras.layers.Layer):
    """Augments batches on the device that the model runs on, compiled with it.

    The operations, and how they fuse, are those of `make_pipeline(augment=...)`. The layer has its own
    random numbers, new in each call. Pixels never leave the device. The layer computes in float32, also
    in a model of mixed precision. Its results are whole numbers from 0 to 255, which float16 and bfloat16
    hold exactly.

    Attributes:
        augment: The augmentations.
        image_size: (height, width) of the output, or None.
    """

    def __init__(
        self,
        augment: Sequence[Augmentation],
        *,
        image_size: Size | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        """Checks the list.

        Args:
            augment: Augmentations of this package, in order, without `AugMix` and functions.
            image_size: (height, width), as for `make_pipeline`. Images are resized to it without
                training, too. Images may be at most twice as high and as wide.
            seed: Seed of the random numbers. None: a random seed.
            **kwargs: Arguments of every Keras layer, such as `name`.

        Raises:
            UsageError: If something in the list cannot run on a device.

        Example:
            >>> train = make_pipeline("flowers", "train", batch_size=128, image_size=(224, 224), normalize=None, dtype="uint8")
            >>> augment = DeviceAugmentation([RandomFlip("horizontal"), RandomRotation(0.05)], seed=7)
            >>> model = keras.Sequential([keras.Input((224, 224, 3)), augment, dataset.normalization("zscore"), network])
        """
        super().__init__(
            autocast=False, **kwargs
        )  # Keras must not cast bytes 0..255 before they are augmented
        self.augment, self.image_size, self._seed = list(augment), image_size, seed
        self._augmenting = DeviceProgram(list_operations(self.augment, image_size), image_size=image_size)
        self._resizing = DeviceProgram(list_operations([], image_size), image_size=image_size)
        self._seeds = keras.random.SeedGenerator(seed)

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Checks the shape of the images, (n, H, W, C); there are no weights.

        Raises:
            UsageError: If height, width or channels are not known, or there are not 1 or 3 channels.
        """
        check_batch(input_shape)

    def call(self, images: Any, training: bool = True) -> Any:
        """Augments a batch when training; otherwise only resizes it.

        Args:
            images: (n, H, W, C) of 1 or 3 channels, whole numbers from 0 to 255, uint8 or any other
                type; H, W and C must be static.
            training: Set by `fit`, `evaluate` and `predict`.

        Returns:
            (n, height, width, C) of the layer's compute type, whole numbers from 0 to 255.

        Raises:
            UsageError: If height, width or channels are not known, or there are not 1 or 3 channels.
        """
        if training:
            program, count = self._augmenting, ops.shape(images)[0]
            uniforms = keras.random.uniform((count, program.draws), dtype="float32", seed=self._seeds)
        else:  # the state of the random numbers stays, so that evaluation does not change the training
            program, uniforms = self._resizing, ops.zeros((1, 0))
        return ops.cast(program.apply(images, program.sample_on_device(uniforms)), self.compute_dtype)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Returns (n, height, width, C)."""
        size: Any = tuple(input_shape[1:3])
        for _, op in list_operations(self.augment, self.image_size):
            size = op.output_size(size, image_size=self.image_size)
        return (input_shape[0], *size, input_shape[3])

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments as plain JSON."""
        return {
            **super().get_config(),
            "augment": [_described(op) for op in self.augment],
            "image_size": self.image_size,
            "seed": self._seed,
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Makes a layer from the result of `get_config`.

        Raises:
            UsageError: If an augmentation is not one of this package.
        """
        size = config["image_size"]
        augment = [_made(one) for one in config["augment"]]
        return cls(**{**config, "augment": augment, "image_size": None if size is None else tuple(size)})


def _described(op: Augmentation) -> dict[str, Any]:
    fields: Any = op  # every augmentation is a dataclass
    arguments = {field.name: getattr(op, field.name) for field in dataclasses.fields(fields)}
    return {"name": type(op).__name__, "arguments": arguments}


def _made(description: Mapping[str, Any]) -> Augmentation:
    made = AUGMENTATIONS.get(description["name"])
    if made is None:
        msg = f"only augmentations of fitfeed can be loaded. Received: {description['name']!r}."
        raise UsageError(msg)
    arguments = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in description["arguments"].items()
    }
    return made(**arguments)
