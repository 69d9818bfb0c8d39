"""Measures augmenting on a GPU: `DeviceAugmentation` against the same Keras layers and a plain copy.

A batch of 224 x 224 uint8 images is on the device already, and stays there; each contestant is the
first of a model, compiled, and makes float32 of it. The floor only does that: it reads one byte of
each value and writes four, as everything else must. Keras has the backend and the device that it
would have in training: `KERAS_BACKEND=jax` needs no TensorFlow. With TensorFlow, XLA cannot compile
some Keras layers, which run in a graph there; ours are compiled by XLA with both.

Calls are queued as in training, where nobody waits for the device between two layers, and timed until
the last is done.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # else a machine without a GPU prints an error

import keras
import numpy as np

from benchmarks import measure
from benchmarks.measure import Result
from benchmarks.recipes import RECIPES, SIX, six_keras_layers
from fitfeed.pipelines import Augmentation, DeviceAugmentation, RandAugment

SIDE = 224

BATCH_SIZES = (128, 1024)

QUEUED = 8
"""Calls in a row before waiting: what the host does for the next is hidden behind the device's work."""

MIN_SECONDS = 0.3
"""A measurement takes at least so long."""

LISTS: dict[str, list[Augmentation]] = {
    "six operations": SIX,
    "recipe with all four jitters": RECIPES["all four jitters"],
    "RandAugment": [RandAugment()],
}
"""The first two are A1 and A3 of the `augment` benchmark, which measures them on the CPU."""

Call = Callable[[], Any]
"""Queues the augmentation of the batch once more; returns what will be its result."""


def main() -> int:
    """Runs the benchmark; returns the exit status."""
    parser = measure.parser(__doc__, rounds=5)
    parser.add_argument(
        "--batch-sizes", type=int, nargs="+", default=BATCH_SIZES, help="default: %(default)s"
    )
    options = parser.parse_args()
    if options.smoke:
        options.batch_sizes, options.rounds = (4,), 1
    settings = {
        "device": device(),
        "backend": f"{keras.backend.backend()} {version(keras.backend.backend())}",
        "batch_sizes": list(options.batch_sizes),
        "queued": QUEUED,
    }
    print(", ".join(f"{name}: {value}" for name, value in settings.items()), flush=True)
    measure.report("gpu", run(options), options, **settings)
    return 0


def device() -> str:
    """What the backend computes on."""
    if keras.backend.backend() == "jax":
        import jax

        return str(jax.devices()[0].device_kind)
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    return str(tf.config.experimental.get_device_details(gpus[0]).get("device_name")) if gpus else "cpu"


def run(options: argparse.Namespace) -> list[Result]:
    """Runs all cases, one after the other, so that the memory of one is free for the next.

    Args:
        options: The command line.
    """
    random = np.random.default_rng(0)
    batches = [
        keras.ops.convert_to_tensor(random.integers(0, 256, (count, SIDE, SIDE, 3), np.uint8))
        for count in options.batch_sizes
    ]
    results: list[Result] = []
    for name, augment in LISTS.items():
        for number, batch in enumerate(batches):
            models = {
                "floor": model(keras.layers.Rescaling(1.0)),
                "DeviceAugmentation": model(DeviceAugmentation(augment, seed=0)),
            }
            if name in KERAS_LAYERS and (number == 0 or name not in SLOW_TO_COMPILE):
                models["Keras layers"] = model(*KERAS_LAYERS[name]())
            calls = {contestant: compiled(made, batch) for contestant, made in models.items()}
            count = len(batch)
            results += race(f"{name}, {count} images", calls, count, rounds=options.rounds)
    return results


KERAS_LAYERS: dict[str, Callable[[], list[Any]]] = {
    "six operations": six_keras_layers,
    "RandAugment": lambda: [keras.layers.RandAugment()],
}
"""Keras has no layer for a random part of the image."""

SLOW_TO_COMPILE = {"RandAugment"}
"""By Keras: most of a minute, so only once."""


def model(*layers: Any) -> Any:
    """Layers in a row, from uint8."""
    return keras.Sequential([keras.Input((SIDE, SIDE, 3), dtype="uint8"), *layers])


def compiled(layers: Any, batch: Any) -> Call:
    """Layers as in training, compiled by the backend; each call draws anew."""
    if keras.backend.backend() == "jax":
        import jax

        step = jax.jit(lambda state, images: layers.stateless_call([], state, images, training=True))
        state = [variable.value for variable in layers.non_trainable_variables]

        def call() -> Any:
            nonlocal state
            augmented, state = step(state, batch)
            return augmented

        return call

    import tensorflow as tf

    by_xla = isinstance(layers.layers[0], DeviceAugmentation | keras.layers.Rescaling)
    graph = tf.function(lambda images: layers(images, training=True), autograph=False, jit_compile=by_xla)
    return lambda: graph(batch)


def race(case: str, calls: Mapping[str, Call], count: int, *, rounds: int) -> list[Result]:
    """Measures the contestants of a case in turns; one that does not fit the device's memory is left out."""
    ready: dict[str, Callable[[], float]] = {}
    for name, call in calls.items():
        started = time.perf_counter()
        try:
            wait([call()])
            wait([call()])  # compiled anew for the variables that the first one returned, if at all
        except RuntimeError as error:
            print(f"{case}: {name} does not take part: {str(error).splitlines()[0]}", flush=True)
        else:
            print(f"{case}: {name} was ready in {time.perf_counter() - started:.1f} s", flush=True)
            ready[name] = partial(rate, call, count)
    values = measure.alternate(ready, rounds=rounds)
    results = measure.compared(case, values, unit="images/s", floor="floor")
    print(measure.table(results), flush=True)  # the whole takes minutes
    return results


def rate(call: Call, count: int) -> float:
    """Images per second, over as many calls as fill the least time."""
    started, images = time.perf_counter(), 0
    while time.perf_counter() - started < MIN_SECONDS:
        wait([call() for _ in range(QUEUED)])
        images += QUEUED * count
    return images / (time.perf_counter() - started)


def wait(results: Sequence[Any]) -> None:
    """Until the device has computed them: it works off calls in order."""
    if keras.backend.backend() == "jax":
        import jax

        jax.block_until_ready(results)  # type: ignore[no-untyped-call]
    else:
        results[-1][:1, 0, 0].numpy()  # on the CPU all are there already


if __name__ == "__main__":
    sys.exit(main())
