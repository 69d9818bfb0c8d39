"""What all benchmarks share: alternating runs, medians, the machine, and the report."""

import argparse
import dataclasses
import json
import os
import platform
import statistics
import subprocess
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

from fitfeed.schemas.cpus import available_cpus

ROOT = Path(__file__).resolve().parents[1]

LIBRARIES = (
    "apache-beam",
    "h5py",
    "jax",
    "keras",
    "numpy",
    "opencv-python-headless",
    "pillow",
    "simplejpeg",
    "tensorflow",
    "torch",
)

WORKERS = available_cpus() if available_cpus() > 1 else 0
"""Worker processes to which `make_pipeline` comes by itself in a long run. Benchmarks have them from the first batch on."""

Outcome = TypeVar("Outcome")

Epoch = Callable[[], int]
"""Does an epoch, or several, and returns how many images that were."""


@dataclasses.dataclass(frozen=True)
class Spread:
    """Median, minimum and maximum of several runs."""

    median: float
    min: float
    max: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Summarises at least one value."""
        return cls(statistics.median(values), min(values), max(values))

    def __str__(self) -> str:
        """Median (min to max)."""
        digits = 0 if self.median >= 100 else 2
        return f"{self.median:,.{digits}f} ({self.min:,.{digits}f} to {self.max:,.{digits}f})"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Result:
    """One line of a report.

    Attributes:
        case: What was done.
        contestant: Who did it.
        unit: Of the values.
        values: One per round.
        ratio: Values divided by the floor's value of the same round; None where there is no floor.
        limit: What the median must not exceed, where there is such a promise.
    """

    case: str
    contestant: str
    unit: str
    values: list[float]
    ratio: Spread | None = None
    limit: float | None = None

    def to_json(self) -> dict[str, Any]:
        """The result with its median, minimum and maximum."""
        spread = dataclasses.asdict(Spread.of(self.values))
        rounded = [float(f"{value:.6g}") for value in self.values]  # not to 4 places: small ratios became 0
        return {**dataclasses.asdict(self), **spread, "values": rounded}


def alternate(contestants: Mapping[str, Callable[[], Outcome]], *, rounds: int) -> dict[str, list[Outcome]]:
    """Runs all contestants, then all again: what else the machine does then hits all of them.

    Every second round runs backwards, so that nobody always comes after the same other.

    Args:
        contestants: Name to a function that does the whole work once.
        rounds: How often.

    Returns:
        What each function returned, by round.
    """
    outcomes: dict[str, list[Outcome]] = {name: [] for name in contestants}
    for number in range(rounds):
        names = list(contestants)
        for name in names if number % 2 == 0 else reversed(names):
            outcomes[name].append(contestants[name]())
    return outcomes


def compared(case: str, values: Mapping[str, Sequence[float]], *, unit: str, floor: str) -> list[Result]:
    """Results of a case, each against the floor's run of the same round.

    Args:
        case: Its name.
        values: Contestant to one value per round, the more the better.
        unit: Of the values.
        floor: Which contestant the others are divided by.
    """
    return [
        Result(
            case=case,
            contestant=contestant,
            unit=unit,
            values=list(rounds),
            ratio=None
            if contestant == floor
            else Spread.of([ours / best for ours, best in zip(rounds, values[floor], strict=True)]),
        )
        for contestant, rounds in values.items()
    ]


def parser(description: str | None, *, rounds: int) -> argparse.ArgumentParser:
    """A command line with the options that every benchmark has."""
    made = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument(
        "--rounds", type=int, default=rounds, help="runs of each contestant (default: %(default)s)"
    )
    made.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to FILE")
    made.add_argument(
        "--smoke",
        action="store_true",
        help="a few images, one round: shows that the benchmark works, and no figures worth reading",
    )
    return made


def report(name: str, results: Sequence[Result], options: argparse.Namespace, **settings: Any) -> None:
    """Prints a table, and writes the JSON file if one was asked for.

    Args:
        name: Of the benchmark.
        results: Its figures.
        options: Its command line, made by `parser`.
        settings: What else decides the figures.
    """
    print(table(results), flush=True)
    if options.json is None:
        return
    content = {
        "benchmark": name,
        "machine": machine(),
        "settings": {"rounds": options.rounds, "smoke": options.smoke, **settings},
        "results": [result.to_json() for result in results],
    }
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(content, indent=1) + "\n")


def table(results: Sequence[Result]) -> str:
    """The results in columns: case, contestant, unit, median (min to max), ratio, verdict."""
    rows = [("case", "contestant", "median (min to max)", "unit", "of the floor")]
    for result in results:
        spread = Spread.of(result.values)
        verdict = "" if result.ratio is None else str(result.ratio)
        if result.limit is not None:
            verdict = f"{'within' if spread.median <= result.limit else 'ABOVE'} {result.limit:g}"
        rows.append((result.case, result.contestant, str(spread), result.unit, verdict))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def machine() -> dict[str, Any]:
    """What the figures were measured on and with."""
    return {
        "cpu": _cpu_model(),
        "cpus": available_cpus(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "load_average": [round(load, 2) for load in os.getloadavg()],
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": platform.python_version(),
        "libraries": {name: _version(name) for name in LIBRARIES},
        "commit": checked_out(),
    }


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def checked_out() -> str | None:
    """The commit that is checked out, marked where files differ from it; None outside a repository."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
