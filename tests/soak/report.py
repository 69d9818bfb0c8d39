"""The table of a soak test."""

import time
from collections import Counter, defaultdict

from tests.servers.network_faults import FAULTS
from tests.soak.matrix import DURATIONS, Outcome


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
        "Each cell has two cases. Before the stroke, requests fail once each; after it, all requests fail from one",
        "on. `same`: results and objects are those without faults, byte for byte. `error`: an `OSError` was raised,",
        "each object is old or new, and whole, and a second attempt succeeded where it is one that may be repeated.",
        "`tests/servers/network_faults.py` says what the faults are.",
    ]
    tables: dict[tuple[str, str], dict[tuple[str, str], str]] = defaultdict(dict)
    for case, verdict, *_ in outcomes:
        tables[case.kind, case.operation][case.fault, case.duration] = verdict
    for kind in dict.fromkeys(kind for kind, _ in tables):
        lines += [
            "",
            f"## {kind}",
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
    return "\n".join(lines) + "\n"
