"""Runs the soak test of object stores: `python -m tests.soak`."""

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from tests.servers.stores import KINDS
from tests.soak.cases import sample
from tests.soak.matrix import all_cases, run_all
from tests.soak.report import report


def main() -> int:
    """Runs all cases, or a sample, and prints what went wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description="Object stores under faults.")
    parser.add_argument("--store", choices=KINDS, action="append", help="only this one")
    parser.add_argument("--operation", action="append", help="only this one")
    parser.add_argument("--fault", action="append", help="only this one, or this moment of a launch")
    parser.add_argument("--sample", metavar="TEXT", help="one case of twenty, chosen by a text")
    parser.add_argument("--table", type=Path, metavar="FILE", help="write the table of all cases")
    arguments = parser.parse_args()
    cases = all_cases(tuple(arguments.store or KINDS))
    cases = [case for case in cases if case.operation in (arguments.operation or [case.operation])]
    cases = [case for case in cases if case[2] in (arguments.fault or [case[2]])]
    if arguments.sample:
        cases = sample(cases, arguments.sample, 20)
    begin = time.monotonic()
    parts = [part for kind in KINDS if (part := [case for case in cases if case.kind == kind])]
    with ProcessPoolExecutor(len(KINDS), mp_context=get_context("spawn")) as pool:  # they mostly wait
        outcomes = [outcome for part in pool.map(run_all, parts) for outcome in part]
    text = report(outcomes, time.monotonic() - begin)
    if arguments.table:
        arguments.table.write_text(text)
    wrong = [outcome for outcome in outcomes if outcome.is_wrong]
    print(text.splitlines()[2])  # noqa: T201
    for outcome in wrong:
        print(*outcome)  # noqa: T201
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
