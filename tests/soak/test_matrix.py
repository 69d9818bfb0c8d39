"""A few cells of the soak test's matrix; `make soak` has all of them."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from fitfeed.schemas.storage.place import Place
from tests.servers.network_faults import FAULTS
from tests.servers.stores import KINDS, StoreServers
from tests.soak import matrix
from tests.soak.matrix import OPERATIONS, Case, Runner, all_cases, hurried, sample
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
    cases = all_cases()
    assert len(cases) == len(KINDS) * len(OPERATIONS) * (2 * len(FAULTS) - 1)
    assert sample(cases, "one", 20) == sample(cases, "one", 20) != sample(cases, "two", 20)
    assert 0.5 < len(sample(cases, "one", 20)) / (len(cases) / 20) < 2
