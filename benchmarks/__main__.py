"""Runs all benchmarks, each in a process of its own. `make bench` calls this."""

import argparse
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent

NAMES = (
    "startup",
    "short_runs",
    "worker_memory",
    "convert",
    "memory",
    "feed",
    "stages",
    "bench_is_right",
    "estimate_is_right",
    "scale",
    "planning",
    "planning_again",
    "report",
    "input_monitor",
    "scaling",
    "stores",
    "engines",
    "augment",
    "device",
    "feed_peers",
    "frameworks",
    "convert_peers",
)


def main() -> int:
    """Runs the benchmarks; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these of: {', '.join(NAMES)}")
    parser.add_argument("--json", type=Path, metavar="FOLDER", help="write the figures to FOLDER/NAME.json")
    parser.add_argument("--smoke", action="store_true", help="show that all work, in seconds")
    options = parser.parse_args()
    unknown = set(options.names) - set(NAMES)
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}. Choose from: {', '.join(NAMES)}")
    failed = [name for name in options.names or NAMES if run(name, options)]
    if failed:
        print(f"FAILED: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def run(name: str, options: argparse.Namespace) -> int:
    """Runs one benchmark; returns its exit status."""
    print(f"== {name}", flush=True)
    command = [sys.executable, str(FOLDER / f"{name}.py")]
    if options.json is not None:
        command += ["--json", str(options.json / f"{name}.json")]
    if options.smoke:
        command.append("--smoke")
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
