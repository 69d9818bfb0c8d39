"""Holds what `fitfeed estimate` says against what then happens.

Each source is estimated, and then all of it is converted in each way (a process of its own, as a user would) and fed. Estimate
and truth alternate, and medians are compared: within 0.8 and 1.25 is right. Nine of ten combinations of source, way and figure
must be. On a machine where other programs run, neither side means anything.
"""

import argparse
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import measure
from benchmarks.material import enlarge_sample, link_sample
from benchmarks.measure import ROOT, Result
from fitfeed.estimate.prediction import Prediction
from fitfeed.estimate.run import run_estimate
from fitfeed.schemas.cpus import available_cpus

RIGHT = (0.8, 1.25)
"""An estimate divided by the truth."""

SHARE_RIGHT = 0.9

UNITS = {"bytes": "bytes", "conversion": "s", "training": "images/s"}

Figures = Mapping[str, Mapping[str, float]]
"""Options of a way to its figures, by the names of `UNITS`."""


def main() -> int:
    """Runs the benchmark; returns the exit status."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # else a machine without a GPU prints an error
    parser = measure.parser(__doc__, rounds=3)
    parser.add_argument(
        "--images",
        type=int,
        default=2084,
        help="photographs; a quarter as many large ones (default: %(default)s)",
    )
    parser.add_argument("--samples", type=int, default=96, help="of an estimate (default: %(default)s)")
    parser.add_argument(
        "--seconds", type=float, default=4.0, help="that each dataset is fed (default: %(default)s)"
    )
    options = parser.parse_args()
    sources: dict[str, Callable[[Path], object]] = {
        "photographs": lambda folder: link_sample(folder, options.images),
        "large photographs": lambda folder: enlarge_sample(folder, options.images // 4, factor=3),
    }
    sides: list[int] = []
    if options.smoke:
        options.images, options.rounds, options.seconds, options.samples = 24, 1, 0.1, 16
        del sources["large photographs"]
        sides = [64]
    results = []
    for name, make in sources.items():
        with tempfile.TemporaryDirectory(prefix="fitfeed-") as folder:
            source = Path(folder) / "source"
            make(source)
            outcomes = measure.alternate(
                {
                    "estimate": partial(estimated, source, sides, options),
                    "truth": partial(measured, source, Path(folder), sides, options),
                },
                rounds=options.rounds,
            )
        results += lines(name, outcomes["estimate"], outcomes["truth"])
    measure.report(
        "estimate_is_right",
        results,
        options,
        images=options.images,
        samples=options.samples,
        threads=available_cpus(),
    )
    ratios = {
        f"{each.case}: {each.contestant}": statistics.median(each.values)
        for each in results
        if each.unit == "ratio"
    }
    wrong = {name: ratio for name, ratio in ratios.items() if not RIGHT[0] <= ratio <= RIGHT[1]}
    share = 1 - len(wrong) / len(ratios)
    print(f"{share:.0%} of {len(ratios)} estimates are right")
    print("\n".join(f"{name} is {ratio:.2f} of the truth" for name, ratio in wrong.items()))
    return 1 if share < SHARE_RIGHT and not options.smoke else 0


def estimated(source: Path, sides: list[int], options: argparse.Namespace) -> Figures:
    """What `fitfeed estimate` says."""
    estimate = run_estimate(
        str(source), samples=options.samples, sides=sides, seconds=min(1.0, options.seconds)
    )
    return {each.way.flags: _figures(each) for each in estimate.predictions}


def _figures(prediction: Prediction) -> Mapping[str, float]:
    return {
        "bytes": prediction.bytes.value,
        "conversion": prediction.seconds.value,
        "training": prediction.images_per_second.value,
    }


def measured(source: Path, folder: Path, sides: list[int], options: argparse.Namespace) -> Figures:
    """What happens: the same ways, with the whole source."""
    from fitfeed.bench.hand_over import whole_rate
    from fitfeed.bench.plan import BenchPlan
    from fitfeed.estimate.ways import Way, usual_sides, ways_for
    from fitfeed.pipelines import open_dataset

    found: dict[str, Mapping[str, float]] = {}
    ways = [Way(encoding="keep"), Way(encoding="jpeg")]
    image_size = (0, 0)
    while ways:
        way = ways.pop(0)
        with tempfile.TemporaryDirectory(dir=folder) as target:
            seconds = converted(source, Path(target) / "dataset", way.flags)
            dataset = open_dataset(Path(target) / "dataset")
            if way.encoding == "keep":
                index = dataset.records("train").index
                stored = int(statistics.median(map(min, zip(index.height, index.width, strict=True))))
                image_size = (min(224, stored),) * 2
                chosen = sides or usual_sides(image_side=image_size[0], stored_side=stored)
                ways += ways_for(chosen, quality=way.quality)
            plan = BenchPlan(split="train", batch_size=min(32, options.images), image_size=image_size)
            found[way.flags] = {
                "bytes": float(dataset.splits["train"].bytes),
                "conversion": seconds,
                "training": whole_rate(dataset, plan, seconds=options.seconds),
            }
    return found


def converted(source: Path, dataset: Path, flags: str) -> float:
    """Converts, and returns the seconds of the command."""
    command = [
        sys.executable,
        "-m",
        "fitfeed",
        "convert",
        str(source),
        str(dataset),
        "--quiet",
        *shlex.split(flags),
    ]
    began = time.perf_counter()
    # Links lead to each photograph several times.
    subprocess.run([*command, "--duplicates", "keep"], cwd=ROOT, check=True)
    return time.perf_counter() - began


def lines(source: str, estimates: list[Figures], truths: list[Figures]) -> list[Result]:
    """For each way and figure: the estimates, the truths, and the one divided by the other, by round."""
    values: defaultdict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for estimate, truth in zip(estimates, truths, strict=True):
        for flags, figures in truth.items():
            for figure, value in figures.items():
                values[flags, figure].append((estimate[flags][figure], value))
    found = []
    for (flags, figure), pairs in values.items():
        name, unit = f"{figure}, {flags or 'as it is'}", UNITS[figure]
        said, true = ([pair[side] for pair in pairs] for side in (0, 1))
        found += [
            Result(case=source, contestant=f"{name}: estimated", unit=unit, values=said),
            Result(case=source, contestant=f"{name}: measured", unit=unit, values=true),
            Result(
                case=source,
                contestant=f"{name}: estimated / measured",
                unit="ratio",
                values=[ours / theirs for ours, theirs in pairs],
            ),
        ]
    return found


if __name__ == "__main__":
    sys.exit(main())
