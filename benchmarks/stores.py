"""Measures what it costs to train from an object store, against a local disk.

The store is on this machine, so what is measured is the client's own cost: requests, checksums, copies. Batches are
those of F1 (`benchmarks/feed.py`): 224 x 224, float32, of JPEG of 256 pixels, made by threads. Each figure is of a
process of its own: CPU milliseconds an image, of the second epoch; images per second, with the server on one CPU and the client
on another one, against a local disk and the same one CPU; and the most memory that was resident (VmHWM).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import measure
from benchmarks.material import link_sample
from benchmarks.measure import Result, compared
from benchmarks.processes import resident_mib
from benchmarks.store_server import BUCKET, serving
from fitfeed.beam_jobs import convert
from fitfeed.converters.options import ConvertOptions
from fitfeed.pipelines import RandomFlip, RandomResizedCrop, open_dataset
from fitfeed.pipelines.feed.batch_maker import BatchMaker
from fitfeed.pipelines.options import PipelineOptions
from tests.pipelines.option_defaults import DEFAULTS

SIDE = 224
STORE = f"gs://{BUCKET}"

CPU_GOAL, CACHED_GOAL = 1.25, 1.05
"""What CPU time of training from a store may cost, divided by that of a local disk."""


def main() -> int:
    """Runs the benchmark; returns the exit status."""
    parser = measure.parser(__doc__, rounds=3)
    parser.add_argument("--images", type=int, default=2000, help="of an epoch (default: %(default)s)")
    parser.add_argument("--batch-size", type=int, default=128, help="(default: %(default)s)")
    parser.add_argument(
        "--latencies", type=int, nargs="+", default=[0, 20, 40], help="of an answer, in ms (default: 0 20 40)"
    )
    parser.add_argument("--task", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        print(json.dumps(train(**json.loads(options.task))))
        return 0
    if options.smoke:
        options.images, options.rounds, options.batch_size, options.latencies = 64, 1, 16, [0]
    with tempfile.TemporaryDirectory(prefix="fitfeed-") as folder:
        results = run(Path(folder), options)
    settings = {name: getattr(options, name) for name in ("images", "batch_size", "latencies")}
    measure.report("stores", results, options, **settings)
    return 0


def run(folder: Path, options: argparse.Namespace) -> list[Result]:
    """Runs all cases.

    Args:
        folder: For the source, the dataset and the caches.
        options: The command line.
    """
    link_sample(folder / "source", options.images)
    dataset = folder / "dataset"
    convert(folder / "source", dataset, ConvertOptions(size=(256, 256)))
    results = []
    for latency in options.latencies:
        with serving(dataset, latency_ms=latency) as environment:
            outcomes = [race(folder, dataset, environment, options) for _ in range(options.rounds)]
        results += cpu_results(f"CPU, {latency} ms", outcomes)
        results += [
            Result(
                case=f"memory, {latency} ms",
                contestant=name,
                unit="MiB",
                values=[each[name]["mib"] for each in outcomes],
            )
            for name in outcomes[0]
        ]
        results += clock(folder, dataset, latency, options)
    return results


def race(
    folder: Path, dataset: Path, environment: dict[str, str], options: argparse.Namespace
) -> dict[str, dict[str, float]]:
    """Trains in each way once; returns what each cost."""
    tasks: dict[str, dict[str, Any]] = {
        "local": {"address": str(dataset)},
        "local, stream": {"address": str(dataset), "access": "stream"},
        "store": {"address": STORE},
        "store, stream": {"address": STORE, "access": "stream"},
        "store, cached": {"address": STORE, "cache": str(folder / "cache")},
    }
    return {name: in_process(task, environment, options) for name, task in tasks.items()}


def cpu_results(case: str, outcomes: list[dict[str, dict[str, float]]]) -> list[Result]:
    """CPU milliseconds an image, each against a local disk with the same access."""
    floors = {"store": "local", "store, cached": "local", "store, stream": "local, stream"}
    results = []
    for name, floor in floors.items():
        values = {each: [outcome[each]["cpu_ms"] for outcome in outcomes] for each in (floor, name)}
        results += compared(f"{case}: {name}", values, unit="ms/image", floor=floor)
    return results


def clock(folder: Path, dataset: Path, latency: int, options: argparse.Namespace) -> list[Result]:
    """Images per second of a client on one CPU, with the server on another one."""
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2:
        return []
    values: dict[str, list[float]] = {"local": [], "store": []}
    with serving(dataset, latency_ms=latency, cpu=cpus[1]) as environment:
        for _ in range(options.rounds):
            for name, address in (("local", str(dataset)), ("store", STORE)):
                done = in_process({"address": address, "cpu": cpus[0]}, environment, options)
                values[name].append(done["images_per_s"])
    return compared(f"clock, one CPU, {latency} ms", values, unit="images/s", floor="local")


def in_process(
    task: dict[str, Any], environment: dict[str, str], options: argparse.Namespace
) -> dict[str, float]:
    """Runs `train` in a process of its own."""
    given = {**task, "batch_size": options.batch_size}
    command = [sys.executable, __file__, "--task", json.dumps(given)]
    done = subprocess.run(command, env={**os.environ, **environment}, stdout=subprocess.PIPE, check=True)
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def train(
    *,
    address: str,
    batch_size: int,
    access: str = "indexed",
    cache: str | None = None,
    cpu: int | None = None,
) -> dict[str, float]:
    """Makes the batches of two epochs, and measures the second one.

    Args:
        address: Of the dataset.
        batch_size: Images in a batch.
        access: As for `make_pipeline`.
        cache: As for `make_pipeline`.
        cpu: The only CPU that this process may use. None: any.
    """
    if cpu is not None:
        os.sched_setaffinity(0, {cpu})
    maker = BatchMaker(open_dataset(address, cache=cache), "train", _options(batch_size, access))
    for step in range(len(maker.steps)):
        maker.make(0, step)
    began, cpu_began = time.perf_counter(), time.process_time()
    images = sum(len(maker.make(1, step)["image"]) for step in range(len(maker.steps)))
    seconds, cpu_s = time.perf_counter() - began, time.process_time() - cpu_began
    return {
        "cpu_ms": 1000 * cpu_s / images,
        "images_per_s": images / seconds,
        "mib": resident_mib("VmHWM", os.getpid()),
    }


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
