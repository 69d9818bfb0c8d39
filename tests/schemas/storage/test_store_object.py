"""Ranges of an object: the right bytes, of one object, in few requests, whatever the network does."""

import errno
from collections.abc import Sequence
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fitfeed.schemas.storage.open_place import open_place
from fitfeed.schemas.storage.place import MAX_SEVERAL, OpenFile, Place, Range
from fitfeed.schemas.storage.store_object import StoreObject
from tests.effort import tries
from tests.schemas.storage.places import memory_place
from tests.servers.network_faults import Fault, Rule, Rules, Seeded
from tests.servers.stores import EVERY_KIND, Store

CONTENT = bytes(range(256)) * 40
STARTS = [(37 * place + 1000 * (place % 3)) % 9000 for place in range(MAX_SEVERAL)]


def stored(place: Place, content: bytes = CONTENT) -> OpenFile:
    place.write("shard", content)
    return place.open("shard")


def wanted(starts: Sequence[int] = STARTS, length: int = 100) -> list[Range]:
    return [Range(start, memoryview(bytearray(length))) for start in starts]


def assert_right(ranges: Sequence[Range], counts: Sequence[int], content: bytes = CONTENT) -> None:
    for (offset, memory), count in zip(ranges, counts, strict=True):
        assert bytes(memory[:count]) == content[offset : offset + len(memory)]


@pytest.mark.parametrize("store", EVERY_KIND, indirect=True)
def test_several_ranges_are_right_and_the_last_one_is_asked_for_on_a_condition(store: Store) -> None:
    file = stored(open_place(f"{store.address}/some", "DATASET"))
    ranges = wanted()
    with store.proxy.faults(Rules()) as log:
        assert_right(ranges, file.read_several(ranges))
    assert len(log) == len(ranges)
    assert {entry.asked.method for entry in log} == {"GET"}
    assert sum(entry.received for entry in log) == 100 * len(ranges)
    assert log[-1].received == 100


@given(ranges=st.lists(st.tuples(st.integers(0, 300), st.integers(0, 60)), min_size=1, max_size=MAX_SEVERAL))
@settings(max_examples=tries(50), deadline=None)
def test_ranges_anywhere_are_those_of_the_file(ranges: list[tuple[int, int]]) -> None:
    content = CONTENT[:250]
    file = stored(memory_place(), content)
    given = [Range(offset, memoryview(bytearray(length))) for offset, length in ranges]
    counts = file.read_several(given)
    assert counts == [len(content[offset : offset + length]) for offset, length in ranges]
    assert_right(given, counts, content)


@pytest.mark.parametrize("fault", [name for name in get_args(Fault) if name not in ("403", "stalled")])
def test_faults_of_the_network_change_no_byte(store: Store, fault: Fault) -> None:
    file = stored(open_place(f"{store.address}/some", "DATASET"))
    ranges = wanted()
    with store.proxy.faults(Seeded(1, 0.5, [fault], at_most=3)):
        assert_right(ranges, file.read_several(ranges))


@pytest.mark.parametrize("content", [CONTENT[::-1], CONTENT[:50], b""], ids=["as large", "smaller", "empty"])
def test_an_object_that_was_replaced_is_noticed(store: Store, content: bytes) -> None:
    place = open_place(f"{store.address}/some", "DATASET")
    file = stored(place)
    place.write("shard", content)
    with pytest.raises(OSError, match="was replaced meanwhile") as raised:
        file.read_several(wanted())
    assert raised.value.errno == errno.ESTALE


@pytest.mark.parametrize(
    "starts",
    [
        [0, 2000, 4950, 3000],
        [0, 4950, 9000],
        [2000, 9000, 0],
        [4900, 5000, 0],
        [4990, 4950, 0],
        [0, 2000, 4950],
    ],
    ids=[
        "one straddles the end",
        "another is after it",
        "one is after it",
        "they touch",
        "they overlap",
        "the last one",
    ],
)
def test_an_object_that_became_smaller_is_noticed_at_once(store: Store, starts: list[int]) -> None:
    place = open_place(f"{store.address}/some", "DATASET")
    file = stored(place)
    place.write("shard", CONTENT[:5000])
    with store.proxy.faults(Rules()) as log, pytest.raises(OSError, match="was replaced meanwhile") as raised:
        file.read_several(wanted(starts))
    assert raised.value.errno == errno.ESTALE
    assert len(log) <= len(starts) + 1


@given(starts=st.lists(st.integers(0, 290), min_size=2, max_size=MAX_SEVERAL), left=st.integers(0, 300))
@settings(max_examples=tries(50), deadline=None)
def test_an_object_of_any_other_size_is_noticed(starts: list[int], left: int) -> None:
    place = memory_place()
    file = stored(place, CONTENT[:300])
    place.write("shard", CONTENT[-left:])
    with pytest.raises(OSError, match="was replaced meanwhile"):
        file.read_several(wanted(starts, 10))


def test_an_object_that_is_replaced_while_it_is_read_is_noticed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = open_place(f"{store.address}/some", "DATASET")
    file = stored(place)
    read = StoreObject.get_each

    def read_and_replace(self: StoreObject, ranges: Sequence[tuple[int, int]]) -> list[memoryview]:
        found = read(self, ranges)
        place.write("shard", CONTENT[::-1])
        return found

    monkeypatch.setattr(StoreObject, "get_each", read_and_replace)
    with pytest.raises(OSError, match="was replaced meanwhile"):
        file.read_several(wanted())


def test_an_object_that_is_gone_and_a_store_that_refuses_are_said(store: Store) -> None:
    place = open_place(f"{store.address}/some", "DATASET")
    file = stored(place)
    with (
        store.proxy.faults(Rules(Rule(fault="403", times=None))),
        pytest.raises(PermissionError, match="denied"),
    ):
        file.read_several(wanted())
    place.delete("shard")
    with pytest.raises(FileNotFoundError, match="no object of this name"):
        file.read_several(wanted())
