"""Conversions into a store that are killed while many requests are under way, which arrive in any order."""

import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fitfeed.beam_jobs import ConversionResult
from fitfeed.schemas.storage import claim
from fitfeed.schemas.storage.place import Place
from fitfeed.schemas.storage.store import StorePlace
from tests.beam_jobs.draw import draw
from tests.beam_jobs.test_datasets_in_stores import Died, stored, ways
from tests.folders import contents
from tests.schemas.storage.places import memory_place

CHANGES = 70
"""Changes of a store that one conversion makes, or a few more."""


class KilledInParallel:
    """Delays each change of a store, and lets the process of the test die at its n-th one: all threads at once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, order: random.Random) -> None:
        self._order, self._lock = order, threading.Lock()
        self._left, self._dead = 0, False
        for name in ("write", "write_if", "writing", "copy", "move", "delete", "delete_all"):
            monkeypatch.setattr(StorePlace, name, self._delayed(getattr(StorePlace, name)))

    def _delayed(self, change: Callable[..., Any]) -> Callable[..., Any]:
        def changed(*arguments: Any, **named: Any) -> Any:
            time.sleep(self._order.random() * 0.004)
            with self._lock:
                if self._dead or self._left == 1:
                    self._dead = True
                    raise Died
                self._left -= 1
            return change(*arguments, **named)

        return changed

    def at(self, number: int, work: Callable[[], object]) -> bool:
        """Whether the work was killed at that change; else it had fewer."""
        self._left, self._dead = number, False
        try:
            work()
        except Died:
            return True
        finally:
            self._left, self._dead = 0, False
        return False


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("way", ["new", "drop", "overwrite", "append"])
def test_killed_again_and_again_it_continues(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, seed: int
) -> None:
    monkeypatch.setattr(claim._Holder, "_age", lambda *_: 3600.0)
    monkeypatch.setattr(claim, "POLL_S", 0.01)
    photos = draw(tmp_path / "photos", range(6))
    more = draw(draw(tmp_path / "more" / "photos", range(6)), range(6, 9))
    for folder in (photos, more):
        (folder / "cat" / "copy.png").write_bytes((photos / "cat" / "0.png").read_bytes())
    begin, work = ways(photos, more)[way]
    dataset = tmp_path / "dataset"
    begin(dataset)
    work(dataset)
    expected = contents(dataset)
    order = random.Random(seed)
    monkeypatch.setattr(StorePlace, "is_far", True)
    killed = KilledInParallel(monkeypatch, order)
    for _ in range(6):
        place = memory_place()
        begin(str(place))
        result = _killed_and_continued(killed, order, work, place)
        found = stored(place)
        if result.up_to_date:  # it was killed while it cleaned up
            found = {name: data for name, data in found.items() if not name.startswith(".work/")}
        assert found == expected


def _killed_and_continued(
    killed: KilledInParallel, order: random.Random, work: Callable[[Any], ConversionResult], place: Place
) -> ConversionResult:
    for _ in range(order.randint(1, 3)):
        if not killed.at(order.randrange(2, CHANGES), lambda: work(str(place))):
            break
    return work(str(place))
