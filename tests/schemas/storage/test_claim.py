"""One process at a time writes into a place; a claim whose holder is dead is taken over, and the dead one learns of it."""

import threading
import time
from pathlib import Path
from typing import Any

import obstore
import pytest

from fitfeed.schemas.errors import ConversionError
from fitfeed.schemas.storage import claim as claims
from fitfeed.schemas.storage.claim import Claim, ClaimedError, LostClaimError
from fitfeed.schemas.storage.conditions import keeps_object
from fitfeed.schemas.storage.open_place import open_place
from fitfeed.schemas.storage.place import Found, Place
from fitfeed.schemas.storage.store import StorePlace
from tests.schemas.storage.places import local_place, memory_place
from tests.servers.stores import EVERY_KIND, Store
from tests.waiting import wait_until


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in {"REFRESH_S": 0.05, "LIFETIME_S": 1.0, "MARGIN_S": 0.2, "POLL_S": 0.02}.items():
        monkeypatch.setattr(claims, name, seconds)


def hold(place: Place, lines: list[str] | None = None) -> None:
    with place.area().hold("lock", notify=(lines if lines is not None else []).append):
        pass


def token_in(place: Place) -> str:
    """The token of the claim that is there; a lock of a folder has none."""
    return place.read("lock", at_most=claims.MAX_CLAIM_BYTES)[0].decode().partition(" ")[0]


def killed(place: Place) -> Claim:
    """The claim of a process that is dead: nothing writes it anew, and nothing removes it."""
    holder = claims._Holder(place, "lock")
    holder.take(lambda text: None)
    return holder


@pytest.mark.parametrize("kind", ["folder", "memory"])
def test_one_at_a_time(kind: str, tmp_path: Path) -> None:
    place = local_place(tmp_path) if kind == "folder" else memory_place()
    place.area().make()
    with place.area().hold("lock") as held:
        held.require()
        assert token_in(place) == held.token
        with pytest.raises(BlockingIOError):
            hold(place)
        held.require()
    hold(place)


def test_a_living_holder_is_named_and_keeps_its_claim_for_long() -> None:
    place, lines = memory_place(), list[str]()
    with place.area().hold("lock") as held:
        time.sleep(1.1)  # longer than one lives that is not written anew
        held.require()
        with pytest.raises(ClaimedError, match=r"process \d+ holds it"):
            hold(place, lines)
    assert "waiting to see whether it is still running" in lines[0]
    assert list(place.files()) == []


def test_a_dead_claim_is_taken_over_when_its_time_is_over() -> None:
    place = memory_place()
    dead = killed(place)
    begun = time.monotonic()
    with place.area().hold("lock") as held:
        assert time.monotonic() - begun > 0.8
        with pytest.raises(LostClaimError, match="run the same command again"):
            dead.require()
        assert token_in(place) == held.token != dead.token
        held.require()


def test_of_many_that_take_over_one_succeeds() -> None:
    place = memory_place()
    killed(place)
    done, together = threading.Event(), threading.Barrier(6)
    won: list[bool] = []

    def attempt() -> None:
        together.wait()
        try:
            with place.area().hold("lock"):
                won.append(True)
                done.wait()
        except ClaimedError:
            won.append(False)

    threads = [threading.Thread(target=attempt) for _ in range(6)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(won) == 6)
    done.set()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 5 + [True]


def test_a_holder_that_was_overtaken_learns_of_it_and_removes_nothing() -> None:
    place = memory_place()
    with place.area().hold("lock") as held:
        place.write("lock", b"other token\nother host\n")
        end = time.monotonic() + 5
        while not held._lost and time.monotonic() < end:  # type: ignore[attr-defined]
            time.sleep(0.01)
        with pytest.raises(LostClaimError):
            held.require()
    assert place.read("lock", at_most=100)[0] == b"other token\nother host\n"


@pytest.mark.parametrize(
    "error", [OSError("there is no object of this name"), ConversionError("another plan")]
)
@pytest.mark.parametrize("now", ["other", "gone", "ours", "no answer"])
def test_what_fails_because_another_has_taken_over_is_said_so(
    now: str, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = memory_place()

    def work() -> None:
        with place.area().hold("lock"):
            if now == "other":
                place.write("lock", b"other token\nother host\n")
            elif now == "gone":
                place.delete("lock")
            elif now == "no answer":
                monkeypatch.setattr(StorePlace, "read", fail)
            raise error

    with pytest.raises(LostClaimError if now in ("other", "gone") else type(error)) as caught:
        work()
    assert error in (caught.value, caught.value.__cause__)


def test_a_claim_that_is_renewed_while_it_ends_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    place, renewing, go_on, put = memory_place(), threading.Event(), threading.Event(), StorePlace.write_if
    monkeypatch.setattr(claims, "MARGIN_S", 0.05)

    def slow(self: StorePlace, name: str, content: bytes, *, identity: str | None) -> Found:
        if identity is not None:
            renewing.set()
            go_on.wait(10)
        return put(self, name, content, identity=identity)

    monkeypatch.setattr(StorePlace, "write_if", slow)
    with place.area().hold("lock"):
        assert renewing.wait(10)
    assert [found.name for found in place.files()] == ["lock"]
    go_on.set()
    end = time.monotonic() + 10
    while list(place.files()) and time.monotonic() < end:
        time.sleep(0.01)
    assert list(place.files()) == []


def fail(*_: object, **__: object) -> None:
    raise OSError("no answer")


def test_a_holder_that_cannot_reach_the_store_stops_before_others_begin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = memory_place()
    with place.area().hold("lock") as held:
        monkeypatch.setattr(StorePlace, "write_if", fail)
        time.sleep(0.1)
        held.require()
        time.sleep(0.9)
        with pytest.raises(LostClaimError):
            held.require()


def test_an_old_claim_is_taken_over_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    place = memory_place()
    killed(place)
    monkeypatch.setattr(claims, "LIFETIME_S", 3000.0)
    read = claims._read

    def old(place: Place, name: str) -> tuple[str, Found | None]:
        content, found = read(place, name)
        return content, found and found._replace(mtime_ns=found.mtime_ns - 3002 * 10**9)

    monkeypatch.setattr(claims, "_read", old)
    lines: list[str] = []
    hold(place, lines)
    assert lines == []
    assert list(place.files()) == []


@pytest.mark.slow
@pytest.mark.parametrize("store", EVERY_KIND, indirect=True)
def test_a_dead_claim_is_taken_over_on_a_server(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in {"REFRESH_S": 0.5, "LIFETIME_S": 4.0, "MARGIN_S": 1.0, "POLL_S": 0.2}.items():
        monkeypatch.setattr(claims, name, seconds)
    place = open_place(f"{store.address}/flowers", "DATASET")
    dead = killed(place)
    with place.area().hold("lock") as held:
        with pytest.raises(LostClaimError):
            dead.require()
        with pytest.raises(ClaimedError):
            hold(place)
        time.sleep(4.5)
        held.require()
        assert token_in(place) == held.token
    assert list(place.files()) == []


@pytest.mark.parametrize("now", ["other", "gone"])
def test_who_stands_still_before_the_trial_does_not_blame_the_store(
    now: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next has taken its claim over, and may have given it back: then the trial finds no object, and puts one."""
    place, tried = memory_place(), keeps_object

    def late(*arguments: Any) -> bool:
        monkeypatch.setattr("fitfeed.schemas.storage.store_area.keeps_object", tried)
        time.sleep(1.1)  # longer than a claim lives that is not written anew
        if now == "other":
            place.write("lock", b"other token\nother host\n")
        else:
            place.delete("lock")
        return tried(*arguments)

    monkeypatch.setattr("fitfeed.schemas.storage.store_area.keeps_object", late)
    with pytest.raises(LostClaimError):
        hold(place)
    if now == "gone":
        assert list(place.files()) == []
    else:
        assert token_in(place) == "other"


def test_a_long_trial_loses_no_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that answers after many tries only: the claim is written anew before anything needs it."""
    place, tried = memory_place(), keeps_object

    def late(*arguments: Any) -> bool:
        time.sleep(1.1)  # longer than a claim lives that is not written anew
        return tried(*arguments)

    monkeypatch.setattr("fitfeed.schemas.storage.store_area.keeps_object", late)
    with place.area().hold("lock") as held:
        held.require()
        assert token_in(place) == held.token


def test_a_store_that_ignores_conditions_keeps_no_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    place, put = memory_place(), obstore.put

    def unconditional(*arguments: Any, mode: object = None, **named: Any) -> Any:
        return put(*arguments, **named)

    monkeypatch.setattr(obstore, "put", unconditional)
    with pytest.raises(OSError, match="does not put objects on a condition"):
        hold(place)
    assert list(place.files()) == []
