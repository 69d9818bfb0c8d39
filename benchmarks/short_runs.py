"""Measures short trainings: whether the default number of worker processes is ever slower than it need be.

Some images are read for some epochs, with an eighth as many for validation after each, as `fit` does. The default, threads
alone (`processes=0`) and workers from the first batch take turns, each in a process of its own, which is timed from its first batch to
the end of each epoch, without what TensorFlow takes to load. A pipeline does not know how many epochs follow, so a run of two
epochs is the beginning of one of five. CPU time is that of the process, its workers and what they are forked from.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import measure
from benchmarks.material import link_sample
from benchmarks.measure import ROOT, Result
from fitfeed.beam_jobs import convert
from fitfeed.converters.options import ConvertOptions
from fitfeed.schemas.cpus import available_cpus

IMAGES = (100, 300, 1000, 3000, 10_000)

EPOCHS = 5

MAX_RATIO = 1.1
"""The default may take a tenth longer than the better of the two."""

DEFAULT, THREADS, WORKERS = "default", "threads", "workers"

PROGRAM = """
import json, os, sys, time
from benchmarks.processes import tree_cpu_s
from fitfeed import CenterCrop, RandomFlip, RandomResizedCrop, make_pipeline
dataset, epochs, processes = json.loads(sys.argv[1])
options = {"batch_size": 32, "image_size": (96, 96), "processes": processes}
train = make_pipeline(dataset, "train", augment=[RandomResizedCrop(), RandomFlip("horizontal")], **options)
val = make_pipeline(dataset, "validation", augment=[CenterCrop()], **options)
times, used, began = [], tree_cpu_s(os.getpid()), time.perf_counter()
for _ in range(epochs):
    for pipeline in (train, val):
        for _ in pipeline:
            pass
    times.append([time.perf_counter() - began, tree_cpu_s(os.getpid()) - used])
print(json.dumps(times))
"""

Times = list[list[float]]
"""For each epoch, the seconds from the first batch to its end, and the CPU seconds."""


def main() -> int:
    """Runs the benchmark; returns the exit status, which says whether the default is good enough."""
    parser = measure.parser(__doc__, rounds=3)
    parser.add_argument("--images", type=int, nargs="+", default=IMAGES, help="for training")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="at most (default: %(default)s)")
    options = parser.parse_args()
    if options.smoke:
        options.images, options.epochs, options.rounds = (40,), 2, 1  # more than a batch
    results = [result for images in options.images for result in run(images, options)]
    ratios = [result for result in results if result.limit is not None]
    measure.report("short_runs", results, options, images=list(options.images), epochs=options.epochs)
    print(f"\ndefault / better of threads and workers, at most {MAX_RATIO}:")
    print(ratio_table(ratios, options.epochs))
    good = all(median(result.values) <= MAX_RATIO for result in ratios)
    return 0 if good or options.smoke else 1


def run(images: int, options: argparse.Namespace) -> list[Result]:
    """Runs all contestants over some images.

    Args:
        images: How many, for training.
        options: The command line.
    """
    with tempfile.TemporaryDirectory(prefix="fitfeed-") as folder:
        dataset = material(Path(folder), images)
        contestants: dict[str, Callable[[], Times]] = {
            name: partial(train, dataset, options.epochs, processes)
            for name, processes in ((DEFAULT, None), (THREADS, 0), (WORKERS, available_cpus()))
        }
        rounds = measure.alternate(contestants, rounds=options.rounds)
    return [
        result
        for epochs in range(1, options.epochs + 1)
        for result in compare(
            f"{images} images, {epochs} epochs",
            {name: [times[epochs - 1] for times in runs] for name, runs in rounds.items()},
        )
    ]


def material(folder: Path, images: int) -> Path:
    """Converts some photographs, and an eighth as many for validation, to 128 pixels."""
    for split, count in (("train", images), ("validation", -(-images // 8))):
        link_sample(folder / "photos" / split, count)
    convert(folder / "photos", folder / "dataset", ConvertOptions(size=(128, 128)), allow_leaks=True)
    return folder / "dataset"


def train(dataset: Path, epochs: int, processes: int | None) -> Times:
    """Reads all images for some epochs in a process of its own."""
    arguments = json.dumps([str(dataset), epochs, processes])
    command = [sys.executable, "-c", PROGRAM, arguments]
    # Installed packages have their bytecode. Without that of fitfeed, each process takes 0.2 s longer to start.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    result = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    times: Times = json.loads(result.stdout)
    return times


def compare(case: str, runs: dict[str, Times]) -> list[Result]:
    """The results of some number of images and epochs.

    Args:
        case: Its name.
        runs: Contestant to seconds and CPU seconds of each round.
    """
    results, ratios = [], []
    for place, unit in enumerate(("s", "CPU-s")):
        values = {name: [times[place] for times in rounds] for name, rounds in runs.items()}
        results += [
            Result(case=case, contestant=name, unit=unit, values=rounds) for name, rounds in values.items()
        ]
        middle = {name: median(rounds) for name, rounds in values.items()}
        ratios.append(middle[DEFAULT] / min(middle[THREADS], middle[WORKERS]))
    clock, cpu = ratios
    return [
        *results,
        Result(case=case, contestant="default / better", unit="x", values=[clock], limit=MAX_RATIO),
        Result(case=case, contestant="default / better, CPU time", unit="x", values=[cpu]),
    ]


def ratio_table(ratios: list[Result], epochs: int) -> str:
    """A line for each number of images, a column for each number of epochs."""
    lines = ["images \\ epochs" + "".join(f"{epoch:8}" for epoch in range(1, epochs + 1))]
    for first in range(0, len(ratios), epochs):
        row = ratios[first : first + epochs]
        images = row[0].case.split()[0]
        lines.append(f"{images:>15}" + "".join(f"{result.values[0]:8.2f}" for result in row))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
