"""Measures planning where the dataset is there already: of one hundredth more (`--append`), and of the same once more.

What is more is listed with all that the dataset has (`append`), or alone (`inbox`): then the rows of both are put together, and
all that was known is gone.

The source is a store that has names only, as in `benchmarks/planning.py`, and the dataset has no image: planning reads none.
CPU seconds are of a process of its own. What making up names takes is in `planned`. The peak is told without and with
pages of files that are mapped, indexes and `sources.arrow`, which the system takes back when it needs them.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import measure
from benchmarks.measure import ROOT, Result
from benchmarks.named_dataset import make_named_dataset
from benchmarks.planning import CLASSES, NamesOnly
from benchmarks.processes import resident_mib
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.planning.plan import make_plan
from fitfeed.converters.planning.source_listing import remember_sources
from fitfeed.converters.planning.target import open_target
from fitfeed.converters.staging.staging import open_staging
from fitfeed.schemas.storage.address import Bucket
from fitfeed.schemas.storage.local import LocalPlace

OPTIONS = ConvertOptions(split={"train": 0.9, "validation": 0.1})
CASES = ("append", "inbox", "repeat")
SMOKE_PATHS = 3000
INTERVAL_S = 0.02
UNITS = {"planned": "CPU s", "written": "CPU s", "peak": "MiB", "peak with mapped files": "MiB"}


def main() -> int:
    """Runs the benchmark; returns the exit status."""
    parser = measure.parser(__doc__, rounds=1)
    parser.add_argument("--paths", type=int, default=1_000_000, help="in the dataset (default: %(default)s)")
    parser.add_argument("--task", choices=["make", *CASES], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        json.dump(TASKS[options.task](options.folder, options.paths), sys.stdout)
        return 0
    if options.smoke:
        options.paths = SMOKE_PATHS
    results = []
    with tempfile.TemporaryDirectory(prefix="fitfeed-") as folder:
        _run("make", folder, options.paths)
        for case in CASES:
            runs = [_run(case, folder, options.paths) for _ in range(options.rounds)]
            results += [
                Result(
                    case=f"{case}, {options.paths} paths of a store",
                    contestant=name,
                    unit=unit,
                    values=[run[name] for run in runs],
                )
                for name, unit in UNITS.items()
            ]
    measure.report("planning_again", results, options, paths=options.paths)
    return 0


def _run(task: str, folder: str, paths: int) -> dict[str, float]:
    """Runs a task in a process of its own, and looks at its memory meanwhile."""
    script = str(ROOT / "benchmarks" / "planning_again.py")
    command = [sys.executable, script, "--task", task, "--folder", folder, "--paths", str(paths)]
    peak = 0.0
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        while process.poll() is None:
            try:
                peak = max(peak, resident_mib("RssAnon", process.pid))
            except (OSError, ValueError):  # it ends just now
                break
            time.sleep(INTERVAL_S)
        content = process.communicate()[0]
    if process.returncode:
        msg = f"task {task} ended with status {process.returncode}"
        raise RuntimeError(msg)
    return {**json.loads(content), "peak": peak}


def _source(paths: int, first: int = 0) -> NamesOnly:
    return NamesOnly(Bucket("s3", "names"), "photos", paths // CLASSES, first)


def make(folder: Path, paths: int) -> dict[str, float]:
    """Makes the dataset."""
    make_named_dataset(folder / "dataset", make_plan(_source(paths), OPTIONS))
    return {}


def append(folder: Path, paths: int) -> dict[str, float]:
    """Plans one hundredth more, listed with all that is there, and writes the plans."""
    return _appended(folder, _source(paths + _more(paths)))


def inbox(folder: Path, paths: int) -> dict[str, float]:
    """Plans one hundredth more, listed alone, and writes the plans."""
    return _appended(folder, _source(_more(paths), first=paths // CLASSES))


def _more(paths: int) -> int:
    return max(CLASSES, paths // 100)


def _appended(folder: Path, source: NamesOnly) -> dict[str, float]:
    dataset = LocalPlace(folder / "dataset")
    begun = time.process_time()
    target = open_target(dataset, append=True)
    plan = make_plan(source, target.complete(None), base=target.base, seen=target.seen)
    if target.compare(plan) is None or target.has_all_of(plan):
        raise RuntimeError("nothing is new")
    planned = time.process_time()
    with open_staging(dataset) as staging:
        staging.prepare(plan, timeout_s=0).root.delete_all()
    return _took(begun, planned)


def repeat(folder: Path, paths: int) -> dict[str, float]:
    """Plans the same once more, and remembers what is known of the files."""
    dataset = LocalPlace(folder / "dataset")
    begun = time.process_time()
    target = open_target(dataset)
    plan = make_plan(_source(paths), target.complete(OPTIONS), seen=target.seen)
    if target.compare(plan) is None or not target.has_all_of(plan):
        raise RuntimeError("it is not up to date")
    planned = time.process_time()
    remember_sources(dataset, plan.sources)
    return _took(begun, planned)


def _took(begun: float, planned: float) -> dict[str, float]:
    return {
        "planned": planned - begun,
        "written": time.process_time() - planned,
        "peak with mapped files": resident_mib("VmHWM", os.getpid()),
    }


TASKS = {"make": make, "append": append, "inbox": inbox, "repeat": repeat}


if __name__ == "__main__":
    sys.exit(main())
