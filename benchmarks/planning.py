"""Measures planning of a source in a store that has names only: listing, assigning, and writing the plans.

CPU seconds are of a process of its own. What the store itself takes, to make up names, is measured alone, and is in
`planned`, too. The goal for ten million is 60 s for `planned` and `written` together, and 1 GB (954 MiB). With `--local`, the source is a folder of as many files,
which are made before in the folder for temporary files, and deleted afterwards.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from typing_extensions import override

from benchmarks import measure
from benchmarks.measure import ROOT, Result
from benchmarks.processes import resident_mib
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.planning.plan import make_plan
from fitfeed.converters.planning.source_listing import RECENT_NS
from fitfeed.converters.staging.folder import JOB_NAME
from fitfeed.converters.staging.staging import open_staging
from fitfeed.schemas.storage.address import Bucket
from fitfeed.schemas.storage.local import LocalPlace
from fitfeed.schemas.storage.place import Found
from fitfeed.schemas.storage.store import StorePlace

MIB = 1 << 20
CLASSES = 1000
MAX_IN_A_CLASS = 100_000
SMOKE_PATHS = 3000


def main() -> int:
    """Runs the benchmark; returns the exit status."""
    parser = measure.parser(__doc__, rounds=1)
    parser.add_argument("--paths", type=int, default=1_000_000, help="to plan (default: %(default)s)")
    parser.add_argument("--local", action="store_true", help="of a folder of this machine")
    parser.add_argument("--task", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.smoke:
        options.paths = SMOKE_PATHS
    if options.task:
        with tempfile.TemporaryDirectory(prefix="fitfeed-") as folder:
            source = make_files(Path(folder), options.paths) if options.local else None
            json.dump(plan(options.paths, source), sys.stdout)
        return 0
    command = [
        sys.executable,
        str(ROOT / "benchmarks" / "planning.py"),
        "--task",
        "--paths",
        str(options.paths),
        *(["--local"] if options.local else []),
    ]
    runs = [
        json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        for _ in range(options.rounds)
    ]
    where = "a folder" if options.local else "a store"
    line = partial(Result, case=f"plan {options.paths} paths of {where}")
    results = [
        line(contestant=name, unit=unit, values=[run[name] for run in runs])
        for name, unit in (
            ("names alone", "CPU s"),
            ("planned", "CPU s"),
            ("written", "CPU s"),
            ("peak", "MiB"),
            ("job", "MiB"),
        )
        if not (options.local and name == "names alone")
    ]
    measure.report("planning", results, options, paths=options.paths)
    return 0


@dataclass(frozen=True)
class NamesOnly(StorePlace):
    """A place with class folders of images that nobody has put there.

    Attributes:
        each: How many are in each folder.
        first: The number of the first of them: images of other numbers are others.
    """

    each: int = 0
    first: int = 0

    @override
    def below(self, name: str) -> "NamesOnly":
        return replace(self, key=f"{self.key}/{name}")

    @override
    def find(self, name: str) -> Found:
        raise FileNotFoundError(name)

    @override
    def folders(self) -> list[str]:
        return [f"class{number:03}" for number in range(CLASSES)]

    @override
    def files(self, *, deep: bool = False) -> Iterator[Found]:
        name = self.key.rpartition("/")[2]
        if name.startswith("class"):
            yield from self._files("", int(name.removeprefix("class")))
        elif deep:
            for number in range(CLASSES):
                yield from self._files(f"class{number:03}/", number)

    def _files(self, prefix: str, number: int) -> Iterator[Found]:
        first = number * MAX_IN_A_CLASS + self.first  # so that names stay when there are more
        for place in range(first, first + self.each):
            yield Found(f"{prefix}image_{place:08}.jpg", 50_000 + place % 977, f"{place * 2654435761:032x}")


def make_files(folder: Path, paths: int) -> Path:
    """Makes so many files in class folders, as large as those of the store, with nothing in them."""
    for number in range(CLASSES):
        of_class = folder / f"class{number:03}"
        of_class.mkdir()
        for place in range(number * (paths // CLASSES), (number + 1) * (paths // CLASSES)):
            descriptor = os.open(f"{of_class}/image_{place:08}.jpg", os.O_CREAT | os.O_WRONLY)
            os.ftruncate(descriptor, 50_000 + place % 977)
            os.close(descriptor)
    time.sleep(2 * RECENT_NS / 1e9)  # times of files that were just written are not trusted
    return folder


def plan(paths: int, local: Path | None) -> dict[str, float]:
    """Plans a source of so many paths, and writes the plans: CPU seconds; the peak of the process, and the job, in MiB."""
    place = NamesOnly(Bucket("s3", "names"), "photos", paths // CLASSES)
    times = [time.process_time()]
    if local is None:
        for _ in place.files(deep=True):
            pass
    times.append(time.process_time())
    planned = make_plan(local or place, ConvertOptions(split={"train": 0.9, "validation": 0.1}))
    times.append(time.process_time())
    with (
        tempfile.TemporaryDirectory(prefix="fitfeed-") as folder,
        open_staging(LocalPlace(Path(folder) / "dataset")) as staging,
    ):
        work = staging.prepare(planned, timeout_s=0)
        times.append(time.process_time())
        job = work.root.find(JOB_NAME).bytes
    names, planning, writing = (after - before for before, after in itertools.pairwise(times))
    return {
        "names alone": names,
        "planned": planning,
        "written": writing,
        "peak": resident_mib("VmHWM", os.getpid()),
        "job": job / MIB,
    }


if __name__ == "__main__":
    sys.exit(main())
