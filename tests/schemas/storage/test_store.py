"""What is particular to a store: marks of folders, and listings in bounded memory."""

import urllib.request

import obstore
import pytest

from fitfeed.schemas.storage import store
from fitfeed.schemas.storage.clients import client_of
from fitfeed.schemas.storage.open_place import open_place
from fitfeed.schemas.storage.store import StorePlace
from tests.schemas.storage.places import memory_place
from tests.servers.proxy import no_fault
from tests.servers.stores import Store


def store_place() -> StorePlace:
    place = memory_place()
    assert isinstance(place, StorePlace)
    return place


def test_marks_of_folders_are_not_files(store: Store) -> None:
    place = open_place(f"{store.address}/flowers", "SOURCE")
    for name in ("cats/a", "cats-and-dogs", "empty", "sub/x"):
        place.write(name, b"" if name == "empty" else b"x")
    for name in (
        "",
        "cats/",
        "new/",
        "sub/x/y/",
    ):  # consoles make them; our client calls them `cats` and so on
        make_mark(store, f"flowers/{name}")
    assert sorted(found.name for found in place.files(deep=True)) == [
        "cats-and-dogs",
        "cats/a",
        "empty",
        "sub/x",
    ]
    assert sorted(found.name for found in place.files()) == ["cats-and-dogs", "empty"]
    assert place.folders() == ["cats", "new", "sub"]
    place.write("sub", b"")  # a file that is called like a folder
    with store.proxy.faults(no_fault) as log:
        entries = place.entries()
    assert (sorted(found.name for found in entries.files), entries.folders) == (
        ["cats-and-dogs", "empty", "sub"],
        ["cats", "new", "sub"],
    )
    assert [each.asked.method for each in log] == ["GET", "HEAD"]  # only what may be a mark is looked for


def make_mark(store: Store, key: str) -> None:
    bucket = store.address.partition("://")[2]
    url = f"{store.environment['GOOGLE_BASE_URL']}/{bucket}/{key}"
    with urllib.request.urlopen(urllib.request.Request(url, data=b"", method="PUT")) as answer:
        assert answer.status == 200


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


def test_only_s3_has_a_bound_for_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    assert store.MAX_COPY_BYTES == {"s3": 5 << 30}
    monkeypatch.setattr(store, "MAX_COPY_BYTES", {"s3": 1})
    monkeypatch.setattr(store.StorePlace, "as_file", None)
    place = memory_place()
    place.write("a", b"longer than S3 would copy")
    assert place.copy("a", "b", through="c").bytes == 25


def test_what_was_replaced_since_it_was_listed_is_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "COPY_WAIT_S", 0)
    place = store_place()
    place.write("old", b"longer than it was")
    copied = place.copy("old", "new", through="new", size=3)
    assert (copied.name, copied.bytes) == ("new", 18)
