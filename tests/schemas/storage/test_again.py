"""What a store broke off is tried again, and nothing else."""

import errno

import pytest

from fitfeed.schemas.storage import again as trying
from fitfeed.schemas.storage.again import ATTEMPTS, BrokenOffError, again
from fitfeed.schemas.storage.open_place import open_place
from tests.servers.network_faults import Fault, Seeded
from tests.servers.stores import Store


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trying, "FIRST_PAUSE_S", 0.001)


def failing(times: int, error: OSError) -> tuple[list[int], object]:
    calls: list[int] = []

    def act() -> str:
        calls.append(1)
        if len(calls) <= times:
            raise error
        return "done"

    return calls, act


@pytest.mark.parametrize("times", range(ATTEMPTS))
def test_it_is_done_in_the_end(times: int) -> None:
    calls, act = failing(times, BrokenOffError(errno.ETIMEDOUT, "broken off"))
    assert again(act) == "done"  # type: ignore[arg-type]
    assert len(calls) == times + 1


def test_attempts_are_counted() -> None:
    calls, act = failing(99, BrokenOffError(errno.ETIMEDOUT, "broken off"))
    with pytest.raises(BrokenOffError, match="broken off, 5 times"):
        again(act)  # type: ignore[arg-type]
    assert len(calls) == ATTEMPTS


def test_other_errors_are_final() -> None:
    calls, act = failing(99, PermissionError(errno.EACCES, "denied"))
    with pytest.raises(PermissionError):
        again(act)  # type: ignore[arg-type]
    assert len(calls) == 1


@pytest.mark.parametrize("fault", ["reset", "lost", "truncated"])
def test_what_the_client_does_not_try_again(store: Store, fault: Fault) -> None:
    place = open_place(f"{store.address}/flowers", "DATASET")
    place.write("old", b"old")
    for act in (
        lambda: place.write_if("once", b"1", identity=None),
        lambda: place.move("old", "new"),
        lambda: place.delete("new"),
        place.delete_all,
    ):
        with store.proxy.faults(Seeded(1, 1.0, [fault], at_most=1)):
            act()
    assert list(place.files(deep=True)) == []
