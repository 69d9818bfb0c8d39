"""The table of a soak test."""

import time
from collections import Counter, defaultdict

from tests.servers.network_faults import FAULTS
from tests.soak.cases import Case, LaunchCase, Outcome
from tests.soak.launches import MOMENTS, STAGES, TWO_AT_ONCE
from tests.soak.matrix import DURATIONS


def report(outcomes: list[Outcome], seconds: float) -> str:
    """The result of a soak test as a page.

    Args:
        outcomes: The outcomes of its cases.
        seconds: How long it took.
    """
    verdicts = Counter(outcome.verdict for outcome in outcomes)
    faults = sum(outcome.faults for outcome in outcomes)
    counts = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common())
    lines = [
        "# Object stores under faults",
        "",
        f"`make soak` of {time.strftime('%Y-%m-%d')}: {len(outcomes)} cases, {faults} faults, {seconds:.0f} s: {counts}.",
        "",
        "## Faults",
        "",
        "Each cell has two cases. Before the stroke, requests fail once each; after it, all requests fail from one",
        "on. `same`: results and objects are those without faults, byte for byte. `error`: an `OSError` was raised,",
        "each object is old or new, and whole, and a second attempt succeeded where it is one that may be repeated.",
        "`tests/servers/network_faults.py` says what the faults are.",
    ]
    tables: dict[tuple[str, str], dict[tuple[str, str], str]] = defaultdict(dict)
    for case, verdict, *_ in outcomes:
        if isinstance(case, Case):
            tables[case.kind, case.operation][case.fault, case.duration] = verdict
    for kind in dict.fromkeys(kind for kind, _ in tables):
        lines += [
            "",
            f"### {kind}",
            "",
            "| operation | " + " | ".join(FAULTS) + " |",
            "|---" * (len(FAULTS) + 1) + "|",
        ]
        for (of, operation), cells in tables.items():
            if of == kind:
                pairs = [[cells.get((fault, duration), "") for duration in DURATIONS] for fault in FAULTS]
                lines.append(
                    f"| {operation} | " + " | ".join(" / ".join(filter(None, pair)) for pair in pairs) + " |"
                )
    lines += _launches([outcome for outcome in outcomes if isinstance(outcome.case, LaunchCase)])
    return "\n".join(lines) + "\n"


def _launches(outcomes: list[Outcome]) -> list[str]:
    """Two tables: launches that meet, and launches that are killed."""
    meetings: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    killed: dict[str, Counter[str]] = defaultdict(Counter)
    for case, verdict, *_ in outcomes:
        if case.operation == TWO_AT_ONCE:
            meetings[case.kind, case[3]][case[2]] = verdict
        else:
            killed[case.kind][verdict] += 1
    lines = [
        "",
        "## Two conversions into one DATASET",
        "",
        "The first is held at a stage, until the second has ended. Meanwhile its claim is kept alive (it goes on), or it is",
        "stopped with all its processes until its claim is dead (it stands still). A cell says whose dataset is there, byte for",
        "byte, and in brackets the exit status of the other one: 0, the dataset has all already; 2, another conversion is running, or DATASET is",
        "complete; 7, another launch has published.",
        "",
        "| store | options of the second | " + " | ".join(STAGES) + " |",
        "|---" * (len(STAGES) + 2) + "|",
    ]
    for (kind, way), cells in meetings.items():
        lines.append(f"| {kind} | {way} | " + " | ".join(cells.get(stage, "") for stage in STAGES) + " |")
    lines += [
        "",
        "## A conversion that is killed",
        "",
        f"A process is ended by SIGKILL at one of {MOMENTS} of its requests, evenly spaced; every second of these does not arrive. All",
        "objects that are visible then are whole. The same command continues, and makes the same objects, byte for byte.",
        "",
        "| store | killed and continued |",
        "|---|---|",
    ]
    for kind, verdicts in killed.items():
        lines.append(
            f"| {kind} | " + ", ".join(f"{count} {verdict}" for verdict, count in verdicts.items()) + " |"
        )
    return lines
