"""The record of a soak test of engines: a line of JSON for each case that has ended, so that a run of an hour can be continued."""

import json
from collections import Counter
from pathlib import Path

from tests.soak.engine_matrix import GOOD, EngineCase, EngineOutcome


class EngineRecord:
    """The outcomes of cases, from one run or several. Processes may add to it at the same time."""

    def __init__(self, file: Path) -> None:
        """Names it. It begins when the first case has ended.

        Args:
            file: Its file.
        """
        self._file = file

    def add(self, outcome: EngineOutcome) -> None:
        """Adds the outcome of a case that has ended."""
        with self._file.open("a") as file:  # lines this short are appended whole
            file.write(json.dumps(outcome) + "\n")

    def outcomes(self, cases: list[EngineCase]) -> list[EngineOutcome]:
        """The last outcome of each of some cases, which all have run.

        Raises:
            KeyError: If one has not.
        """
        last = {outcome.case: outcome for outcome in self._all()}
        return [last[case] for case in cases]

    def repeated(self, cases: list[EngineCase]) -> int:
        """How many of some cases have run more than once."""
        counts = Counter(outcome.case for outcome in self._all())
        return sum(counts[case] > 1 for case in cases)

    def left(self, cases: list[EngineCase]) -> list[EngineCase]:
        """Those of some cases that have not run yet, or not ended well."""
        last = {outcome.case: outcome for outcome in self._all()}
        done = {case for case, outcome in last.items() if outcome.verdict in GOOD}
        return [case for case in cases if case not in done]

    def _all(self) -> list[EngineOutcome]:
        if not self._file.exists():
            return []
        return [_parse(line) for line in self._file.read_text().splitlines()]


def _parse(line: str) -> EngineOutcome:
    case, *rest = json.loads(line)
    return EngineOutcome(EngineCase(*case), *rest)
