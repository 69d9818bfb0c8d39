"""The matrix of the soak test: store x operation x fault, each once and as an outage."""

import contextlib
import hashlib
import itertools
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar, get_args

import pytest

from fitfeed.schemas.storage import claim, clients, store
from fitfeed.schemas.storage.open_place import open_place
from fitfeed.schemas.storage.place import Place
from tests.servers.network_faults import FAULTS, Fault, Outage, Schedule, Seeded
from tests.servers.proxy import Proxy, no_fault
from tests.servers.stores import KINDS, Kind, StoreServers
from tests.soak.dataset_operations import DATASET_OPERATIONS
from tests.soak.operation import Operation, State, is_between
from tests.soak.place_operations import PLACE_OPERATIONS

if TYPE_CHECKING:
    from obstore.store import RetryConfig

OPERATIONS: dict[str, Operation] = {
    operation.name: operation for operation in (*PLACE_OPERATIONS, *DATASET_OPERATIONS)
}
Duration = Literal["once", "for ever"]
DURATIONS: tuple[Duration, ...] = get_args(Duration)
SEED = 16

# Times of a test: a user waits for minutes until a store is given up.
SLOW_S = 0.2
SILENCE_S = 1
REQUEST_BYTES = 32 << 10
CLAIM_S = {"REFRESH_S": 1.0, "LIFETIME_S": 6.0, "MARGIN_S": 2.0, "POLL_S": 0.5}  # stores tell whole seconds
RETRIES: "RetryConfig" = {
    "max_retries": 3,
    "retry_timeout": timedelta(seconds=20),
    "backoff": {
        "init_backoff": timedelta(milliseconds=5),
        "max_backoff": timedelta(milliseconds=20),
        "base": 2,
    },
}


class Case(NamedTuple):
    """A cell of the matrix.

    Attributes:
        kind: The store.
        operation: The operation's name.
        fault: What goes wrong.
        duration: Whether a request fails once, or all fail from one on.
    """

    kind: Kind
    operation: str
    fault: Fault
    duration: Duration


class Outcome(NamedTuple):
    """What became of a case.

    Attributes:
        case: The case.
        verdict: `same`: as without faults; `error`: it was raised, and what is in the store is old or new, and whole;
            anything else says what is wrong.
        faults: How many faults there were.
        text: What the error says.
        seconds: How long it took.
    """

    case: Case
    verdict: str
    faults: int
    text: str
    seconds: float


AnyCase = TypeVar("AnyCase")
"""A case of this matrix, or of another one."""


def all_cases(kinds: tuple[Kind, ...] = KINDS) -> list[Case]:
    """All cells, store by store."""
    cells = itertools.product(kinds, OPERATIONS, FAULTS, DURATIONS)
    return [Case(*cell) for cell in cells if cell[2:] != ("slow", "for ever")]


def sample(cases: list[AnyCase], seed: str, part: int) -> list[AnyCase]:
    """One of `part` cases, those that a text such as a commit's hash chooses."""
    return [case for case in cases if _number(f"{seed} {case}") % part == 0]


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


@contextlib.contextmanager
def hurried() -> Iterator[pytest.MonkeyPatch]:
    """Clients that are made in this block give up soon, and read little at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clients, "RETRIES", RETRIES)
        patch.setattr(store, "MAX_REQUEST_BYTES", REQUEST_BYTES)
        for name, seconds in CLAIM_S.items():
            patch.setattr(claim, name, seconds)
        yield patch


@contextlib.contextmanager
def short_silence(fault: Fault) -> Iterator[None]:
    """Where answers stall, clients do not wait long for the next byte. Elsewhere only a slow machine would notice."""
    if fault != "stalled":
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        clients._clients.clear()
        patch.setattr(clients, "MAX_SILENCE_S", SILENCE_S)
        yield
        clients._clients.clear()


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
        place, proxy = self._place(case.kind)
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
        if operation.may_repeat and (operation.act(place) != expected or operation.state(place) != after):
            return "CANNOT BE REPEATED"
        return "error"

    def _without_faults(self, kind: Kind, operation: Operation) -> tuple[object, State, int]:
        """Result, state afterwards, and how many requests it took."""
        key = kind, operation.name
        if key not in self._expected:
            place, proxy = self._place(kind)
            operation.prepare(place)
            with proxy.faults(no_fault) as log:
                result = operation.act(place)
            self._expected[key] = result, operation.state(place), len(log)
        return self._expected[key]

    def _place(self, kind: Kind) -> tuple[Place, Proxy]:
        clients._clients.clear()  # and so the connections of earlier cases
        found = self._servers.store(kind)
        for name, value in found.environment.items():
            self._patch.setenv(name, value)
        return open_place(f"{found.address}/flowers", "DATASET"), found.proxy


def _schedule(case: Case, operation: Operation, requests: int) -> Schedule:
    if case.duration == "for ever":
        return Outage(case.fault, skip=_number(str(case)) % max(1, requests * 2 // 3))
    return Seeded(SEED, operation.rate, [case.fault], at_most=1)


def run_all(cases: list[Case]) -> list[Outcome]:
    """Runs cases one after the other, on servers of their own."""
    with contextlib.closing(StoreServers()) as servers, hurried() as patch:
        runner = Runner(servers, patch)
        return [runner.run(case) for case in cases]
