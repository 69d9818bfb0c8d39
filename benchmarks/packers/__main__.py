"""One contestant in a process of its own: converts once, and prints how many images it has stored."""

import argparse
import importlib
import sys
from pathlib import Path

from benchmarks.packers.task import Task


def main() -> int:
    """Converts; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("module")
    parser.add_argument("function")
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--workers", type=int, required=True)
    given = parser.parse_args()
    answers, sys.stdout = sys.stdout, sys.stderr  # libraries print
    convert = getattr(importlib.import_module(f"benchmarks.packers.{given.module}"), given.function)
    print(convert(Task(given.source, given.target, given.workers)), file=answers)
    return 0


if __name__ == "__main__":
    sys.exit(main())
