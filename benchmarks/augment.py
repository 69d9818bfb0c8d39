"""Measures augmentation: against other libraries, by operation, and within the whole pipeline.

A1: flip, rotation, zoom, translation, brightness and contrast on 224 x 224 uint8 images in memory,
each contestant in as many threads, then in as many processes; ours into one batch. albumentations,
torchvision and `ImageDataGenerator` (by SciPy) take part where they are installed. A2: what each
further operation costs one thread, as a share of the six. A3: the standard recipe (random part,
flip, colour jitter, erasing) from JPEG of 256 pixels to float32, against decoding and resizing
alone, as F1 of the `feed` benchmark.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2
import numpy as np

from benchmarks import augment_peers, measure, peers
from benchmarks.augment_peers import Peers
from benchmarks.everywhere import everywhere
from benchmarks.feed import EPOCHS, SIDE, decoding, race
from benchmarks.material import link_sample
from benchmarks.measure import Epoch, Result
from benchmarks.recipes import FURTHER, RECIPES, SIX
from fitfeed.beam_jobs import convert
from fitfeed.converters.options import ConvertOptions
from fitfeed.pipelines import Augmentation, make_pipeline, open_dataset
from fitfeed.pipelines.augment.compiler.program import Program
from fitfeed.schemas.cpus import available_cpus
from fitfeed.schemas.payload import Pixels

BATCH_SIZE = 128


def main() -> int:
    """Runs the benchmark; returns the exit status."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # else a machine without a GPU prints an error
    parser = measure.parser(__doc__, rounds=5)
    parser.add_argument("--images", type=int, default=782, help="in an epoch of A3 (default: %(default)s)")
    options = parser.parse_args()
    if options.smoke:
        options.images, options.rounds = 48, 1
    cv2.setNumThreads(1)  # ours and others' threads are the parallelism
    with tempfile.TemporaryDirectory(prefix="fitfeed-") as folder:
        results = run(Path(folder), options)
    settings = {"images": options.images, "batch_size": BATCH_SIZE, "threads": available_cpus()}
    measure.report("augment", results, options, **settings)
    return 0


def run(folder: Path, options: argparse.Namespace) -> list[Result]:
    """Runs all cases.

    Args:
        folder: For source and dataset.
        options: The command line.
    """
    link_sample(folder / "source", options.images)
    convert(folder / "source", folder / "dataset", ConvertOptions(size=(256, 256)))
    dataset = open_dataset(folder / "dataset")
    count = 16 if options.smoke else BATCH_SIZE
    images = np.stack(
        [cv2.resize(dataset.records("train")[i]["image"], (SIDE, SIDE)) for i in range(count)]
    ).astype(np.uint8)
    batch_size = min(BATCH_SIZE, options.images // 3)
    rounds, cpus, others = options.rounds, available_cpus(), augment_peers.installed()
    return [
        *race("A1 six operations", in_threads(images, others, cpus), rounds=rounds, floor="fitfeed"),
        *race("A1 in processes", in_processes(images, others, cpus), rounds=rounds, floor="fitfeed"),
        *further_operations(images, rounds=rounds),
        *race("A3 standard recipe", recipes(dataset, batch_size), rounds=rounds),
    ]


def makers(images: Pixels, others: Peers, threads: int) -> Mapping[str, Callable[[], Epoch]]:
    """A1: what makes the same six operations by everybody; we are what others are divided by."""
    return {"fitfeed": partial(threaded, SIX, images, threads)} | {
        name: partial(augment_peers.mapped, make, images, threads) for name, make in others.items()
    }


def in_threads(images: Pixels, others: Peers, threads: int) -> dict[str, Epoch]:
    """All images by threads of this process; by TensorFlow's, the Keras layers."""
    contestants = {name: make() for name, make in makers(images, others, threads).items()}
    return contestants | {"Keras layers in tf.data": augment_peers.keras_layers(images)}


def in_processes(images: Pixels, others: Peers, count: int) -> dict[str, Epoch]:
    """All images by each process in one thread, so that nobody waits for the interpreter lock."""
    return {name: everywhere(make, count) for name, make in makers(images, others, 1).items()}


def threaded(augment: list[Augmentation], images: Pixels, threads: int) -> Epoch:
    """A batch of ours: sampled at once, executed in threads."""
    render = rendering(augment, images)
    pool = ThreadPoolExecutor(threads)
    blocks = np.array_split(np.arange(len(images)), threads * 4)

    def epoch() -> int:
        compiled, one = render()
        list(pool.map(lambda block: [one(compiled, i) for i in block.tolist()], blocks))
        return len(images)

    return epoch


def rendering(augment: list[Augmentation], images: Pixels) -> Callable[[], tuple[Any, Callable[..., Any]]]:
    """A function that samples the next epoch of a batch, and one that executes it on image i."""
    program = Program(augment, image_size=(SIDE, SIDE), seed=0)
    out = np.empty_like(images)
    sides = np.full(len(images), SIDE)
    epochs = iter(range(1 << 60))

    def one(compiled: Any, i: int) -> None:
        program.render(images[i], compiled, i, size=(SIDE, SIDE), out=out[i])

    return lambda: (program.compile(next(epochs), np.arange(len(images)), heights=sides, widths=sides), one)


def further_operations(images: Pixels, *, rounds: int) -> list[Result]:
    """A2: CPU time of one image with one operation more, in one thread."""

    def microseconds(augment: list[Augmentation]) -> float:
        render = rendering(augment, images)
        started = time.process_time()
        for _ in range(max(1, 512 // len(images))):
            compiled, one = render()
            for i in range(len(images)):
                one(compiled, i)
        return (time.process_time() - started) * 1e6 / max(512, len(images))

    lists = {"six operations": SIX, **FURTHER}
    timed = {name: partial(microseconds, ops) for name, ops in lists.items()}
    values = measure.alternate(timed, rounds=2 * rounds)
    return measure.compared("A2 further operations", values, unit="CPU-us/image", floor="six operations")


def recipes(dataset: Any, batch_size: int) -> dict[str, Epoch]:
    """A3: whole pipelines against the floor F1, measured as it is there."""
    pipelines = {
        name + suffix: make_pipeline(
            dataset,
            "train",
            batch_size=batch_size,
            image_size=(SIDE, SIDE),
            augment=augment,
            processes=processes,
        )
        for name, augment in RECIPES.items()
        for suffix, processes in (("", measure.WORKERS), (", threads", 0))
    }
    return {"floor": decoding(dataset)} | {name: peers.epochs_of(p, EPOCHS) for name, p in pipelines.items()}


if __name__ == "__main__":
    sys.exit(main())
