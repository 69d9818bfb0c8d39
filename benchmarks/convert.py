"""Measures conversion against a bare loop of the same libraries.

C1: JPEG photographs to 256 pixels on the shorter side, as JPEG. The floor reads, decodes, resizes
and encodes in as many processes. C2: the original bytes kept. The floor reads and decodes, which is
what checking them takes. Both floors write nothing; their processes are warm before they are timed.

Two rates of fitfeed are printed: `steady` leaves out start-up (Python, Beam, listing, planning) and
publication, as the floor's does; `whole` is from the start of the process to its end. Where other
programs use the machine too, images per second of the workers' CPU time is the steadiest figure.
"""

import argparse
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import floors, measure
from benchmarks.material import Converting, Timing, link_sample
from benchmarks.measure import Result
from benchmarks.processes import Usage, children_of, usage_of
from fitfeed.schemas.cpus import available_cpus

CASES: dict[str, tuple[list[str], dict[str, Callable[[Path], int]]]] = {
    "C1 jpeg 256": (
        ["--size", "256"],
        {
            "floor": floors.transcode_file,
            "floor that shrinks as fitfeed does": floors.transcode_file_as_fitfeed,
        },
    ),
    "C2 keep": (["--encoding", "keep"], {"floor": floors.decode_file}),
}
"""Arguments of the conversion, and what it is compared with; the first is the floor of all ratios."""

CHUNK = 16
"""Files per task of the floor's pool."""


def main() -> int:
    """Runs the benchmark; returns the exit status."""
    parser = measure.parser(__doc__, rounds=3)
    parser.add_argument("--images", type=int, default=1500, help="how many (default: %(default)s)")
    parser.add_argument(
        "--workers", type=int, default=available_cpus(), help="processes (default: %(default)s)"
    )
    options = parser.parse_args()
    if options.smoke:
        options.images, options.rounds = 40, 1
    with tempfile.TemporaryDirectory(prefix="fitfeed-") as folder:
        results = run(Path(folder), options)
    measure.report("convert", results, options, images=options.images, workers=options.workers)
    return 0


def run(folder: Path, options: argparse.Namespace) -> list[Result]:
    """Runs all cases.

    Args:
        folder: For sources and datasets.
        options: The command line.
    """
    source = folder / "source"
    links = link_sample(source, options.images)
    results = []
    for case, (arguments, bare) in CASES.items():
        arguments = [*arguments, "--workers", str(options.workers)]
        with multiprocessing.get_context("spawn").Pool(options.workers) as pool:
            contestants: dict[str, Callable[[], Timing]] = {
                "fitfeed": partial(time_fitfeed, source, folder / "dataset", arguments)
            }
            for name, work in bare.items():
                pool.map(work, links[: 2 * options.workers], chunksize=1)  # imports, and files into memory
                contestants[name] = partial(time_floor, pool, work, links)
            timings = measure.alternate(contestants, rounds=options.rounds)
        results += figures(case, timings.pop("fitfeed"), timings)
    return results


def figures(case: str, ours: Sequence[Timing], bare: Mapping[str, Sequence[Timing]]) -> list[Result]:
    """The rates of a case and what start-up costs."""
    rates = {
        "fitfeed, steady": [timing.steady_rate for timing in ours],
        "fitfeed, whole": [timing.total_rate for timing in ours],
        **{name: [timing.total_rate for timing in timings] for name, timings in bare.items()},
    }
    cpu_rates = {
        name: [timing.cpu_rate for timing in timings] for name, timings in {"fitfeed": ours, **bare}.items()
    }
    startup = [timing.startup_s for timing in ours]
    return [
        *measure.compared(case, rates, unit="images/s", floor="floor"),
        *measure.compared(case, cpu_rates, unit="images/CPU-s", floor="floor"),
        Result(case=case, contestant="fitfeed, to first images", unit="s", values=startup),
    ]


def time_fitfeed(source: Path, dataset: Path, arguments: Sequence[str]) -> Timing:
    """Converts in a new process."""
    timing = Converting(source, dataset, arguments).finish()
    shutil.rmtree(dataset)
    return timing


def time_floor(pool: "multiprocessing.pool.Pool", work: Callable[[Path], int], links: list[Path]) -> Timing:
    """Runs the bare loop over all files."""
    before, started = _children(), time.monotonic()
    for _ in pool.imap_unordered(work, links, chunksize=CHUNK):
        pass
    ended, after = time.monotonic(), _children()
    workers = [Usage(after[pid].cpu_s - usage.cpu_s, usage.peak_bytes) for pid, usage in before.items()]
    return Timing(started, ended, [(ended, len(links))], workers)


def _children() -> dict[int, Usage]:
    """What each process of the floor's pool has used."""
    usages = {pid: usage_of(pid) for pid in children_of(os.getpid())}
    return {pid: usage for pid, usage in usages.items() if usage is not None}


if __name__ == "__main__":
    sys.exit(main())
