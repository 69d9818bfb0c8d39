"""Measures how making batches scales with threads and with processes, and what ends it.

JPEG of 256 pixels, random crop to 224, flip, float32 normalised, batches of 128, without TensorFlow.

P1: as it is, on the CPUs that there are. P2: CPU time of an image in one thread, all of it, and of the
Python code between the calls that decode, resize, flip and normalise: only those let go of the
interpreter lock. P3: simulated CPUs. Threads: those calls are replaced by waiting as long as they took,
so that any number of threads finds a CPU for them, while the Python code is real. Processes: all that a
worker does to an image is replaced by waiting; messages and the main process are real, but the Python
code of many workers would need more CPUs than there are. Waking up from each wait costs a few
microseconds, which real work would not. P4: what follows. Threads cannot pass one image per Python part,
nor can processes pass one per share of the main process: with and without TensorFlow's part in it.
P5: memory and start of a worker.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from benchmarks import measure
from benchmarks.feed import Rate
from benchmarks.material import link_sample
from benchmarks.measure import Result
from benchmarks.processes import anonymous_bytes, children_of, usage_of
from benchmarks.simulated import Waiting, waiting
from fitfeed.beam_jobs import convert
from fitfeed.converters.options import ConvertOptions
from fitfeed.pipelines import Dataset, RandomFlip, RandomResizedCrop, make_pipeline, open_dataset
from fitfeed.pipelines.augment.compiler.program import Program
from fitfeed.pipelines.batches.image_loader import ImageLoader
from fitfeed.pipelines.batches.normalize import Normalizer
from fitfeed.pipelines.batches.renderer import compile_batch
from fitfeed.pipelines.batches.workers.process_pool import RenderPool, batches_at_once
from fitfeed.pipelines.batches.workers.shared_memory import BatchLayout
from fitfeed.pipelines.batches.writer_threads import WriterThreads
from fitfeed.pipelines.feed.batch_maker import BATCHES_AT_ONCE
from fitfeed.pipelines.order.batch_request import BatchRequest
from fitfeed.schemas.cpus import available_cpus

SIDE = 224

AUGMENT = [RandomResizedCrop(), RandomFlip("horizontal")]

REAL = (1, 2)
"""Threads and processes of P1."""

THREADS = (1, 2, 4, 8, 16, 32, 64)
PROCESSES = (4, 16, 64)
"""Of P3. Each process is started anew."""

MIN_SECONDS = 2.0
"""A measurement takes at least so long."""

MIB = 1 << 20

Load = Callable[[int, int], int]
"""Loads the batch of an epoch and step, and returns how many images that were."""


def main() -> int:
    """Runs the benchmark; returns the exit status."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # else a machine without a GPU prints an error
    parser = measure.parser(__doc__, rounds=3)
    parser.add_argument("--images", type=int, default=1536, help="in an epoch (default: %(default)s)")
    parser.add_argument("--batch-size", type=int, default=128, help="default: %(default)s")
    options = parser.parse_args()
    options.threads, options.processes, options.seconds = THREADS, PROCESSES, MIN_SECONDS
    if options.smoke:
        options.images, options.rounds, options.batch_size = 32, 1, 16
        options.threads, options.processes, options.seconds = (2,), (2,), 0.05
    with tempfile.TemporaryDirectory(prefix="fitfeed-") as folder:
        results = run(Path(folder), options)
    measure.report(
        "scaling",
        results,
        options,
        images=options.images,
        batch_size=options.batch_size,
        cpus=available_cpus(),
    )
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
    results = as_it_is(dataset, options)
    whole, locked = parts(dataset, options)
    results += [whole, locked]
    all_s, locked_s = (min(result.values) / 1e6 for result in (whole, locked))
    results += simulated_threads(dataset, all_s - locked_s, options)
    waited, main_us = simulated_processes(all_s, options)
    with_tensorflow = through_make_pipeline(dataset, options)
    return [*results, *waited, *limits(locked.values, main_us, with_tensorflow)]


def batches_of(
    dataset: Dataset, options: argparse.Namespace, *, threads: int | None = None, processes: int = 0
) -> tuple[Load, int]:
    """A function that makes batches of images, and how many there are in an epoch."""
    records, size = dataset.records("train"), options.batch_size
    program = Program(AUGMENT, image_size=(SIDE, SIDE), seed=0)
    normalizer = Normalizer("zscore", dataset.statistics, dtype=np.float32)
    loader = ImageLoader(
        records,
        program,
        normalizer,
        batch_size=size,
        dtype=np.float32,
        threads=WriterThreads(threads),
        processes=processes,
    )

    def load(epoch: int, step: int) -> int:
        rows = np.arange(step * size, (step + 1) * size)
        compiled = compile_batch(program, records, epoch, rows, rows)
        return len(loader.load(BatchRequest(epoch, step, rows, rows), compiled)[0])

    return load, options.images // size


def rate(load: Load, steps: int, *, at_once: int, seconds: float) -> Rate:
    """Loads several batches at once, as `make_pipeline` does; images per second, and of CPU time."""

    def endless() -> Iterator[tuple[int, int]]:
        epoch = 0
        while time.perf_counter() - started < seconds:
            yield from ((epoch, step) for step in range(steps))
            epoch += 1

    started, cpu_started, images = time.perf_counter(), _cpu_s(), 0
    numbers = endless()
    with ThreadPoolExecutor(at_once) as pool:
        running = [pool.submit(load, *number) for _, number in zip(range(at_once), numbers, strict=False)]
        while running:
            images += running.pop(0).result()
            running += [pool.submit(load, *number) for _, number in zip(range(1), numbers, strict=False)]
    return Rate(images / (time.perf_counter() - started), images / (_cpu_s() - cpu_started))


def _cpu_s() -> float:
    """CPU time of this process and of its workers."""
    return time.process_time() + _workers_cpu_s()


def _workers_cpu_s() -> float:
    used = [usage_of(child) for child in children_of(os.getpid())]
    return sum(usage.cpu_s for usage in used if usage is not None)


def as_it_is(dataset: Dataset, options: argparse.Namespace) -> list[Result]:
    """P1, and P5, since the workers are there."""
    kinds = {f"threads: {count}": {"threads": count} for count in REAL}
    kinds |= {f"processes: {count}": {"processes": count} for count in REAL}
    timed: dict[str, Callable[[], Rate]] = {}
    starts, others = [], children_of(os.getpid())  # of the conversion
    for name, kind in kinds.items():
        load, steps = batches_of(dataset, options, **kind)
        started = time.perf_counter()
        load(0, 0)
        if "processes" in kind:
            starts.append(time.perf_counter() - started)
        timed[name] = partial(rate, load, steps, at_once=BATCHES_AT_ONCE, seconds=options.seconds)
    rates = measure.alternate(timed, rounds=options.rounds)
    own = [anonymous_bytes(child) / MIB for child in children_of(os.getpid()) if child not in others]
    wall = {name: [one.wall for one in values] for name, values in rates.items()}
    cpu = {name: [one.cpu for one in values] for name, values in rates.items()}
    floor = "threads: 1"
    return [
        *measure.compared("P1 as it is", wall, unit="images/s", floor=floor),
        *measure.compared("P1 as it is", cpu, unit="images/CPU-s", floor=floor),
        Result(case="P5 workers", contestant="memory of its own", unit="MiB", values=own),
        Result(case="P5 workers", contestant="start and first batch", unit="s", values=starts),
    ]


def parts(dataset: Dataset, options: argparse.Namespace) -> tuple[Result, Result]:
    """P2: CPU microseconds of an image: all of them, and those under the lock."""
    load, steps = batches_of(dataset, options, threads=1)

    def one(*, real: bool) -> float:
        started, cpu_started, images, epoch = time.perf_counter(), time.process_time(), 0, 0
        while time.perf_counter() - started < options.seconds:
            images += sum(load(epoch, step) for step in range(steps))
            epoch += 1
        return (time.process_time() - cpu_started) * 1e6 / images if real else 0.0

    def without_calls() -> float:
        with waiting(0):
            return one(real=True)

    one(real=False)
    contestants: dict[str, Callable[[], float]] = {
        "all": partial(one, real=True),
        "Python code": without_calls,
    }
    values = measure.alternate(contestants, rounds=options.rounds)
    whole, locked = (
        Result(case="P2 one thread", contestant=name, unit="CPU-us/image", values=numbers)
        for name, numbers in values.items()
    )
    return whole, locked


def simulated_threads(dataset: Dataset, wait_s: float, options: argparse.Namespace) -> list[Result]:
    """P3: threads."""
    timed = {}
    for count in options.threads:
        load, steps = batches_of(dataset, options, threads=count)
        timed[f"threads: {count}"] = partial(
            rate, load, steps, at_once=BATCHES_AT_ONCE, seconds=options.seconds
        )
    with waiting(wait_s):
        rates = measure.alternate(timed, rounds=options.rounds)
    return [
        Result(
            case="P3 simulated CPUs", contestant=name, unit="images/s", values=[one.wall for one in values]
        )
        for name, values in rates.items()
    ]


def simulated_processes(wait_s: float, options: argparse.Namespace) -> tuple[list[Result], list[float]]:
    """P3: processes; and the CPU microseconds that an image costs the main process."""
    layout = BatchLayout((options.batch_size, SIDE, SIDE, 3), np.dtype(np.float32))
    examples = np.arange(options.batch_size)
    results, main_us = [], []
    for count in options.processes:
        processes = RenderPool(Waiting(wait_s), layout, count=count)

        def load(epoch: int, _step: int, processes: RenderPool = processes) -> int:
            return len(processes.render(epoch, examples, examples)[0])

        at_once = batches_at_once(count, options.batch_size)
        rate(load, 1, at_once=at_once, seconds=0.1)  # all are started, most are awake
        _until_idle()
        values = []
        for _ in range(options.rounds):
            started, cpu_started = time.perf_counter(), time.process_time()
            values.append(rate(load, 1, at_once=at_once, seconds=options.seconds).wall)
            images = values[-1] * (time.perf_counter() - started)
            main_us.append((time.process_time() - cpu_started) * 1e6 / images)
        results.append(
            Result(case="P3 simulated CPUs", contestant=f"processes: {count}", unit="images/s", values=values)
        )
    return results, main_us


def _until_idle() -> None:
    """Waits until all workers have imported what they need."""
    before = -1.0
    while (now := _workers_cpu_s()) != before:
        before = now
        time.sleep(0.2)


def through_make_pipeline(dataset: Dataset, options: argparse.Namespace) -> list[float]:
    """CPU microseconds that an image costs the main process, with all that TensorFlow does."""
    batches = make_pipeline(
        dataset,
        "train",
        batch_size=options.batch_size,
        image_size=(SIDE, SIDE),
        augment=AUGMENT,
        processes=available_cpus(),
    )
    iterator = iter(batches.repeat())
    next(iterator)
    values = []
    for _ in range(options.rounds):
        started, cpu_started, images = time.perf_counter(), time.process_time(), 0
        while time.perf_counter() - started < options.seconds:
            next(iterator)
            images += options.batch_size
        values.append((time.process_time() - cpu_started) * 1e6 / images)
    return values


def limits(locked_us: list[float], main_us: list[float], with_tensorflow_us: list[float]) -> list[Result]:
    """P4."""
    figures = {
        "threads, by the Python code": locked_us,
        "processes, by the main process": main_us,
        "processes, by the main process with TensorFlow": with_tensorflow_us,
    }
    return [
        result
        for name, values in figures.items()
        for result in (
            Result(case="P4 derived limit", contestant=name, unit="CPU-us/image", values=values),
            Result(
                case="P4 derived limit", contestant=name, unit="images/s", values=[1e6 / us for us in values]
            ),
        )
    ]


if __name__ == "__main__":
    sys.exit(main())
