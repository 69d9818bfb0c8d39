"""One contestant in a process of its own: takes an epoch for each line it reads, and says how fast.

Its own process, because loaders fork, and because what one library does to a process (threads,
memory, signal handlers) must not reach the next.
"""

import importlib
import json
import sys
import time
from typing import TextIO

from benchmarks.loaders.material import Task, cpu_seconds

MIN_SECONDS = 2.0
"""A measurement takes at least so long."""


def main() -> int:
    """Serves until its input ends. Arguments: module, function, task as JSON."""
    module, function, task = sys.argv[1:]
    answers, sys.stdout = sys.stdout, sys.stderr  # libraries print
    epoch = getattr(importlib.import_module(f"benchmarks.loaders.{module}"), function)(
        Task(**json.loads(task))
    )
    epoch()  # starts workers, traces functions, and reads files into the page cache
    answer(answers, {})
    for _ in sys.stdin:
        started, cpu_started, images = time.perf_counter(), cpu_seconds(), 0
        while time.perf_counter() - started < MIN_SECONDS:
            images += epoch()
        wall, cpu = time.perf_counter() - started, cpu_seconds() - cpu_started
        answer(answers, {"wall": images / wall, "cpu": images / cpu})
    return 0


def answer(stream: TextIO, content: dict[str, float]) -> None:
    """Writes one line."""
    print(json.dumps(content), file=stream, flush=True)


if __name__ == "__main__":
    sys.exit(main())
