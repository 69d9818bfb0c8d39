"""What is particular to a store: marks of folders, and listings in bounded memory."""

import obstore

from fitfeed.schemas.storage.clients import client_of
from fitfeed.schemas.storage.store import StorePlace
from tests.schemas.storage.places import memory_place


def store_place() -> StorePlace:
    place = memory_place()
    assert isinstance(place, StorePlace)
    return place


def test_marks_of_folders_are_not_files() -> None:
    place = store_place()
    client = client_of(place.bucket, str(place))
    obstore.put(client, f"{place.key}/cats/", b"")  # consoles do so for a new folder
    for name in ("cats/a", "dogs", "empty"):
        place.write(name, b"" if name == "empty" else b"x")
    assert sorted(found.name for found in place.files(deep=True)) == ["cats/a", "dogs", "empty"]
    assert sorted(found.name for found in place.files()) == ["dogs", "empty"]
    assert place.folders() == ["cats"]


def test_a_listing_is_not_read_ahead_of_its_reader() -> None:
    place = store_place()
    for number in range(2500):
        obstore.put(client_of(place.bucket, ""), f"{place.key}/{number:05}", b"x")
    listing = place.files(deep=True)
    assert next(listing).name == "00000"
    assert sum(1 for _ in listing) == 2499


def test_the_bucket_itself_is_a_place() -> None:
    place = StorePlace(store_place().bucket, "")
    place.write("a/b", b"x")
    assert [found.name for found in place.files(deep=True)] == ["a/b"]
    assert place.folders() == ["a"]
    assert place.below("a").split() == (place, "a")
    assert place.address("a") == f"{place}/a"
