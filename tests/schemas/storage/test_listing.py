"""A listing that breaks off goes on where it was, and names each object once."""

import pytest

from fitfeed.schemas.storage import again, listing
from fitfeed.schemas.storage.open_place import open_place
from tests.servers.network_faults import Fault, Seeded
from tests.servers.stores import Store


@pytest.mark.parametrize("fault", ["truncated", "closed", "shortened"])
def test_each_object_is_listed_once(store: Store, fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(again, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(listing, "LIST_CHUNK", 2)
    place = open_place(f"{store.address}/flowers", "SOURCE")
    names = [f"{number:02}" for number in range(7)]
    for name in names:
        place.write(name, b"x")
    with store.proxy.faults(Seeded(1, 1.0, [fault], at_most=1)):
        assert [found.name for found in place.files(deep=True)] == names
