"""Conversions that meet at one DATASET, or are killed and continued: launches in processes of their own.

How far a launch is, the proxy sees by what it has put. It holds a request back while another launch runs:

```
first     plan -> claim -> plans/, job.json -> results/0 -> results/1 -> outcome.json -> manifest.json -> clean up
                  ^ held here, or after one of these; meanwhile the first goes on otherwise, or is stopped as a whole
second              plan -> claim -> ...                     to its end
```
"""

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

import pytest

from fitfeed.schemas.storage.place import Place
from tests.servers.network_faults import Asked, Fault
from tests.servers.proxy import Proxy, no_fault
from tests.servers.stores import KINDS, Kind, StoreServers
from tests.soak.cases import LaunchCase, Outcome
from tests.soak.dataset_operations import BESIDE, ERRORS, photos
from tests.soak.hurry import empty_bucket
from tests.soak.operation import State, is_between, state_of
from tests.without_beam import convert

ROOT = Path(__file__).parents[2]
SHARDS = 2
MOMENTS = 20
MAX_WAIT_S = 300.0


class Stage(NamedTuple):
    """How far the first of two is.

    Attributes:
        object: What it puts then.
        puts: How many of those have been put; with 0, the first is held before it is put.
    """

    object: str
    puts: int = 1


STAGES = {
    "before the claim": Stage(".work/lock", 0),
    "planned": Stage("/job.json"),
    "some shards written": Stage("/results/"),
    "written": Stage("/results/", SHARDS),
    "reviewed": Stage("/outcome.json"),
    "manifest put": Stage("/manifest.json"),
}
OPTIONS: dict[str, dict[str, object]] = {
    "the same": {"shards": SHARDS},
    "other": {"shards": SHARDS, "size": (12, 12)},  # its shards have the same names
}
GOES_ON, STANDS_STILL = "goes on", "stands still"
TWO_AT_ONCE, KILLED = "two at once", "killed"
REFUSED = (2, 7)
"""Exit statuses of one who has not published: another is running, or has published."""


def launch_cases(kinds: tuple[Kind, ...] = KINDS) -> list[LaunchCase]:
    """Two launches at each stage, and killed ones."""
    ways = [
        f"{options} options, the first {first}" for options in OPTIONS for first in (GOES_ON, STANDS_STILL)
    ]
    cases = [LaunchCase(kind, TWO_AT_ONCE, stage, way) for kind in kinds for way in ways for stage in STAGES]
    return cases + [LaunchCase(kind, KILLED, str(moment)) for kind in kinds for moment in range(MOMENTS)]


class Once:
    """A schedule that lets something happen at one request, and lets all others pass."""

    def __init__(self, is_it: Callable[[Asked], bool], act: Callable[[], Fault | None]) -> None:
        self._is_it, self._act = is_it, act
        self._happened, self._lock = False, threading.Lock()

    def __call__(self, asked: Asked) -> Fault | None:
        with self._lock:
            if self._happened or not self._is_it(asked):
                return None
            self._happened = True
        return self._act()


def at_stage(stage: Stage) -> Callable[[Asked], bool]:
    """Whether a request is the first one after a stage, but for those that keep a claim alive."""
    put: set[str] = set()

    def is_it(asked: Asked) -> bool:
        path = unquote(asked.path)
        is_put = asked.method == "PUT" and stage.object in path
        if is_put and stage.puts == 0:
            return True
        is_after = len(put) >= stage.puts > 0 and path not in put and not is_of_claim(asked)
        if is_put:
            put.add(path)
        return is_after

    return is_it


def at_request(number: int) -> Callable[[Asked], bool]:
    """Whether a request is the n-th, from 0. Those that keep a claim alive do not count, as they come by the clock."""
    counter = itertools.count()
    return lambda asked: not is_of_claim(asked) and next(counter) == number


def is_of_claim(asked: Asked) -> bool:
    return ".work/lock" in unquote(asked.path)


class LaunchRunner:
    """Runs launches."""

    def __init__(self, servers: StoreServers, patch: pytest.MonkeyPatch) -> None:
        self._servers, self._patch = servers, patch
        self._expected: dict[tuple[Kind, str], State] = {}
        self._requests: dict[Kind, int] = {}

    def run(self, case: LaunchCase) -> Outcome:
        """Runs a case."""
        begin = time.monotonic()
        verdict, text = self._two(case) if case.operation == TWO_AT_ONCE else self._killed(case)
        return Outcome(case, verdict, 1, text, time.monotonic() - begin)

    def _two(self, case: LaunchCase) -> tuple[str, str]:
        """Holds the first at a stage, until the second has ended."""
        theirs = case.detail.partition(" options")[0]
        expected = self._state_alone(case.kind, "the same"), self._state_alone(case.kind, theirs)
        place, proxy = empty_bucket(self._servers, self._patch, case.kind)
        reached, go_on = threading.Event(), threading.Event()

        def hold() -> None:
            reached.set()
            go_on.wait(MAX_WAIT_S)

        with proxy.faults(Once(at_stage(STAGES[case.moment]), hold)), launched(place) as first:
            try:
                if not first.is_at(reached):
                    return "NOT REACHED", first.text()
                with first.stopped(case.detail.endswith(STANDS_STILL)):
                    second, text = _convert(place, theirs)
            finally:
                go_on.set()
            statuses = first.wait(), second
        state = state_of(place, BESIDE)
        text = f"first: {first.text()} second: {text}"
        return _who_won(state, expected, statuses), text

    def _killed(self, case: LaunchCase) -> tuple[str, str]:
        """Kills a launch at one of its requests, which arrives or does not, and runs the same command again."""
        whole = self._state_alone(case.kind, "the same")
        if case.kind not in self._requests:
            place, proxy = empty_bucket(self._servers, self._patch, case.kind)
            self._requests[case.kind] = _count_requests(place, proxy)
        place, proxy = empty_bucket(self._servers, self._patch, case.kind)
        moment = int(case.moment)
        number = self._requests[case.kind] * moment // MOMENTS
        processes: list[Launched] = []

        def kill() -> Fault | None:
            processes[0].process.kill()
            return "closed" if moment % 2 else None

        with proxy.faults(Once(at_request(number), kill)), launched(place) as first:
            processes.append(first)
            status = first.wait()
        if status != -signal.SIGKILL:
            return "NOT KILLED", first.text()
        if not is_between(state_of(place, BESIDE), {}, whole):
            return "DAMAGED", ""
        status, text = _convert(place, "the same")
        if status:
            return "CANNOT BE CONTINUED", text
        return ("same" if state_of(place, BESIDE) == whole else "ANOTHER STATE"), ""

    def _state_alone(self, kind: Kind, options: str) -> State:
        """What one launch makes, if nothing happens."""
        if (kind, options) not in self._expected:
            place, _ = empty_bucket(self._servers, self._patch, kind)
            _convert(place, options)
            self._expected[kind, options] = state_of(place, BESIDE)
        return self._expected[kind, options]


def _who_won(state: State, expected: tuple[State, State], statuses: tuple[int, int]) -> str:
    """Who has made the dataset, and the exit status of the other one."""
    if state not in expected:
        return "DAMAGED"
    if expected[0] == expected[1]:
        winner = statuses.index(0) if 0 in statuses else 0
    else:
        winner = expected.index(state)
    loser = statuses[1 - winner]
    if statuses[winner] or not (loser in REFUSED or (loser == 0 and expected[0] == expected[1])):
        return f"STATUSES {statuses}"
    return f"{('first', 'second')[winner]} ({loser})"


def _count_requests(place: Place, proxy: Proxy) -> int:
    with proxy.faults(no_fault) as log, launched(place) as first:
        first.wait()
    return sum(not is_of_claim(entry.asked) for entry in log)


def _convert(place: Place, options: str) -> tuple[int, str]:
    """The second launch, in this process: its exit status, and what it says."""
    try:
        convert(photos(), str(place.below("dataset")), OPTIONS[options])
    except ERRORS as error:
        return getattr(error, "exit_status", 1), str(error)
    return 0, ""


class Launched(NamedTuple):
    """A launch in a process group of its own."""

    process: "subprocess.Popen[bytes]"
    log: Path

    def wait(self) -> int:
        return self.process.wait(MAX_WAIT_S)

    def is_at(self, reached: threading.Event) -> bool:
        """Whether it comes to a moment before it ends."""
        end = time.monotonic() + MAX_WAIT_S
        while not reached.wait(0.2):
            if self.process.poll() is not None or time.monotonic() > end:
                return False
        return True

    def text(self) -> str:
        return self.log.read_text().strip()

    @contextmanager
    def stopped(self, is_stopped: bool) -> Iterator[None]:
        """It stands still while the block runs, as on a machine that was suspended; or it does not."""
        if not is_stopped:
            yield
            return
        os.killpg(self.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self.process.pid, signal.SIGCONT)


@contextmanager
def launched(place: Place) -> Iterator[Launched]:
    """Starts the first launch."""
    command = [
        sys.executable,
        "-m",
        "tests.soak.launch",
        "convert",
        str(photos()),
        str(place.below("dataset")),
    ]
    command += ["--shards", str(SHARDS), "--quiet"]
    log = photos().parent / "launch.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(command, cwd=ROOT, stdout=stream, stderr=stream, start_new_session=True)
    try:
        yield Launched(process, log)
    finally:
        process.kill()
        process.wait()
