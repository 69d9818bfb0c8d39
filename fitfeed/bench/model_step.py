"""How many images per second a model takes if it never waits: its training step, on one batch that is there already."""

import os
import statistics
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.local_path import local_path

if TYPE_CHECKING:
    import keras

APPLICATIONS = {
    "convnexttiny": "ConvNeXtTiny",
    "densenet121": "DenseNet121",
    "efficientnetb0": "EfficientNetB0",
    "efficientnetv2s": "EfficientNetV2S",
    "mobilenetv2": "MobileNetV2",
    "mobilenetv3small": "MobileNetV3Small",
    "resnet50": "ResNet50",
    "resnet101": "ResNet101",
    "vgg16": "VGG16",
    "xception": "Xception",
}
"""What `--model` may be besides a file: names of `keras.applications`, as people write them."""

WARM_UP_STEPS, STEPS = 2, 10

MAX_S = 10.0
"""A slow model makes fewer steps, and at least one that counts."""

CLASSES = 1000


class ModelSpeed(NamedTuple):
    """How fast a model is.

    Attributes:
        name: As it was asked for.
        images_per_second: That it takes if it never waits.
        step_s: Seconds of a step.
        on: The device: "GPU" or "CPU". On a CPU, model and feeding share the CPUs.
    """

    name: str
    images_per_second: float
    step_s: float
    on: str

    @property
    def is_apart(self) -> bool:
        """Whether it computes where feeding does not, so that it can wait, or be waited for."""
        return self.on != "CPU"


def model_speed(
    name: str,
    *,
    batch_size: int,
    image_shape: tuple[int, int, int],
    progress: Callable[[], None] = lambda: None,
) -> ModelSpeed:
    """Times training steps on one resident batch: forward, backward and update.

    Args:
        name: A `.keras` file, or a name of `APPLICATIONS`.
        batch_size: Images of a step.
        image_shape: (height, width, channels).
        progress: Called after each step.

    Raises:
        UsageError: If there is no such model, it takes no such images, or Keras does not work on TensorFlow.
    """
    check_model_name(name)
    check_backend()
    import tensorflow as tf

    model = _model(name, image_shape)
    batch = tf.constant(np.random.default_rng(0).random((batch_size, *image_shape), np.float32))
    step = _training_step(model, batch)
    spent: list[float] = []
    deadline = time.monotonic() + MAX_S
    for number in range(WARM_UP_STEPS + STEPS):
        began = time.perf_counter()
        float(step())  # which waits for the device
        progress()
        if number >= WARM_UP_STEPS:
            spent.append(time.perf_counter() - began)
        if spent and time.monotonic() > deadline:
            break
    seconds = statistics.median(spent)
    device = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    return ModelSpeed(name, batch_size / seconds, seconds, device)


def check_model_name(name: str) -> None:
    """Checks the name before anything is loaded.

    Raises:
        UsageError: If it is neither a file nor a known name.
    """
    if name.lower() in APPLICATIONS:
        return
    if not name.endswith(".keras"):
        msg = f"--model expects a .keras file or one of {', '.join(APPLICATIONS)}. Received: {name}"
        raise UsageError(msg)
    if not local_path(name, "--model").is_file():
        msg = f"there is no such file. Received: --model {name}. Save one by model.save({name!r})."
        raise UsageError(msg)


def check_backend() -> None:
    """Checks that Keras works on TensorFlow, which times the steps.

    Raises:
        UsageError: If it works on something else.
    """
    backend = os.environ.get("KERAS_BACKEND", "")
    if not backend:
        import keras

        backend = keras.backend.backend()
    if backend != "tensorflow":
        msg = f"--model is timed by Keras on TensorFlow. Received: backend {backend!r}. Set KERAS_BACKEND=tensorflow for this command."
        raise UsageError(msg)


def _training_step(model: "keras.Model", batch: Any) -> Callable[[], Any]:
    """Makes a step with a loss that any output has: what a step costs hardly depends on the loss."""
    import keras
    import tensorflow as tf

    optimizer = keras.optimizers.SGD(momentum=0.9)
    optimizer.build(model.trainable_variables)

    def step() -> Any:
        with tf.GradientTape() as tape:
            outputs = tf.nest.flatten(model(batch, training=True))
            loss = tf.add_n([tf.reduce_mean(tf.square(tf.cast(each, tf.float32))) for each in outputs])
        variables = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    compiled: Callable[[], Any] = tf.function(step)
    return compiled


def _model(name: str, image_shape: tuple[int, int, int]) -> "keras.Model":
    import keras

    if name.lower() in APPLICATIONS:
        make = getattr(keras.applications, APPLICATIONS[name.lower()])
        try:
            return make(weights=None, input_shape=image_shape, classes=CLASSES)
        except ValueError as error:
            msg = f"{name} takes no images of {image_shape}: {error}. Pass another --image-size."
            raise UsageError(msg) from error
    try:
        model = keras.saving.load_model(local_path(name, "--model"), compile=False, safe_mode=True)
        model(np.zeros((1, *image_shape), np.float32))
    except (OSError, TypeError, ValueError) as error:
        msg = f"{name} is not a model of images {image_shape}: {str(error).splitlines()[0]}. Pass the --image-size that it was made for."
        raise UsageError(msg) from error
    return model
