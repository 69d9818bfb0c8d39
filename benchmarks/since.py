"""Measures another commit and this one in turns: whether what was fast is as fast still.

Each round runs each benchmark once in a checkout of that commit, and once here, with the libraries that are installed now. The benchmarks
are those of their own commit, so only cases that both have are compared. Contestants are fitfeed's own; what they are divided
by is the same figure of that commit, in the same round.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import measure
from benchmarks.measure import ROOT, Result, alternate, compared


class Figure(NamedTuple):
    """What a benchmark measures."""

    case: str
    contestant: str
    unit: str


def main() -> int:
    """Runs the benchmarks of both; returns the exit status."""
    parser = measure.parser(__doc__, rounds=3)
    parser.add_argument("commit", nargs="?", default="HEAD~1", help="the other one (default: %(default)s)")
    parser.add_argument(
        "--benchmarks", nargs="+", default=["convert", "feed"], metavar="NAME", help="(default: convert feed)"
    )
    options = parser.parse_args()
    with checkout(options.commit) as other:
        results = [
            result
            for name in options.benchmarks
            for result in compare(
                name, other, rounds=1 if options.smoke else options.rounds, smoke=options.smoke
            )
        ]
    measure.report("since", results, options, commit=options.commit, benchmarks=options.benchmarks)
    return 0


@contextmanager
def checkout(commit: str) -> Iterator[Path]:
    """A folder with the files of a commit of this repository, until the end of the block."""
    with tempfile.TemporaryDirectory(prefix="fitfeed-") as folder:
        tree = Path(folder) / "tree"
        git = partial(subprocess.run, cwd=ROOT, check=True)
        git(["git", "worktree", "add", "--quiet", "--detach", str(tree), commit])
        try:
            yield tree
        finally:
            git(["git", "worktree", "remove", "--force", str(tree)])


def compare(name: str, other: Path, *, rounds: int, smoke: bool) -> list[Result]:
    """Runs a benchmark in both trees; returns what both measured of fitfeed."""
    runs = alternate(
        {"before": partial(run, name, other, smoke), "now": partial(run, name, ROOT, smoke)}, rounds=rounds
    )
    both = [figure for figure in runs["now"][0] if figure in runs["before"][0]]
    return [
        result
        for figure in both
        for result in compared(
            f"{figure.case}: {figure.contestant}",
            {tree: [measured[figure] for measured in runs[tree]] for tree in ("before", "now")},
            unit=figure.unit,
            floor="before",
        )
    ]


def run(name: str, tree: Path, smoke: bool) -> dict[Figure, float]:
    """Runs one round of a tree's benchmark; returns the figures of fitfeed."""
    with tempfile.TemporaryDirectory(prefix="fitfeed-") as folder:
        file = Path(folder) / "figures.json"
        command = [sys.executable, str(tree / "benchmarks" / f"{name}.py"), "--json", str(file)]
        command += ["--smoke"] if smoke else ["--rounds", "1"]
        # Or the processes that it starts would import what is here.
        environment = {**os.environ, "PYTHONPATH": str(tree)}
        subprocess.run(command, cwd=tree, env=environment, check=True, stdout=subprocess.DEVNULL)
        results = json.loads(file.read_text())["results"]
    return {
        Figure(result["case"], result["contestant"], result["unit"]): result["values"][0]
        for result in results
        if result["contestant"].startswith("fitfeed")
    }


if __name__ == "__main__":
    sys.exit(main())
