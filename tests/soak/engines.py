"""Runs the soak test of engines: `python -m tests.soak.engines`."""

import argparse
import sys
import tempfile
import time
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from tests.servers.engines import ENGINE_KINDS
from tests.soak.cases import sample
from tests.soak.engine_matrix import GOOD, MOMENTS, PLACES, EngineOutcome, all_engine_cases, run_engine_cases
from tests.soak.engine_record import EngineRecord


def main() -> int:
    """Runs all cases, or a sample, and prints what went wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.engines", description="Engines under faults.")
    parser.add_argument("--engine", choices=ENGINE_KINDS, action="append", help="only this one")
    parser.add_argument("--place", choices=PLACES, action="append", help="only this one")
    parser.add_argument("--fault", choices=list(MOMENTS), action="append", help="only this one")
    parser.add_argument("--sample", metavar="TEXT", help="one case of twenty, chosen by a text")
    parser.add_argument("--table", type=Path, metavar="FILE", help="write the table of all cases")
    parser.add_argument(
        "--record",
        type=Path,
        metavar="FILE",
        help="add each outcome; leave out the cases that are good there",
    )
    parser.add_argument(
        "--jobs", type=int, default=2, metavar="N", help="cases at a time (default: %(default)s)"
    )
    arguments = parser.parse_args()
    cases = [
        case
        for case in all_engine_cases()
        if case.engine in (arguments.engine or [case.engine])
        and case.place in (arguments.place or [case.place])
        and case.fault in (arguments.fault or [case.fault])
    ]
    if arguments.sample:
        cases = sample(cases, arguments.sample, 20)
    with tempfile.TemporaryDirectory() as folder:
        record = EngineRecord(arguments.record or Path(folder, "record"))
        left = record.left(cases)
        parts = [part for number in range(arguments.jobs) if (part := left[number :: arguments.jobs])]
        with ProcessPoolExecutor(arguments.jobs, mp_context=get_context("spawn")) as pool:
            list(pool.map(partial(run_engine_cases, add=record.add), parts))
        outcomes, repeated = record.outcomes(cases), record.repeated(cases)
    text = engine_report(outcomes, repeated)
    if arguments.table:
        arguments.table.write_text(text)
    wrong = [outcome for outcome in outcomes if outcome.verdict not in GOOD]
    print(text.splitlines()[2])  # noqa: T201
    for outcome in wrong:
        print(*outcome)  # noqa: T201
    return 1 if wrong else 0


def engine_report(outcomes: list[EngineOutcome], repeated: int = 0) -> str:
    """The result of a soak test as a page.

    Args:
        outcomes: The outcomes of its cases.
        repeated: How many of them ran more than once.
    """
    verdicts = Counter(outcome.verdict for outcome in outcomes)
    counts = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common())
    seconds = sum(outcome.seconds for outcome in outcomes)
    again = f" {repeated} of them ran more than once, and the last time counts." if repeated else ""
    cells: dict[tuple[str, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for case, verdict, *_ in outcomes:
        cells[case.engine, case.place][case.fault].append(verdict)
    rows = [
        f"| {engine} | {place} | " + " | ".join(_cell(found[fault]) for fault in MOMENTS) + " |"
        for (engine, place), found in cells.items()
    ]
    return "\n".join(
        [
            "# Engines under faults",
            "",
            f"`make soak` of {time.strftime('%Y-%m-%d')}: {len(outcomes)} cases, {seconds:.0f} s: {counts}.{again}",
            "",
            "Each case is a job of its own, in which something goes wrong once, at one of several moments between its beginning",
            "and its end. `same`: the dataset has the bytes of a local run, file by file, and nothing else is left. `continued`:",
            "the command ended with one line that says so, and then the same command gave the same bytes; where a worker was",
            "killed, the services of `prism` and `job service` were started anew before. `interrupted`: `job service` waits for ever for a",
            "worker that was killed before it had called; after Ctrl-C the command ended as above. `tests/soak/engine_matrix.py` says what is done.",
            "",
            "| engine | dataset in | " + " | ".join(MOMENTS) + " |",
            "|---" * (len(MOMENTS) + 2) + "|",
            *rows,
            "",
        ]
    )


def _cell(verdicts: list[str]) -> str:
    return ", ".join(f"{count} {verdict}" for verdict, count in Counter(verdicts).most_common())


if __name__ == "__main__":
    sys.exit(main())
