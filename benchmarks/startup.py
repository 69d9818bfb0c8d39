"""Measures how long the commands take that a person waits for, each in a process of its own."""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import measure
from benchmarks.material import link_sample
from benchmarks.measure import ROOT, Result

IMAGES = 10

HELP_LIMIT_S = 0.5
CONVERT_LIMIT_S = 6.0


def main() -> int:
    """Runs the benchmark; returns the exit status."""
    options = measure.parser(__doc__, rounds=5).parse_args()
    if options.smoke:
        options.rounds = 1
    with tempfile.TemporaryDirectory(prefix="fitfeed-") as folder:
        results = run(Path(folder), options)
    measure.report("startup", results, options, images=IMAGES)
    return 0


def run(folder: Path, options: argparse.Namespace) -> list[Result]:
    """Runs all commands.

    Args:
        folder: For source and datasets.
        options: The command line.
    """
    source, made, kept = folder / "source", folder / "made", folder / "kept"
    link_sample(source, IMAGES)
    fitfeed("convert", str(source), str(kept), "--quiet")  # the dataset to inspect; warms up, too
    commands: dict[str, Callable[[], float]] = {
        "fitfeed --help": partial(fitfeed, "--help"),
        f"fitfeed convert, {IMAGES} images": partial(convert_anew, source, made),
        "fitfeed inspect": partial(fitfeed, "inspect", str(kept)),
    }
    limits = dict(zip(commands, (HELP_LIMIT_S, CONVERT_LIMIT_S, None), strict=True))
    seconds = measure.alternate(commands, rounds=options.rounds)
    return [
        Result(case="startup", contestant=command, unit="s", values=values, limit=limits[command])
        for command, values in seconds.items()
    ]


def convert_anew(source: Path, dataset: Path) -> float:
    """Converts to a folder that is not there; returns the seconds that took."""
    shutil.rmtree(dataset, ignore_errors=True)
    return fitfeed("convert", str(source), str(dataset), "--quiet")


def fitfeed(*arguments: str) -> float:
    """Runs a command; returns the seconds from its start to its end."""
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "fitfeed", *arguments], cwd=ROOT, stdout=subprocess.DEVNULL, check=True
    )
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
