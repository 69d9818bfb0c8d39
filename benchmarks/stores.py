"""Measures what it costs to convert from and to an object store, and to train from one, against a local disk.

The store is on this machine, so what is measured is the client's own cost: requests, checksums, copies. The server has one
CPU, and the client another one; a local disk is measured on that one, too. Each run is a process of its own, which
first does the same with little, so that nothing is measured of how it starts. Runs alternate.

Conversion makes JPEG of 256 pixels of the sample photographs, and publishes them. Batches are those of F1
(`benchmarks/feed.py`): 224 x 224, float32, of that dataset, made by threads; of four epochs the last three are measured. An
epoch ahead is read meanwhile, so in one epoch more or less may be read than is used.

Of each run there are CPU milliseconds an image, images per second, and the most memory that was resident (VmHWM).
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import measure
from benchmarks.material import link_sample
from benchmarks.measure import Result, alternate, compared
from benchmarks.processes import resident_mib
from benchmarks.store_server import BUCKET, serving
from fitfeed.beam_jobs import convert
from fitfeed.converters.options import ConvertOptions
from fitfeed.pipelines import RandomFlip, RandomResizedCrop, open_dataset
from fitfeed.pipelines.feed.batch_maker import BatchMaker
from fitfeed.pipelines.options import PipelineOptions
from tests.pipelines.option_defaults import DEFAULTS
from tests.without_beam import without_beam

SIDE = 224
STORE = f"gs://{BUCKET}"
SOURCE, FEW, DATASET = "source", "few", "dataset"
"""What is in the folder, and in the store: photographs, some of them, and the dataset that training reads."""

OPTIONS = ConvertOptions(size=(256, 256))
MAX_FEW = 64
MEASURED_EPOCHS = 3

FLOORS = {
    "convert on a disk": ("convert from a store", "convert to a store", "convert in a store"),
    "train on a disk, indexed": ("train, indexed", "train, cached"),
    "train on a disk, stream": ("train, stream",),
}
"""What is done on a local disk, and the same with a store."""

CPU_GOAL, CACHED_GOAL, CLOCK_GOAL = 1.25, 1.05, 0.8
"""What CPU time may be at most, and images per second at least, divided by those of a local disk."""

Outcome = dict[str, float]


def main() -> int:
    """Runs the benchmark; returns the exit status."""
    parser = measure.parser(__doc__, rounds=3)
    parser.add_argument(
        "--images", type=int, default=1000, help="of an epoch and a conversion (default: %(default)s)"
    )
    parser.add_argument("--batch-size", type=int, default=128, help="(default: %(default)s)")
    parser.add_argument(
        "--latencies", type=int, nargs="+", default=[0, 20, 40], help="of an answer, in ms (default: 0 20 40)"
    )
    parser.add_argument("--task", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        name, arguments = json.loads(options.task)
        print(json.dumps(TASKS[name](**arguments)))
        return 0
    if options.smoke:
        options.images, options.rounds, options.batch_size, options.latencies = 64, 1, 16, [0]
    with tempfile.TemporaryDirectory(prefix="fitfeed-") as folder:
        results = run(Path(folder), options)
    settings = {name: getattr(options, name) for name in ("images", "batch_size", "latencies")}
    measure.report("stores", results, options, **settings)
    print("\n".join(missed_goals(results)) or "all goals are reached")
    return 0


def run(folder: Path, options: argparse.Namespace) -> list[Result]:
    """Runs all cases.

    Args:
        folder: For the sources, the datasets and the caches.
        options: The command line.
    """
    stored = folder / "stored"
    link_sample(stored / SOURCE, options.images)
    link_sample(stored / FEW, min(options.images, MAX_FEW))
    convert(stored / SOURCE, stored / DATASET, OPTIONS)
    cpus = sorted(os.sched_getaffinity(0))
    ours, servers = (cpus[0], cpus[1]) if len(cpus) > 1 else (None, None)
    results = []
    for latency in options.latencies:
        with serving(stored, latency_ms=latency, cpu=servers) as environment:
            runs = {
                name: partial(in_process, task, arguments, ours, environment)
                for name, (task, arguments) in ways(folder, options.batch_size).items()
            }
            results += figures(f"{latency} ms", alternate(runs, rounds=options.rounds))
    return results


def ways(folder: Path, batch_size: int) -> dict[str, tuple[str, Callable[[], dict[str, Any]]]]:
    """All that is measured: name to the task and what makes its arguments, anew for each run."""
    disk, store = str(folder / "stored"), STORE

    def conversion(source: str, target: str) -> tuple[str, Callable[[], dict[str, Any]]]:
        return "convert", lambda: {"source": source, "target": f"{target}/made-{uuid.uuid4().hex}"}

    def training(
        place: str, access: str, cache: str | None = None
    ) -> tuple[str, Callable[[], dict[str, Any]]]:
        given = {"batch_size": batch_size, "access": access, "cache": cache}
        return "train", lambda: {"address": f"{place}/{DATASET}", **given}

    return {
        "convert on a disk": conversion(disk, str(folder)),
        "convert from a store": conversion(store, str(folder)),
        "convert to a store": conversion(disk, store),
        "convert in a store": conversion(store, store),
        "train on a disk, indexed": training(disk, "indexed"),
        "train, indexed": training(store, "indexed"),
        "train, cached": training(store, "indexed", str(folder / "cache")),
        "train on a disk, stream": training(disk, "stream"),
        "train, stream": training(store, "stream"),
    }


def figures(case: str, outcomes: Mapping[str, Sequence[Outcome]]) -> list[Result]:
    """All figures of a latency, each by that of a local disk in the same round."""
    results = []
    for measured, unit in (("cpu_ms", "ms/image"), ("images_per_s", "images/s"), ("mib", "MiB")):
        for floor, others in FLOORS.items():
            values = {each: [outcome[measured] for outcome in outcomes[each]] for each in (floor, *others)}
            results += compared(case, values, unit=unit, floor=floor)
    return results


def missed_goals(results: Sequence[Result]) -> list[str]:
    """The figures that miss their goal, a line each."""
    missed = []
    for result in results:
        if result.ratio is None:
            continue
        ratio, what = result.ratio.median, f"missed: {result.case}, {result.contestant}, {result.unit}"
        most = CACHED_GOAL if "cached" in result.contestant else CPU_GOAL
        if result.unit == "ms/image" and ratio > most:
            missed.append(f"{what}: {ratio:.2f}, the goal is at most {most:g}")
        elif result.unit == "images/s" and ratio < CLOCK_GOAL:
            missed.append(f"{what}: {ratio:.2f}, the goal is at least {CLOCK_GOAL:g}")
    return missed


def in_process(
    task: str, arguments: Callable[[], dict[str, Any]], cpu: int | None, environment: Mapping[str, str]
) -> Outcome:
    """Does a task in a process of its own, on one CPU."""
    given = json.dumps([task, {**arguments(), "cpu": cpu}])
    command = [sys.executable, __file__, "--task", given]
    done = subprocess.run(command, env={**os.environ, **environment}, stdout=subprocess.PIPE, check=True)
    measured: Outcome = json.loads(done.stdout)
    return measured


def convert_images(*, source: str, target: str, cpu: int | None) -> Outcome:
    """Converts few images, and then all, in this process: the start of others is not what is measured.

    Args:
        source: Where the photographs are.
        target: Where the datasets are to be: a new folder, or its address.
        cpu: The only CPU that this process may use. None: any.
    """
    _use(cpu)
    with without_beam():
        convert(f"{source}/{FEW}", f"{target}/{FEW}", OPTIONS)
        clock = _Clock()
        manifest = convert(f"{source}/{SOURCE}", f"{target}/{DATASET}", OPTIONS).manifest
    return clock.outcome(sum(split.examples for split in manifest.splits.values()))


def train(*, address: str, batch_size: int, access: str, cache: str | None, cpu: int | None) -> Outcome:
    """Makes the batches of one epoch, and then those of others, which are measured.

    Args:
        address: Of the dataset.
        batch_size: Images in a batch.
        access: As for `make_pipeline`.
        cache: As for `make_pipeline`.
        cpu: The only CPU that this process may use. None: any.
    """
    _use(cpu)
    maker = BatchMaker(open_dataset(address, cache=cache), "train", _options(batch_size, access))
    for step in range(len(maker.steps)):
        maker.make(0, step)
    clock = _Clock()
    steps = itertools.product(range(1, 1 + MEASURED_EPOCHS), range(len(maker.steps)))
    return clock.outcome(sum(len(maker.make(epoch, step)["image"]) for epoch, step in steps))


TASKS: dict[str, Callable[..., Outcome]] = {"convert": convert_images, "train": train}


class _Clock:
    """Times of this process, with all its threads, from now on."""

    def __init__(self) -> None:
        self._began, self._cpu_began = time.perf_counter(), time.process_time()

    def outcome(self, images: int) -> Outcome:
        """What so many images have taken."""
        seconds, cpu_s = time.perf_counter() - self._began, time.process_time() - self._cpu_began
        return {
            "cpu_ms": 1000 * cpu_s / images,
            "images_per_s": images / seconds,
            "mib": resident_mib("VmHWM", os.getpid()),
        }


def _use(cpu: int | None) -> None:
    if cpu is not None:
        os.sched_setaffinity(0, {cpu})


def _options(batch_size: int, access: str) -> PipelineOptions:
    given: dict[str, Any] = {
        "batch_size": batch_size,
        "image_size": (SIDE, SIDE),
        "augment": [RandomResizedCrop(), RandomFlip("horizontal")],
        "access": access,
        "processes": 0,
    }
    return PipelineOptions.of_split("train", **{**DEFAULTS, **given})


if __name__ == "__main__":
    sys.exit(main())
