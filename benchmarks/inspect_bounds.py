"""Measures what `fitfeed inspect` takes of files that are made to cost much: at most two seconds, and 200 MB.

Each case is a file, or a folder, whose kind has cost other programs minutes or gigabytes. The command
and the process that it reads files in work at the same time, so CPU time, which is shown too, may be more. Memory is the largest sum of all of them at one time; what they share counts once.
The least time of several runs counts, since other programs on the machine only add to it.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.inspect_material import CASES
from benchmarks.processes import proportional_bytes, tree_of

MAX_SECONDS, MAX_MB = 2.0, 200.0

POLL_S = 0.01


class Cost(NamedTuple):
    """What a command took: seconds, CPU seconds of all processes, and MB at once."""

    seconds: float
    cpu_s: float
    mb: float
    exit_status: int


def main() -> int:
    """Prints a line for each case; the exit status says whether all keep the limits."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="CASE", help=f"only these of: {', '.join(CASES)}")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each case")
    arguments = parser.parse_args()
    good = True
    print(
        f"{'case':<28} {'bytes':>12} {'CPU s':>6} {'s':>6} {'of limit':>8} {'MB':>6} {'of limit':>8}  exit status"
    )
    for name in arguments.names or CASES:
        with tempfile.TemporaryDirectory() as folder:
            path = CASES[name](Path(folder))
            costs = [cost_of(path) for _ in range(arguments.repeats)]
            size = sum(file.stat().st_size for file in ([path] if path.is_file() else path.iterdir()))
        seconds, cpu_s, mb = (min(values) for values in zip(*(cost[:3] for cost in costs), strict=True))
        within = seconds <= MAX_SECONDS and mb <= MAX_MB and costs[0].exit_status in (0, 2, 5)
        good &= within
        print(
            f"{name:<28} {size:>12,} {cpu_s:>6.2f} {seconds:>6.2f} {seconds / MAX_SECONDS:>8.2f} {mb:>6.0f} {mb / MAX_MB:>8.2f}  "
            f"{costs[0].exit_status}{'' if within else '  TOO MUCH'}",
            flush=True,
        )
    return 0 if good else 1


def cost_of(path: Path) -> Cost:
    """Runs the command, and looks at its processes all the time."""
    command = [sys.executable, "-P", "-m", "fitfeed", "inspect", str(path)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    began = time.monotonic()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    most = 0
    while True:
        ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        if ended:
            process.returncode = os.waitstatus_to_exitcode(status)
            cpu_s = usage.ru_utime + usage.ru_stime
            return Cost(time.monotonic() - began, cpu_s, most / 1e6, process.returncode)
        most = max(most, sum(map(proportional_bytes, tree_of(process.pid))))
        time.sleep(POLL_S)


if __name__ == "__main__":
    sys.exit(main())
