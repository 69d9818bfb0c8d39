"""Measures `convert` against what people use to make datasets, from the same folder to the same images.

C3: JPEG photographs to 256 pixels on the shorter side, JPEG of quality 90. Each contestant is a
process of its own with as many workers as there are CPUs, and they take turns: `fitfeed` with all
that it does (full validation, statistics, checksums, duplicates, index, synced files); TFDS, LitData,
WebDataset and an img2dataset-style loop around one function of OpenCV calls; the floor, which
decodes, shrinks and encodes and keeps nothing. One that is not installed is left out:
`pip install '.[bench]'` installs them all.

`whole` is from the start of the process to its end. `steady` is the difference between many images
and a quarter of them, which leaves out start-up and imports: fitfeed's workers convert while its
main process still imports Beam, so the quarter must last longer than that. CPU time is that of all
processes of a contestant.
"""

import argparse
import dataclasses
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import measure
from benchmarks.material import link_sample
from benchmarks.measure import ROOT, Result
from benchmarks.packers.task import SIDE
from benchmarks.processes import Watch
from fitfeed.schemas.cpus import available_cpus
from fitfeed.schemas.manifest import read_manifest

CASE = "C3 jpeg 256"
OURS, FLOOR = "fitfeed", "floor"

PEERS = {
    "img2dataset-style loop": ("pools", "img2dataset_style", None),
    "WebDataset ShardWriter": ("pools", "webdataset", "webdataset"),
    "LitData optimize": ("litdata_based", "optimize", "litdata"),
    "TFDS, generator": ("tensorflow_based", "tfds_generator", "tensorflow_datasets"),
    "TFDS, Beam": ("tensorflow_based", "tfds_beam", "tensorflow_datasets"),
}
"""Name to module, function, and what must be installed."""

CONTESTANTS = {FLOOR: ("pools", "floor", None), **PEERS}

QUIET = {"LITDATA_DISABLE_VERSION_CHECK": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
"""Nobody shall ask the network for newer versions while it is timed."""


@dataclasses.dataclass(frozen=True)
class Cost:
    """What a conversion took: by the clock, and in CPU time of all its processes."""

    wall_s: float
    cpu_s: float


def main() -> int:
    """Runs the benchmark; returns the exit status."""
    parser = measure.parser(__doc__, rounds=3)
    parser.add_argument("--images", type=int, default=3000, help="how many (default: %(default)s)")
    parser.add_argument(
        "--few", type=int, default=100, help="what start-up is told by (default: %(default)s)"
    )
    parser.add_argument("--only", action="append", metavar="NAME", help="of the contestants; may repeat")
    options = parser.parse_args()
    if options.smoke:
        options.images, options.rounds = 40, 1
        options.only = options.only or [FLOOR, OURS, "img2dataset-style loop"]
    with tempfile.TemporaryDirectory(prefix="fitfeed-") as folder:
        results = run(Path(folder), options)
    measure.report("convert_peers", results, options, images=options.images, workers=available_cpus())
    return 0


def run(folder: Path, options: argparse.Namespace) -> list[Result]:
    """Measures those of the contestants that are installed and wanted."""
    few = options.images // 4
    sources = {count: folder / str(count) for count in (few, options.images)}
    for count, source in sources.items():
        link_sample(source, count)
    commands = {
        name: command for name, command in _commands().items() if options.only is None or name in options.only
    }
    for name, command in list(commands.items()):  # reads files into memory, and shows who cannot run
        try:
            convert(command, sources[few], few)
        except RuntimeError as error:
            if name not in PEERS:
                raise
            print(f"{name} is left out: {error}", file=sys.stderr)
            del commands[name]
    costs = measure.alternate(
        {name: partial(_both, command, sources) for name, command in commands.items()}, rounds=options.rounds
    )
    return figures(costs, images=options.images, few=few)


def _both(command: Sequence[str], sources: Mapping[int, Path]) -> tuple[Cost, Cost]:
    """Converts the smaller source and then the larger one: in between, the machine has changed least."""
    few, many = (convert(command, source, count) for count, source in sources.items())
    return few, many


def _commands() -> dict[str, list[str]]:
    """Command line of each contestant that is installed, but for source and target."""
    commands = {OURS: ["benchmarks.conversion", "--size", str(SIDE)]}
    for name, (module, function, needs) in CONTESTANTS.items():
        if needs is not None and find_spec(needs) is None:
            print(f"{name} is left out: {needs} is not installed", file=sys.stderr)
        else:
            commands[name] = ["benchmarks.packers", module, function]
    return commands


def convert(command: Sequence[str], source: Path, images: int) -> Cost:
    """Converts a folder in a new process.

    Raises:
        RuntimeError: If it failed, or has not stored every image.
    """
    with tempfile.TemporaryDirectory(prefix="fitfeed-") as folder, tempfile.TemporaryFile("w+") as log:
        target = Path(folder) / "target"
        module, *arguments = command
        line = [sys.executable, "-m", module, *arguments, str(source), str(target)]
        started = time.monotonic()
        process = subprocess.Popen(
            [*line, "--workers", str(available_cpus())],
            cwd=ROOT, env={**os.environ, **QUIET}, stdout=subprocess.PIPE, stderr=log, text=True,
        )  # fmt: skip
        watch = Watch(process.pid, all_processes=True)
        output, _ = process.communicate()
        wall_s = time.monotonic() - started
        cpu_s = sum(usage.cpu_s for usage in watch.finish())
        if process.returncode:
            log.seek(0)
            msg = f"it ended with exit status {process.returncode}:\n{log.read()[-2000:]}"
            raise RuntimeError(msg)
        stored = _examples(target) if module == "benchmarks.conversion" else int(output)
        if stored != images:
            msg = f"it stored {stored} of {images} images"
            raise RuntimeError(msg)
        return Cost(wall_s, cpu_s)


def _examples(dataset: Path) -> int:
    return sum(split.examples for split in read_manifest(dataset).splits.values())


def figures(costs: Mapping[str, Sequence[tuple[Cost, Cost]]], *, images: int, few: int) -> list[Result]:
    """Rates of all, and ours divided by that of the best peer.

    Args:
        costs: What each took for `few` images and for all, by round.
        images: How many there are.
        few: How many the smaller source has.
    """
    added = images - few
    total = {name: [images / m.wall_s for _, m in runs] for name, runs in costs.items()}
    wall = {name: [_rate(added, f.wall_s, m.wall_s) for f, m in runs] for name, runs in costs.items()}
    cpu = {name: [_rate(added, f.cpu_s, m.cpu_s) for f, m in runs] for name, runs in costs.items()}
    results = []
    for kind, rates, unit in (
        ("whole", total, "images/s"),
        ("steady", wall, "images/s"),
        ("steady", cpu, "images/CPU-s"),
    ):
        case = f"{CASE}, {kind}"
        if FLOOR in rates:
            results += measure.compared(case, rates, unit=unit, floor=FLOOR)
        results += _against_the_best(case, rates, unit)
    return results


def _rate(images: int, few_s: float, many_s: float) -> float:
    """Images per second between the few and the many; a clock tick of CPU time is the least there is."""
    return images / max(many_s - few_s, 0.01)


def _against_the_best(case: str, rates: Mapping[str, Sequence[float]], unit: str) -> list[Result]:
    """Ours divided by that of the fastest peer of the same round."""
    peers = [values for name, values in rates.items() if name in PEERS]
    if OURS not in rates or not peers:
        return []
    ratios = [ours / max(others) for ours, *others in zip(rates[OURS], *peers, strict=True)]
    return [Result(case=case, contestant=f"fitfeed / best peer, {unit}", unit="x", values=ratios)]


if __name__ == "__main__":
    sys.exit(main())
