"""Measures what each stage of feeding costs, and how speed follows from batch size and image size.

T1: CPU time of one thread per image, stage by stage, for JPEG of 256 pixels and for photographs as
they were: read (and check), decode (the rows that a random crop shows), augment (crop, resize, flip),
normalise (to float32, into the batch), and the parameters, drawn and compiled for a batch at once.
`loader` is all of them as they run together; `tf.data` what a batch costs TensorFlow on top.
T2: images per second of the whole pipeline by batch size. T3: by output size, from photographs as
they were, beside the floor of that size.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2
import numpy as np

from benchmarks import floors, measure, peers
from benchmarks.feed import EPOCHS, SIDE, payloads, pipeline, race
from benchmarks.material import link_sample
from benchmarks.measure import Result
from fitfeed.beam_jobs import convert
from fitfeed.converters.options import ConvertOptions
from fitfeed.pipelines import Dataset, RandomFlip, RandomResizedCrop, make_pipeline, open_dataset
from fitfeed.pipelines.arrays.buffer_pool import ThreadScratch
from fitfeed.pipelines.augment.compiler.program import Program
from fitfeed.pipelines.batches.decode_window import decode_window_of
from fitfeed.pipelines.batches.image_loader import ImageLoader
from fitfeed.pipelines.batches.normalize import Normalizer
from fitfeed.pipelines.batches.writer_threads import WriterThreads
from fitfeed.pipelines.order.batch_request import BatchRequest
from fitfeed.schemas.cpus import available_cpus

AUGMENT = [RandomResizedCrop(), RandomFlip("horizontal")]

BATCH = 128

BATCH_SIZES = (8, 32, 128, 512)

SIDES = (64, 128, 224, 384)

CONVERSIONS = {"jpeg 256": ConvertOptions(size=(256, 256)), "keep": ConvertOptions()}


def main() -> int:
    """Runs the benchmark; returns the exit status."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # else a machine without a GPU prints an error
    parser = measure.parser(__doc__, rounds=5)
    parser.add_argument("--images", type=int, default=1564, help="in an epoch (default: %(default)s)")
    options = parser.parse_args()
    if options.smoke:
        options.images, options.rounds = 64, 1
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory(prefix="fitfeed-") as folder:
        results = run(Path(folder), options)
    measure.report("stages", results, options, images=options.images, threads=available_cpus())
    return 0


def run(folder: Path, options: argparse.Namespace) -> list[Result]:
    """Runs all cases.

    Args:
        folder: For source and datasets.
        options: The command line.
    """
    link_sample(folder / "source", options.images)
    datasets: dict[str, Dataset] = {}
    for name, conversion in CONVERSIONS.items():
        convert(folder / "source", folder / name, conversion)
        datasets[name] = open_dataset(folder / name)
    results = [
        result
        for name, dataset in datasets.items()
        for result in stages(f"T1 {name}", dataset, rounds=options.rounds)
    ]
    results += by_batch_size(datasets["jpeg 256"], options)
    return results + by_side(datasets["keep"], options)


def stages(case: str, dataset: Dataset, *, rounds: int) -> list[Result]:
    """T1: microseconds of CPU time per image."""
    records = dataset.records("train")
    count = min(BATCH, len(records))
    examples, index = np.arange(count), records.index
    program = Program(AUGMENT, image_size=(SIDE, SIDE), seed=0)
    sizes = {"heights": index.height[examples], "widths": index.width[examples]}
    compiled = program.compile(0, examples, **sizes)
    windows = [decode_window_of(passes) for passes in compiled.passes]
    stored = [records.pixels(i, windows[i]) for i in range(count)]
    encoded = [records.encoded(i) for i in range(count)]
    image, scratch = np.empty((SIDE, SIDE, 3), np.uint8), ThreadScratch()
    memory, batch = np.empty(1 << 24, np.uint8), np.empty((count, SIDE, SIDE, 3), np.float32)
    normalizer = Normalizer("zscore", dataset.statistics, dtype=np.float32)
    loader = ImageLoader(
        records, program, normalizer, batch_size=count, dtype=np.float32, threads=WriterThreads(1)
    )
    request = BatchRequest(0, 0, examples, examples)

    def each(do: Callable[[int], Any]) -> None:
        for i in range(count):
            do(i)

    parts: dict[str, Callable[[], Any]] = {
        "compile": lambda: program.compile(0, examples, **sizes).passes,
        "read": lambda: each(lambda i: records.read_into(i, memory[: len(encoded[i])].data)),
        "decode": lambda: each(lambda i: records.pixels(i, windows[i], payload=encoded[i], scratch=scratch)),
        "augment": lambda: each(
            lambda i: program.render(stored[i], compiled, i, size=(SIDE, SIDE), out=image)
        ),
        "normalise": lambda: each(lambda i: normalizer(image, batch[i])),
        "loader": lambda: loader.load(request, program.compile(0, examples, **sizes)),
    }
    for part in parts.values():
        part()  # compiles, maps memory and reads files into the page cache
    timed = {name: partial(_cpu_us, part, count) for name, part in parts.items()}
    timed["tf.data"] = partial(_tensorflow_us, dataset, count)
    values = measure.alternate(timed, rounds=2 * rounds)
    return [
        Result(case=case, contestant=name, unit="CPU-us/image", values=list(rounds_))
        for name, rounds_ in values.items()
    ]


def _cpu_us(part: Callable[[], Any], count: int, *, repeats: int = 4) -> float:
    started = time.process_time()
    for _ in range(repeats):
        part()
    return (time.process_time() - started) * 1e6 / count / repeats


def _tensorflow_us(dataset: Dataset, count: int) -> float:
    """What a batch costs when loading it costs nothing: one that is loaded already."""
    batches = make_pipeline(
        dataset, "train", batch_size=count, image_size=(SIDE, SIDE), shuffle=False, processes=0
    )
    once = next(iter(batches))
    import tensorflow as tf

    plain = tf.autograph.experimental.do_not_convert
    again = tf.data.Dataset.range(32).map(
        plain(lambda _: tf.py_function(lambda: once, [], [part.dtype for part in once])),
        num_parallel_calls=2,
    )
    started = time.process_time()
    steps = sum(1 for _ in again.prefetch(1))
    return (time.process_time() - started) * 1e6 / count / steps


def by_batch_size(dataset: Dataset, options: argparse.Namespace) -> list[Result]:
    """T2: the pipeline of F1 with other batch sizes; the usual one is what others are divided by."""
    most = len(dataset.records("train"))
    sizes = [size for size in BATCH_SIZES if size <= most]
    contestants = {f"batch of {size}": peers.epochs_of(pipeline(dataset, size), EPOCHS) for size in sizes}
    usual = f"batch of {BATCH}" if BATCH in sizes else f"batch of {sizes[0]}"
    return race("T2 batch size", contestants, rounds=options.rounds, floor=usual)


def by_side(dataset: Dataset, options: argparse.Namespace) -> list[Result]:
    """T3: other output sizes, each beside its own floor."""
    batch_size = min(64, len(dataset.records("train")) // 2)
    data = payloads(dataset)
    results = []
    for side in SIDES:
        batches = make_pipeline(
            dataset,
            "train",
            batch_size=batch_size,
            image_size=(side, side),
            augment=AUGMENT,
            processes=measure.WORKERS,
        )
        contestants = {
            "fitfeed": peers.epochs_of(batches, 2),
            "floor": floors.Decoding(data, side, threads=available_cpus()).epoch,
        }
        results += race(f"T3 output {side}", contestants, rounds=options.rounds)
    return results


if __name__ == "__main__":
    sys.exit(main())
