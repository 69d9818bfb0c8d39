"""The matrix of the soak test: store x operation x fault, each once and as an outage; and whole launches that meet."""

import contextlib
import itertools
import time
from typing import get_args

import pytest

from fitfeed.schemas.storage.place import Place
from tests.servers.network_faults import FAULTS, Outage, Schedule, Seeded
from tests.servers.proxy import no_fault
from tests.servers.stores import KINDS, Kind, StoreServers
from tests.soak.cases import Case, Duration, LaunchCase, Outcome, number_of
from tests.soak.dataset_operations import DATASET_OPERATIONS
from tests.soak.hurry import CLAIM_S, empty_bucket, hurried, short_silence
from tests.soak.launches import LaunchRunner, launch_cases
from tests.soak.operation import Operation, State, is_between
from tests.soak.place_operations import PLACE_OPERATIONS

OPERATIONS: dict[str, Operation] = {
    operation.name: operation for operation in (*PLACE_OPERATIONS, *DATASET_OPERATIONS)
}
DURATIONS: tuple[Duration, ...] = get_args(Duration)
SEED = 16

SLOW_S = 0.2


def all_cases(kinds: tuple[Kind, ...] = KINDS) -> list[Case | LaunchCase]:
    """All cells, store by store."""
    return [*fault_cases(kinds), *launch_cases(kinds)]


def fault_cases(kinds: tuple[Kind, ...] = KINDS) -> list[Case]:
    """All operations under all faults."""
    cells = itertools.product(kinds, OPERATIONS, FAULTS, DURATIONS)
    return [Case(*cell) for cell in cells if cell[2:] != ("slow", "for ever")]


class Runner:
    """Runs cases. What an operation does without faults, it finds out once for each store."""

    def __init__(self, servers: StoreServers, patch: pytest.MonkeyPatch) -> None:
        self._servers, self._patch = servers, patch
        self._expected: dict[tuple[Kind, str], tuple[object, State, int]] = {}

    def run(self, case: Case) -> Outcome:
        """Runs a case."""
        begin = time.monotonic()
        operation = OPERATIONS[case.operation]
        expected, after, requests = self._without_faults(case.kind, operation)
        place, proxy = empty_bucket(self._servers, self._patch, case.kind)
        operation.prepare(place)
        before = operation.state(place)
        proxy.slow_s = SLOW_S
        text = ""
        with short_silence(case.fault), proxy.faults(_schedule(case, operation, requests)) as log:
            try:
                verdict = "same" if operation.act(place) == expected else "ANOTHER RESULT"
            except operation.errors as error:
                verdict, text = "error", str(error)
        faults = sum(entry.fault is not None for entry in log)
        state = operation.state(place)
        if verdict == "same" and state != after:
            verdict = "ANOTHER STATE"
        elif verdict == "error":
            verdict = self._after_error(operation, place, state, (before, expected, after))
        return Outcome(case, verdict, faults, text, time.monotonic() - begin)

    def _after_error(
        self, operation: Operation, place: Place, state: State, wanted: tuple[State, object, State]
    ) -> str:
        before, expected, after = wanted
        if not is_between(state, before, after):
            return "DAMAGED"
        if operation.may_repeat and (_again(operation, place) != expected or operation.state(place) != after):
            return "CANNOT BE REPEATED"
        return "error"

    def _without_faults(self, kind: Kind, operation: Operation) -> tuple[object, State, int]:
        """Result, state afterwards, and how many requests it took."""
        key = kind, operation.name
        if key not in self._expected:
            place, proxy = empty_bucket(self._servers, self._patch, kind)
            operation.prepare(place)
            with proxy.faults(no_fault) as log:
                result = operation.act(place)
            self._expected[key] = result, operation.state(place), len(log)
        return self._expected[key]


def _again(operation: Operation, place: Place) -> object:
    """Repeats an operation; once more, if a claim is still kept alive by a request that the first attempt was making."""
    try:
        return operation.act(place)
    except operation.errors:
        time.sleep(CLAIM_S["LIFETIME_S"])
    try:
        return operation.act(place)
    except operation.errors as error:
        return error


def _schedule(case: Case, operation: Operation, requests: int) -> Schedule:
    if case.duration == "for ever":
        return Outage(case.fault, skip=number_of(str(case)) % max(1, requests * 2 // 3))
    return Seeded(SEED, operation.rate, [case.fault], at_most=1)


def run_all(cases: list[Case | LaunchCase]) -> list[Outcome]:
    """Runs cases one after the other, on servers of their own."""
    with contextlib.closing(StoreServers()) as servers, hurried() as patch:
        runner, launches = Runner(servers, patch), LaunchRunner(servers, patch)
        return [launches.run(case) if isinstance(case, LaunchCase) else runner.run(case) for case in cases]
