"""Measures what engines cost: the same job on the local runner, on Dask and on Prism, on the same two CPUs.

Photographs become JPEG of 256 pixels, in 24 shards. Dask has a scheduler and two workers; Prism is a server with
a worker pool of Beam's; all on this machine, so nothing is copied over a network. Rates are of the whole command, start-up and
publication included: by the clock, and by the CPU time of all processes, those of the engine too. Start-up is in seconds: of
the engine's services, until they listen, and of a command with so few images that it does little else.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import measure
from benchmarks.material import link_sample
from benchmarks.measure import ROOT, Result, compared
from benchmarks.processes import Watch, tree_of, usage_of
from tests.servers.engines import EngineKind, RunningEngine
from tests.servers.programs import PRISM

FEW, SHARDS = 24, 24
CPUS = 2
LOCAL = "local"


class Costs(NamedTuple):
    """What one contestant took.

    Attributes:
        services_s: Until the engine's services listened; None for the local runner.
        few_s: For a command with `FEW` images.
        wall_s: For the whole command with all images.
        cpu_s: CPU time of all processes for it.
    """

    services_s: float | None
    few_s: float
    wall_s: float
    cpu_s: float


def main() -> int:
    """Runs the benchmark; returns the exit status."""
    parser = measure.parser(__doc__, rounds=3)
    parser.add_argument("--images", type=int, default=1500, help="how many (default: %(default)s)")
    options = parser.parse_args()
    if options.smoke:
        options.images, options.rounds = 40, 1
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CPUS])  # and so all processes from here on
    with tempfile.TemporaryDirectory(prefix="fitfeed-") as folder:
        results = run(Path(folder), options)
    measure.report("engines", results, options, images=options.images, cpus=CPUS)
    return 0


def run(folder: Path, options: argparse.Namespace) -> list[Result]:
    """Runs all contestants. Prism is left out where `make engines` has not built it.

    Args:
        folder: For sources and datasets.
        options: The command line.
    """
    link_sample(folder / "few", FEW)
    link_sample(folder / "all", options.images)
    kinds: tuple[EngineKind, ...] = ("dask", "prism") if PRISM.exists() else ("dask",)
    costs = measure.alternate(
        {LOCAL: partial(convert_here, folder), **{kind: partial(convert_on, kind, folder) for kind in kinds}},
        rounds=options.rounds,
    )
    rates = {name: [options.images / each.wall_s for each in rounds] for name, rounds in costs.items()}
    cpu_rates = {name: [options.images / each.cpu_s for each in rounds] for name, rounds in costs.items()}
    return [
        *compared("jpeg 256, whole", rates, unit="images/s", floor=LOCAL),
        *compared("jpeg 256, whole", cpu_rates, unit="images/CPU-s", floor=LOCAL),
        *startup("services", {name: [each.services_s for each in rounds] for name, rounds in costs.items()}),
        *startup(f"{FEW} images", {name: [each.few_s for each in rounds] for name, rounds in costs.items()}),
    ]


def startup(case: str, seconds: dict[str, list[float | None]]) -> list[Result]:
    """The results of a start-up."""
    return [
        Result(case=f"start-up, {case}", contestant=name, unit="s", values=values)
        for name, rounds in seconds.items()
        if (values := [value for value in rounds if value is not None])
    ]


def convert_here(folder: Path) -> Costs:
    """Converts on the local runner."""
    return Costs(None, *_both(folder, ["--workers", str(CPUS)]))


def convert_on(kind: EngineKind, folder: Path) -> Costs:
    """Converts on an engine that is started for it."""
    begin = time.perf_counter()
    engine = RunningEngine(kind, dask_workers=CPUS)
    services_s = time.perf_counter() - begin
    try:
        return Costs(services_s, *_both(folder, engine.arguments))
    finally:
        engine.close()


def _both(folder: Path, arguments: Sequence[str]) -> tuple[float, float, float]:
    few_s, _ = _convert(folder / "few", arguments)
    return few_s, *_convert(folder / "all", arguments)


def _convert(source: Path, arguments: Sequence[str]) -> tuple[float, float]:
    """Seconds, and CPU seconds of all processes, of a command."""
    before = {pid: usage.cpu_s for pid in tree_of(os.getpid()) if (usage := usage_of(pid))}
    watch = Watch(os.getpid(), all_processes=True)
    with tempfile.TemporaryDirectory(dir=source.parent) as dataset:
        begin = time.perf_counter()
        command = [sys.executable, "-m", "fitfeed", "convert", str(source), dataset, "--size", "256"]
        command += ["--shards", str(SHARDS), "--quiet", *arguments]
        subprocess.run(command, cwd=ROOT, check=True)
        wall_s = time.perf_counter() - begin
    return wall_s, sum(usage.cpu_s for usage in watch.finish()) - sum(before.values())


if __name__ == "__main__":
    sys.exit(main())
