"""Measures the device's executor where there is no device: the same six operations on the CPU.

It computes every pixel in float32, for all images at once, which is what a GPU is made for and a CPU
is not. On a machine with a GPU, TensorFlow runs its operations there, and the CPU's share is what is
left to it. Contestants take the same batch of 224 x 224 uint8 images from memory.
"""

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2
import numpy as np

from benchmarks import augment_peers, measure
from benchmarks.augment import BATCH_SIZE, threaded
from benchmarks.feed import SIDE, race
from benchmarks.measure import Epoch, Result
from benchmarks.recipes import SIX
from fitfeed.schemas.cpus import available_cpus
from fitfeed.schemas.payload import Pixels


def main() -> int:
    """Runs the benchmark; returns the exit status."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # else a machine without a GPU prints an error
    parser = measure.parser(__doc__, rounds=5)
    options = parser.parse_args()
    if options.smoke:
        options.rounds = 1
    cv2.setNumThreads(1)
    results = run(options)
    measure.report("device", results, options, batch_size=BATCH_SIZE, threads=available_cpus())
    return 0


def run(options: argparse.Namespace) -> list[Result]:
    """Runs all contestants on one batch of smooth noise.

    Args:
        options: The command line.
    """
    count = 8 if options.smoke else BATCH_SIZE
    noise = np.random.default_rng(0).integers(0, 256, (count, 28, 28, 3), np.uint8)
    images = np.stack([cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC) for image in noise])
    images = images.astype(np.uint8)
    contestants = {
        "CPU executor": threaded(SIX, images, available_cpus()),
        "device executor": on_device(images, compiled=False),
        "device executor, XLA": on_device(images, compiled=True),
        "Keras layers in tf.data": augment_peers.keras_layers(images),
    }
    return race("six operations", contestants, rounds=options.rounds, floor="CPU executor")


def on_device(images: Pixels, *, compiled: bool) -> Epoch:
    """As in `make_pipeline(augment_on="device")`: parameters drawn by NumPy, pixels computed by TensorFlow."""
    import tensorflow as tf

    from fitfeed.pipelines.augment.device_parameters import sample_columns
    from fitfeed.pipelines.device.program import DeviceProgram

    ops = list(enumerate(SIX))
    program = DeviceProgram(ops)
    examples, epochs = np.arange(len(images)), iter(range(1 << 60))
    batch = tf.constant(images)

    @tf.function(jit_compile=compiled, autograph=False)
    def apply(batch: tf.Tensor, parameters: tf.Tensor) -> tf.Tensor:
        return program.apply(batch, program.separate(parameters))

    def epoch() -> int:
        return len(apply(batch, sample_columns(ops, 0, next(epochs), examples)).numpy())

    return epoch


if __name__ == "__main__":
    sys.exit(main())
