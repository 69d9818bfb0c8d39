"""Many things at a place: in order in a folder, at once in a store."""

import threading
import time
from pathlib import Path

import pytest

from fitfeed.schemas.storage.many import at_once, for_each
from fitfeed.schemas.storage.place import Place
from tests.schemas.storage.places import local_place, memory_place


class Far:
    """A place whose answers take long."""

    is_far = True


FAR: Place = Far()  # type: ignore[assignment]


def test_what_functions_return_comes_in_their_order(tmp_path: Path) -> None:
    for place in (local_place(tmp_path), memory_place(), FAR):
        assert at_once(place, lambda: 1, lambda: "two", lambda: None) == (1, "two", None)
        assert for_each(place, str, range(100)) == [str(number) for number in range(100)]


def test_far_away_all_are_called_at_once() -> None:
    together = threading.Barrier(3, timeout=30)
    assert sorted(at_once(FAR, together.wait, together.wait, together.wait)) == [0, 1, 2]


def test_in_a_folder_one_is_called_after_the_other(tmp_path: Path) -> None:
    called: list[int] = []
    at_once(local_place(tmp_path), lambda: called.append(1), lambda: called.append(2))
    assert called == [1, 2]


@pytest.mark.parametrize("kind", ["folder", "far"])
def test_the_first_error_is_raised_when_all_have_ended(tmp_path: Path, kind: str) -> None:
    place = local_place(tmp_path) if kind == "folder" else FAR
    begun, ended = threading.Event(), threading.Event()

    def fail(text: str) -> None:
        raise OSError(text)

    def first() -> None:
        if kind == "far":
            begun.wait(30)
        fail("first")

    def second() -> None:
        begun.set()
        ended.set()
        fail("second")

    with pytest.raises(OSError, match="first"):
        at_once(place, first, second)
    assert ended.is_set() == (kind == "far")


def test_no_more_than_so_many_are_under_way() -> None:
    together, lock = list[int](), threading.Lock()
    counts: list[int] = []

    def call(number: int) -> None:
        with lock:
            together.append(number)
            counts.append(len(together))
        time.sleep(0.002)
        with lock:
            together.remove(number)

    for_each(FAR, call, range(50), most=2)
    assert max(counts) == 2


@pytest.mark.parametrize("fails", ["first", "last"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_what_is_called_within_stops_after_an_error(error: type[BaseException], fails: str) -> None:
    """As after Ctrl-C, which Python raises in the thread that waits."""
    begun, failed, called = threading.Event(), threading.Event(), list[int]()

    def fail() -> None:
        assert begun.wait(30)
        failed.set()
        raise error

    def call(number: int) -> None:
        called.append(number)
        begun.set()
        assert failed.wait(30)
        time.sleep(0.01)  # until the other error is noticed

    def many() -> None:
        for_each(FAR, call, range(20_000))

    with pytest.raises(error):
        at_once(FAR, *((fail, many) if fails == "first" else (many, fail)))
    assert len(called) < 10_000
