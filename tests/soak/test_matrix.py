"""A few cells of the soak test's matrix; `make soak` has all of them."""

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import quote

import pytest

from fitfeed.schemas.storage.place import Place
from tests.servers.network_faults import FAULTS, Asked
from tests.servers.stores import KINDS, StoreServers
from tests.soak import matrix
from tests.soak.cases import Case, LaunchCase, sample
from tests.soak.hurry import hurried
from tests.soak.launches import (
    GOES_ON,
    KILLED,
    STAGES,
    STANDS_STILL,
    TWO_AT_ONCE,
    LaunchRunner,
    _who_won,
    at_stage,
    launch_cases,
)
from tests.soak.matrix import OPERATIONS, Runner, fault_cases
from tests.soak.operation import is_between


@pytest.fixture
def runner(store_servers: StoreServers) -> Iterator[Runner]:
    with hurried() as patch:
        yield Runner(store_servers, patch)


@pytest.mark.parametrize(
    ("operation", "fault", "duration", "verdict"),
    [
        ("read", "503", "once", "same"),
        ("ranges", "shortened", "once", "same"),
        ("ranges", "403", "once", "error"),
        ("list", "truncated", "for ever", "error"),
        ("write once", "truncated", "once", "same"),
        ("write", "lost", "for ever", "error"),
        ("train", "503", "once", "same"),
        ("train, stream", "reset", "for ever", "error"),
    ],
)
def test_a_case_has_its_verdict(
    runner: Runner, operation: str, fault: str, duration: str, verdict: str
) -> None:
    assert fault in FAULTS
    assert duration in ("once", "for ever")
    outcome = runner.run(Case("gs", operation, fault, duration))  # type: ignore[arg-type]
    assert (outcome.verdict, outcome.faults > 0) == (verdict, True)
    assert ("gs://bucket" in outcome.text) == (verdict == "error")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "way", "verdicts"),
    [
        ("planned", f"other options, the first {GOES_ON}", {"first (2)"}),
        (
            "some shards written",
            f"the same options, the first {STANDS_STILL}",
            {"second (7)", "second (2)", "second (0)"},
        ),
    ],
)
def test_launches_that_meet(store_servers: StoreServers, stage: str, way: str, verdicts: set[str]) -> None:
    with hurried() as patch:
        outcome = LaunchRunner(store_servers, patch).run(LaunchCase("gs", TWO_AT_ONCE, stage, way))
    assert outcome.verdict in verdicts, outcome.text


@pytest.mark.slow
def test_a_launch_that_is_killed(store_servers: StoreServers) -> None:
    with hurried() as patch:
        outcome = LaunchRunner(store_servers, patch).run(LaunchCase("gs", KILLED, "11"))
    assert outcome.verdict == "same", outcome.text


def test_who_won() -> None:
    ours, theirs = {"a": "1"}, {"a": "2"}
    assert _who_won(ours, (ours, theirs), (0, 2)) == "first (2)"
    assert _who_won(theirs, (ours, theirs), (7, 0)) == "second (7)"
    assert _who_won(ours, (ours, ours), (0, 0)) == "first (0)"
    assert _who_won({"a": "3"}, (ours, theirs), (0, 2)) == "DAMAGED"
    assert (
        _who_won(ours, (ours, theirs), (0, 0)) == "STATUSES (0, 0)"
    )  # the second has lost, and does not say so
    assert _who_won(ours, (ours, theirs), (1, 2)) == "STATUSES (1, 2)"


def test_stages_are_seen_by_what_is_put() -> None:
    def asked(method: str, path: str) -> Asked:
        return Asked(
            method, quote(f"/bucket/dataset/.work/{path}", safe=""), "", ""
        )  # as the client of gs:// does

    written = at_stage(STAGES["written"])
    results = [asked("PUT", f"0/results/{shard}.json") for shard in (0, 1, 1)]  # the last answer was lost
    other = asked("GET", "0/launch.json")
    seen = [other, results[0], other, *results[1:], asked("PUT", "lock"), other]
    assert [written(each) for each in seen] == [*[False] * 6, True]
    assert [at_stage(STAGES["before the claim"])(asked(method, "lock")) for method in ("HEAD", "PUT")] == [
        False,
        True,
    ]


def test_there_are_launches_at_each_stage_and_twenty_moments() -> None:
    cases = launch_cases(("gs",))
    assert [case.operation for case in cases].count(TWO_AT_ONCE) == 4 * len(STAGES)
    assert [case.operation for case in cases].count(KILLED) == 20


def test_damage_is_seen(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = iter(range(100))

    def write_half(place: Place) -> object:
        if next(calls) == 0:  # without faults
            return place.write("small", b"0123456789").bytes
        place.write("small", b"01234")
        raise OSError("half way")

    monkeypatch.setitem(matrix.OPERATIONS, "half", replace(OPERATIONS["write"], name="half", act=write_half))
    assert runner.run(Case("gs", "half", "500", "once")).verdict == "DAMAGED"


def test_another_result_is_seen(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = iter(range(100))
    counting = replace(OPERATIONS["find"], name="counting", act=lambda _: next(numbers))
    monkeypatch.setitem(matrix.OPERATIONS, "counting", counting)
    assert runner.run(Case("gs", "counting", "500", "once")).verdict == "ANOTHER RESULT"


def test_files_between_two_states_are_old_or_new() -> None:
    before, after = {"a": "1", "b": "2"}, {"a": "3", "c": "4"}
    for state in (before, after, {"a": "3", "b": "2"}, {"a": "1"}, {"a": "1", "b": "2", "c": "4"}):
        assert is_between(state, before, after)
    for state in ({"a": "2"}, {"b": "2"}, {"a": "1", "d": "5"}, {"a": "1", "c": "2"}):
        assert not is_between(state, before, after)


def test_a_sample_depends_on_the_text_only() -> None:
    cases = fault_cases()
    assert len(cases) == len(KINDS) * len(OPERATIONS) * (2 * len(FAULTS) - 1)
    assert sample(cases, "one", 20) == sample(cases, "one", 20) != sample(cases, "two", 20)
    assert 0.5 < len(sample(cases, "one", 20)) / (len(cases) / 20) < 2
