"""Measures what must not grow with the size of a dataset, or not faster than it.

S1: conversion of many tiny images against few: time per image and peak memory of all processes
together. S2: split, order and shard of ten million paths. S3: opening a dataset of 1,000 shards and a
million examples, and its first batch. S4: resident memory while feeding for twenty epochs.

S1's time per image leaves out what a conversion of a hundred images takes. Memory is proportional
(PSS): what processes share is counted once.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import measure
from benchmarks.material import Converting, link_sample
from benchmarks.measure import ROOT, Result
from benchmarks.processes import TreeWatch
from benchmarks.scale_material import repeat_dataset, write_tiny_images
from fitfeed.beam_jobs import convert
from fitfeed.converters.options import ConvertOptions

MIB = 1 << 20

TIME_LIMIT = 1.15
MEMORY_LIMIT = 1.2
PLAN_LIMIT_S, PLAN_LIMIT_MIB = 60.0, 2048.0
OPEN_LIMIT_S, BATCH_LIMIT_S = 0.3, 1.0
FLAT_LIMIT = 1.02
"""Memory after any later epoch, of that after the second."""

HUNDRED = 100
LEAST_US = 1.0
"""Per image. Of few images, as in a smoke test, the start of the process takes longer now and then."""


def main() -> int:
    """Runs the benchmark; returns the exit status."""
    parser = measure.parser(__doc__, rounds=3)
    parser.add_argument("--few", type=int, default=10_000, help="tiny images (default: %(default)s)")
    parser.add_argument("--many", type=int, default=200_000, help="tiny images (default: %(default)s)")
    parser.add_argument("--paths", type=int, default=10_000_000, help="to plan (default: %(default)s)")
    parser.add_argument("--shards", type=int, default=1000, help="to open (default: %(default)s)")
    parser.add_argument(
        "--shard-images", type=int, default=1000, help="in each of them (default: %(default)s)"
    )
    parser.add_argument("--images", type=int, default=521, help="to feed (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=20, help="to feed (default: %(default)s)")
    parser.add_argument("--only", nargs="+", choices=list(CASES), help="only these")
    options = parser.parse_args()
    if options.smoke:
        options.rounds, options.few, options.many, options.paths = 1, 20, 40, 1000
        options.shards, options.shard_images, options.images, options.epochs = 3, 130, 40, 3
    results = []
    for case in options.only or CASES:
        with tempfile.TemporaryDirectory(prefix="fitfeed-") as folder:
            results += CASES[case](Path(folder), options)
    names = ("few", "many", "paths", "shards", "shard_images", "images", "epochs")
    measure.report("scale", results, options, **{name: getattr(options, name) for name in names})
    return 0


def convert_many(folder: Path, options: argparse.Namespace) -> list[Result]:
    """S1."""
    least = min(HUNDRED, options.few // 2)
    counts = (least, options.few, options.many)
    for count in counts:
        write_tiny_images(folder / str(count), count)
    contestants: dict[str, Callable[[], tuple[float, float]]] = {
        str(count): partial(_convert, folder / str(count), folder / "dataset") for count in counts
    }
    started, few, many = measure.alternate(contestants, rounds=options.rounds).values()
    us_few, us_many = (
        [
            max((seconds - start) / count * 1e6, LEAST_US)
            for (seconds, _), (start, _) in zip(runs, started, strict=True)
        ]
        for count, runs in ((options.few, few), (options.many, many))
    )
    peaks_few, peaks_many = ([peak for _, peak in runs] for runs in (few, many))
    line = partial(Result, case="S1 tiny images")
    times = [after / before for before, after in zip(us_few, us_many, strict=True)]
    peaks = [after / before for before, after in zip(peaks_few, peaks_many, strict=True)]
    return [
        line(contestant=f"{options.few} images", unit="us/image", values=us_few),
        line(contestant=f"{options.many} images", unit="us/image", values=us_many),
        line(contestant="time per image, ratio", unit="x", values=times, limit=TIME_LIMIT),
        line(contestant=f"{options.few} images", unit="MiB", values=peaks_few),
        line(contestant=f"{options.many} images", unit="MiB", values=peaks_many),
        line(contestant="peak memory, ratio", unit="x", values=peaks, limit=MEMORY_LIMIT),
    ]


def _convert(source: Path, dataset: Path) -> tuple[float, float]:
    """Seconds from the start of the process to its end, and its and its workers' peak in MiB."""
    converting = Converting(source, dataset, ["--encoding", "keep"])
    watch = TreeWatch(converting.process.pid)
    seconds = converting.finish().total_s
    shutil.rmtree(dataset)
    return seconds, watch.finish() / MIB


def plan_paths(folder: Path, options: argparse.Namespace) -> list[Result]:
    """S2."""
    runs = [_task("plan", str(options.paths)) for _ in range(options.rounds)]
    line = partial(Result, case="S2 plan", contestant=f"{options.paths} paths")
    return [
        line(unit="s", values=[run["seconds"] for run in runs], limit=PLAN_LIMIT_S),
        line(unit="MiB", values=[run["peak_mib"] for run in runs], limit=PLAN_LIMIT_MIB),
    ]


def open_large(folder: Path, options: argparse.Namespace) -> list[Result]:
    """S3."""
    write_tiny_images(folder / "source", options.shard_images)
    convert(folder / "source", folder / "small", ConvertOptions(shards=1))
    repeat_dataset(folder / "small", folder / "large", times=options.shards)
    runs = [_task("open", str(folder / "large")) for _ in range(options.rounds)]
    line = partial(Result, case=f"S3 {options.shards} shards")
    return [
        line(contestant="open_dataset", unit="s", values=[run["open_s"] for run in runs], limit=OPEN_LIMIT_S),
        line(
            contestant="first batch", unit="s", values=[run["batch_s"] for run in runs], limit=BATCH_LIMIT_S
        ),
    ]


def feed_long(folder: Path, options: argparse.Namespace) -> list[Result]:
    """S4."""
    link_sample(folder / "source", options.images)
    convert(folder / "source", folder / "dataset", ConvertOptions(size=(128, 128)))
    runs = [
        _task("feed", str(folder / "dataset"), str(options.epochs))["resident_mib"]
        for _ in range(options.rounds)
    ]
    line = partial(Result, case=f"S4 {options.epochs} epochs")
    return [
        line(contestant="after epoch 2", unit="MiB", values=[run[1] for run in runs]),
        line(contestant=f"after epoch {options.epochs}", unit="MiB", values=[run[-1] for run in runs]),
        line(
            contestant="most after the second, ratio",
            unit="x",
            values=[max(run[2:]) / run[1] for run in runs],
            limit=FLAT_LIMIT,
        ),
    ]


CASES: dict[str, Callable[[Path, argparse.Namespace], list[Result]]] = {
    "S1": convert_many,
    "S2": plan_paths,
    "S3": open_large,
    "S4": feed_long,
}


def _task(*arguments: str) -> Any:
    """Runs a task of `benchmarks.scale_tasks`; returns its figures."""
    command = [sys.executable, "-m", "benchmarks.scale_tasks", *arguments]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


if __name__ == "__main__":
    sys.exit(main())
