"""Measures what the worker processes of a training cost: memory, and CPU time until all of them have made batches.

Training and validation have as many workers each as there are CPUs. "own": pages that no other process has. "share": all pages, those
that several processes have in parts. Batches are in memory that all share. What workers are forked from counts, too.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import measure
from benchmarks.measure import Result
from benchmarks.processes import private_bytes, proportional_bytes, tree_of, usage_of
from benchmarks.short_runs import material
from fitfeed import CenterCrop, RandomFlip, RandomResizedCrop, make_pipeline
from fitfeed.schemas.cpus import available_cpus

CASES: dict[str, dict[str, Any]] = {
    "float32": {},
    "uint8": {"normalize": None, "dtype": "uint8"},
}

MIB = 1 << 20


def main() -> int:
    """Runs the benchmark; returns the exit status."""
    parser = measure.parser(__doc__, rounds=3)
    parser.add_argument("--images", type=int, default=200, help="for training (default: %(default)s)")
    parser.add_argument("--processes", type=int, default=available_cpus(), help="default: %(default)s")
    options = parser.parse_args()
    if options.smoke:
        options.images, options.rounds = 40, 1  # more than a batch
    with tempfile.TemporaryDirectory(prefix="fitfeed-") as folder:
        dataset = material(Path(folder), options.images)
        train(dataset, options.processes, {})  # Numba compiles what it has not compiled on this machine yet
        results = [result for case in CASES for result in run(case, dataset, options)]
    measure.report("worker_memory", results, options, images=options.images, processes=options.processes)
    return 0


def run(case: str, dataset: Path, options: argparse.Namespace) -> list[Result]:
    """Runs a case.

    Args:
        case: Its name.
        dataset: The images.
        options: The command line.
    """
    rounds = [train(dataset, options.processes, CASES[case]) for _ in range(options.rounds)]
    units = {"CPU time": "CPU-s"}
    return [
        Result(
            case=case,
            contestant=figure,
            unit=units.get(figure, "MiB"),
            values=[measured[figure] for measured in rounds],
        )
        for figure in rounds[0]
    ]


def train(dataset: Path, processes: int, options: dict[str, Any]) -> dict[str, float]:
    """Reads all images of training and validation once; returns what their workers took for that.

    Args:
        dataset: The images.
        processes: Workers of each.
        options: Further options of both pipelines.
    """
    options = {"batch_size": 32, "image_size": (96, 96), "processes": processes, **options}
    before = set(tree_of(os.getpid()))
    pipelines = [
        make_pipeline(dataset, "train", augment=[RandomResizedCrop(), RandomFlip()], **options),
        make_pipeline(dataset, "validation", augment=[CenterCrop()], **options),
    ]
    for pipeline in pipelines:
        for _ in pipeline:
            pass
    started = [pid for pid in tree_of(os.getpid()) if pid not in before]
    workers = [pid for pid in started if len(tree_of(pid)) == 1]
    own = sorted(private_bytes(pid) / MIB for pid in workers)
    return {
        "worker, own": own[len(own) // 2],
        "all, own": sum(map(private_bytes, started)) / MIB,
        "all, share": sum(map(proportional_bytes, started)) / MIB,
        "CPU time": sum(usage.cpu_s for usage in map(usage_of, started) if usage is not None),
    }


if __name__ == "__main__":
    sys.exit(main())
