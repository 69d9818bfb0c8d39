"""Measures the peak memory of a conversion's workers, for few images and for ten times as many.

It must be the same: a worker holds one image at a time, whatever the length of its shard. The
figure is what Linux reports as the most that was resident at once (VmHWM), of the largest worker.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import measure
from benchmarks.material import Converting, link_sample
from benchmarks.measure import Result
from fitfeed.schemas.cpus import available_cpus

CASES = {
    "jpeg 256, TFRecord": ["--size", "256"],
    "jpeg 256, HDF5": ["--size", "256", "--format", "hdf5"],
    "keep, TFRecord": ["--encoding", "keep"],
}

MIB = 1 << 20

MOST = 1.1
"""What the ratio of many to few must not exceed."""


def main() -> int:
    """Runs the benchmark; returns the exit status."""
    parser = measure.parser(__doc__, rounds=1)
    parser.add_argument("--few", type=int, default=500, help="images (default: %(default)s)")
    parser.add_argument("--many", type=int, default=5000, help="images (default: %(default)s)")
    parser.add_argument(
        "--workers", type=int, default=available_cpus(), help="processes (default: %(default)s)"
    )
    options = parser.parse_args()
    if options.smoke:
        options.few, options.many, options.rounds = 10, 40, 1
    with tempfile.TemporaryDirectory(prefix="fitfeed-") as folder:
        results = run(Path(folder), options)
    settings = {"few": options.few, "many": options.many, "workers": options.workers}
    measure.report("memory", results, options, **settings)
    return 0


def run(folder: Path, options: argparse.Namespace) -> list[Result]:
    """Runs all cases.

    Args:
        folder: For sources and datasets.
        options: The command line.
    """
    sources = {count: folder / str(count) for count in (options.few, options.many)}
    for count, source in sources.items():
        link_sample(source, count)
    results = []
    for case, arguments in list(CASES.items())[: 1 if options.smoke else None]:
        arguments = [*arguments, "--workers", str(options.workers)]
        contestants: dict[str, Callable[[], list[float]]] = {
            f"{count} images": partial(peaks, source, folder / "dataset", arguments)
            for count, source in sources.items()
        }
        outcomes = measure.alternate(contestants, rounds=options.rounds)
        few, many = ([max(workers) for workers in rounds] for rounds in outcomes.values())
        results += [
            Result(
                case=case, contestant=f"{contestant}, worker {number + 1}", unit="MiB", values=list(values)
            )
            for contestant, rounds in outcomes.items()
            for number, values in enumerate(zip(*rounds, strict=False))  # a worker that died was replaced
        ]
        ratios = [larger / smaller for smaller, larger in zip(few, many, strict=True)]
        results.append(
            Result(case=case, contestant="many / few, largest worker", unit="x", values=ratios, limit=MOST)
        )
    return results


def peaks(source: Path, dataset: Path, arguments: list[str]) -> list[float]:
    """Converts in a new process; returns the peak of each worker in MiB, the largest first."""
    timing = Converting(source, dataset, arguments).finish()
    shutil.rmtree(dataset)
    return sorted((worker.peak_bytes / MIB for worker in timing.workers), reverse=True)


if __name__ == "__main__":
    sys.exit(main())
