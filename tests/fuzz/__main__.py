"""A long session: `python -m tests.fuzz --inputs 100000 --seed 7 --save findings/`."""

import argparse
import sys
import time
from pathlib import Path

from tests.fuzz import checks, corpus
from tests.fuzz.harness import run
from tests.fuzz.mutate import mutated


def main() -> int:
    """Runs it, saves each input that fails with what it did, and prints a summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", choices=["image", "tfrecord", "hdf5"], default="image")
    parser.add_argument("--inputs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save", type=Path, default=Path("findings"))
    arguments = parser.parse_args()
    started = time.monotonic()
    kind, seed, numbers = arguments.kind, arguments.seed, range(arguments.inputs)
    if kind == "image":
        findings = run(checks.image_check, (seed,), numbers)
    else:
        findings = run(checks.container_check, (seed, kind), numbers)
    for finding in findings:
        arguments.save.mkdir(parents=True, exist_ok=True)
        name = arguments.save / f"{kind}-{seed}-{finding.number}"
        name.with_suffix(".bin").write_bytes(_input(kind, seed, finding.number))
        name.with_suffix(".txt").write_text(finding.what)
    print(f"{arguments.inputs} inputs, {len(findings)} findings, {time.monotonic() - started:.0f} s")  # noqa: T201
    return bool(findings)


def _input(kind: str, seed: int, number: int) -> bytes:
    if kind == "image":
        return mutated(corpus.images(), seed=seed, number=number)
    files = checks.containers()[kind == "hdf5"]
    return checks.container(files, seed=seed, number=number, kind=kind)


if __name__ == "__main__":
    sys.exit(main())
