"""Measures whether `InputMonitor` is right, and what it costs.

I1: steps that sleep for a known time, and input that comes in a known time: input-bound, balanced and compute-bound, one step
in a call and several. What the monitor says of waiting is compared with the time between the end of one step and the begin of the next,
as the model itself sees it, less what that time is when input takes none (Keras needs some milliseconds). I2: CPU time of the monitor's
own calls, a step, beside a step of 10 ms.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from benchmarks import measure
from benchmarks.material import link_sample
from benchmarks.measure import Result
from fitfeed import ConvertOptions, InputMonitor, convert, make_pipeline
from fitfeed.schemas.cpus import available_cpus

BATCH = 8

CASES = {"input-bound": (0.06, 0.02), "balanced": (0.04, 0.04), "compute-bound": (0.02, 0.06)}
"""Seconds in which a batch is made, and seconds of a step."""

MAX_OFF = 5.0
"""Percent of a step by which the monitor may be wrong."""

STEP_MS = 10.0


def main() -> int:
    """Runs the benchmark; returns the exit status."""
    parser = measure.parser(__doc__, rounds=3)
    options = parser.parse_args()
    if options.smoke:
        options.rounds = 1
    with tempfile.TemporaryDirectory(prefix="fitfeed-") as folder:
        link_sample(Path(folder) / "source", 64 if options.smoke else 256)
        convert(Path(folder) / "source", Path(folder) / "dataset", ConvertOptions(size=(64, 64)))
        results = accuracy(Path(folder) / "dataset", options)
    results.append(overhead(options))
    measure.report("input_monitor", results, options, backend=keras.backend.backend())
    return 0


def accuracy(dataset: Path, options: argparse.Namespace) -> list[Result]:
    """I1: waiting as the monitor and as the model see it."""
    results = []
    for name, (input_s, step_s) in CASES.items():
        for at_once in (1, 4):
            said, true = list[float](), list[float]()
            for _ in range(options.rounds):
                waiting, between = waits(dataset, input_s, step_s, at_once)
                _, least = waits(dataset, 0.0, step_s, at_once)
                said.append(waiting)
                true.append(between - least)
            case = f"I1 {name}, {at_once} in a call"
            step_ms = 1e3 * max(input_s, step_s)
            off = [100 * abs(ours - theirs) / step_ms for ours, theirs in zip(said, true, strict=True)]
            results += [
                Result(case=case, contestant="monitor", unit="ms/step", values=said),
                Result(case=case, contestant="model", unit="ms/step", values=true),
                Result(case=case, contestant="difference", unit="% of a step", values=off, limit=MAX_OFF),
            ]
    return results


def waits(dataset: Path, input_s: float, step_s: float, at_once: int) -> tuple[float, float]:
    """Milliseconds of waiting in a step, as the monitor sees it, and between steps, as the model does."""
    threads = available_cpus()

    def slow(image: Any) -> Any:
        time.sleep(input_s * threads / BATCH)
        return image

    train = make_pipeline(
        dataset,
        "train",
        batch_size=BATCH,
        image_size=(32, 32),
        augment=[slow],
        processes=0,
        drop_remainder=True,
    )
    model, moments = timed_model(step_s, at_once)
    monitor = InputMonitor()
    model.fit(train, epochs=2, verbose=0, shuffle=False, callbacks=[monitor])
    steps = len(train)
    true = [began - ended for (_, ended), (began, _) in pairwise(moments[-steps:])]
    said = [step.waiting for step in monitor.steps[1:]]
    return 1e3 * statistics.mean(said), 1e3 * statistics.mean(true)


def timed_model(seconds: float, at_once: int) -> tuple[Any, list[tuple[float, float]]]:
    """A model whose step sleeps, and a list of when each began and ended."""
    moments: list[tuple[float, float]] = []

    def sleep(images: Any) -> Any:
        began = time.monotonic()
        time.sleep(seconds)
        moments.append((began, time.monotonic()))
        return np.asarray(images)

    class Sleeping(keras.layers.Layer):
        def call(self, images: Any) -> Any:
            if keras.backend.backend() == "jax":
                import jax

                images = jax.lax.stop_gradient(images)
                like = jax.ShapeDtypeStruct(images.shape, images.dtype)  # type: ignore[no-untyped-call]
                return jax.pure_callback(sleep, like, images)
            import tensorflow as tf

            slept = tf.numpy_function(sleep, [images], tf.float32)
            slept.set_shape(images.shape)
            return tf.stop_gradient(slept)

        def compute_output_shape(self, shape: Any) -> Any:
            return shape

    model = keras.Sequential([Sleeping(), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(20)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, steps_per_execution=at_once, jit_compile=keras.backend.backend() == "jax")
    return model, moments


def overhead(options: argparse.Namespace) -> Result:
    """I2: the monitor's own CPU time in a step, as Keras calls it; batches and steps take no time."""
    steps = 200 if options.smoke else 5000
    batch = (np.zeros((8, 2)), np.zeros(8))

    class Model:
        steps_per_execution = 1

        def __init__(self) -> None:
            self.train_function = self._train

        def make_train_function(self, force: bool = False) -> None:
            raise NotImplementedError

        def _train(self, state: Any, batches: Any) -> Any:
            return state, next(batches)

    def once(monitored: bool) -> float:
        monitor, model, batches = InputMonitor(), Model(), iter([batch] * steps)
        monitor.set_model(model)
        monitor.set_params({"steps": steps, "verbose": 0})
        began = time.process_time()
        if monitored:
            monitor.on_train_begin()
            monitor.on_epoch_begin(0)
        for step in range(steps):
            if monitored:
                monitor.on_train_batch_begin(step)
            model.train_function(None, batches)
            if monitored:
                monitor.on_train_batch_end(step, {})
        if monitored:
            monitor.on_epoch_end(0, {})
            monitor.on_train_end()
        return (time.process_time() - began) * 1e3 / steps

    values = [100 * (once(True) - once(False)) / STEP_MS for _ in range(max(3, options.rounds))]
    return Result(
        case=f"I2 its own calls, of a step of {STEP_MS:.0f} ms",
        contestant="monitor",
        unit="% CPU",
        values=values,
        limit=1.0,
    )


if __name__ == "__main__":
    sys.exit(main())
