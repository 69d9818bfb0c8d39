"""Trains on all GPUs of this machine, or on two halves of its CPU where it has none.

    fitfeed convert examples/clothing build/clothing --size 128
    python examples/train_multi_gpu.py build/clothing
    KERAS_BACKEND=jax python examples/train_multi_gpu.py build/clothing

On TensorFlow a `MirroredStrategy` copies the model to each device, on JAX `keras.distribution` does. `batch_size` is the batch of all
devices together: each gets its part. On the sample it ends above an accuracy of 0.3.
"""

import argparse
import contextlib
import os
from typing import Any

os.environ.setdefault("XLA_FLAGS", "--xla_force_host_platform_device_count=2")  # JAX without a GPU

import keras
import tensorflow as tf
from small_network import small_network

from fitfeed import RandomFlip, RandomResizedCrop, make_pipeline, open_dataset

SIDE, BATCH_SIZE, SEED = 64, 32, 1


def main() -> None:
    """Trains, and prints the accuracy on the validation split."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dataset")
    parser.add_argument("--epochs", type=int, default=24)
    options = parser.parse_args()

    devices = all_devices()  # before anything else of TensorFlow
    keras.utils.set_random_seed(SEED)
    dataset = open_dataset(options.dataset)
    augment = [RandomResizedCrop(scale=(0.5, 1.0)), RandomFlip("horizontal")]
    train = make_pipeline(
        dataset, "train", batch_size=BATCH_SIZE, image_size=(SIDE, SIDE), augment=augment, seed=SEED
    )
    validation = make_pipeline(dataset, "validation", batch_size=BATCH_SIZE, image_size=(SIDE, SIDE))
    with devices:
        model = small_network(SIDE, len(dataset.class_names))
        model.compile(keras.optimizers.Adam(2e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(train, validation_data=validation, epochs=options.epochs, shuffle=False, verbose=2)
    accuracy = model.evaluate(validation, verbose=0, return_dict=True)["accuracy"]
    print(f"accuracy {accuracy:.3f}")


def all_devices() -> contextlib.AbstractContextManager[Any]:
    """Where the model is made, so that it is on all devices."""
    if keras.backend.backend() == "jax":
        keras.distribution.set_distribution(keras.distribution.DataParallel(auto_shard_dataset=False))
        print(f"{len(keras.distribution.list_devices())} devices")
        return contextlib.nullcontext()
    if not tf.config.list_physical_devices("GPU"):
        half = tf.config.LogicalDeviceConfiguration()
        tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], [half, half])
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    print(f"{len(devices)} devices")
    strategy = tf.distribute.MirroredStrategy([device.name for device in devices])
    scope: contextlib.AbstractContextManager[Any] = strategy.scope()
    return scope


if __name__ == "__main__":
    main()
