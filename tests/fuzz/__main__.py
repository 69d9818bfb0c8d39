"""Long runs: `python -m tests.fuzz hdf5 --seconds 3600 --seed 7`. See CONTRIBUTING.md."""

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.fuzz.harness import FuzzFinding, FuzzRun, run
from tests.fuzz.target_table import TARGETS, file_check, target_check

MAX_INPUTS = 1 << 40
HEADER = "target        inputs   /s  signals  hangs  exceptions  slow  peak MiB"


def main() -> int:
    """Runs targets, writes what was found to files, and prints a line for each target."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument(
        "targets", nargs="+", metavar="TARGET", choices=["all", *TARGETS], help=", ".join(["all", *TARGETS])
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="time for each target (%(default)g)")
    parser.add_argument("--inputs", type=int, default=MAX_INPUTS, help="inputs for each target, at most")
    parser.add_argument("--first", type=int, default=0, metavar="NUMBER", help="number of the first input")
    parser.add_argument("--seed", type=int, default=0, help="decides the damage (%(default)s)")
    parser.add_argument("--jobs", type=int, default=1, help="targets at the same time (%(default)s)")
    parser.add_argument(
        "--save", type=Path, default=Path("findings"), help="folder for what is found (%(default)s/)"
    )
    parser.add_argument("--file", type=Path, nargs="+", default=[], help="check these inputs instead")
    arguments = parser.parse_args()
    names = list(TARGETS) if "all" in arguments.targets else arguments.targets
    print(HEADER, flush=True)  # noqa: T201 - the answer
    with ThreadPoolExecutor(arguments.jobs) as threads:
        found = list(threads.map(lambda name: _run(name, arguments), names))
    return any(found)


def _run(name: str, arguments: argparse.Namespace) -> bool:
    """Runs a target, and says whether anything was found."""
    if arguments.file:
        files = tuple(path.read_bytes() for path in arguments.file)
        result = run(file_check, (name, files), range(len(files)))
    else:
        numbers = range(arguments.first, arguments.first + arguments.inputs)
        result = run(target_check, (name, arguments.seed), numbers, seconds=arguments.seconds)
        make = TARGETS[name].maker(arguments.seed)
        for finding in result.findings:
            _save(arguments.save / f"{name}-{arguments.seed}-{finding.number}", make(finding.number), finding)
    found = [f"  {finding.number}: {finding.kind}: {finding.what.strip()}" for finding in result.findings]
    print("\n".join([_line(name, result), *found]), flush=True)  # noqa: T201 - the answer
    return bool(result.findings)


def _line(name: str, result: FuzzRun) -> str:
    counts = (result.count("signal"), result.count("hang"), result.count("exception"), result.count("slow"))
    signals, hangs, exceptions, slow = counts
    rate = result.inputs / result.seconds
    return f"{name:<11} {result.inputs:>8,} {rate:>4.0f} {signals:>8} {hangs:>6} {exceptions:>11} {slow:>5} {result.peak_bytes / 2**20:>9.0f}"


def _save(path: Path, data: bytes, finding: FuzzFinding) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".bin").write_bytes(data)
    target, seed, number = path.name.rsplit("-", 2)
    again = f"python -m tests.fuzz {target} --seed {seed} --first {number} --inputs 1"
    path.with_suffix(".txt").write_text(
        f"{again}\npython -m tests.fuzz {target} --file {path}.bin\n\n{finding.what}\n"
    )


if __name__ == "__main__":
    sys.exit(main())
