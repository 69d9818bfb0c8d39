"""What holds of every place, whatever is behind it."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fitfeed.schemas.storage.open_place import open_place
from fitfeed.schemas.storage.place import Place
from fitfeed.schemas.storage.store import StorePlace
from tests.schemas.storage.places import local_place, memory_place
from tests.servers.stores import KINDS, StoreServers

MIB = 1 << 20
SLOW = [pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS if kind != "gs"]
PLACES = ["folder", "memory", "gs", *SLOW]


@pytest.fixture(params=PLACES)
def place(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    store_servers: StoreServers,
    monkeypatch: pytest.MonkeyPatch,
) -> Place:
    """A place of each kind, in which nothing is."""
    if request.param == "folder":
        return local_place(tmp_path)
    if request.param == "memory":
        return memory_place()
    store = store_servers.store(request.param)
    for name, value in store.environment.items():
        monkeypatch.setenv(name, value)
    return open_place(f"{store.address}/flowers", "DATASET")


def content(place: Place, name: str) -> bytes:
    return place.read(name, at_most=64 * MIB)[0]


def test_what_is_written_is_read(place: Place) -> None:
    written = place.write("a", b"0123456789")
    data, found = place.read("a", at_most=100)
    assert (data, found.name, found.bytes) == (b"0123456789", "a", 10)
    assert found == place.find("a")
    assert written in (found, found._replace(mtime_ns=0))  # a store does not say when it was put
    assert place.read("a", at_most=3)[0] == b"012"
    assert found.mtime_ns > 10**18


@pytest.mark.parametrize(
    "name", ["a b.png", "ü/é 你.png", "per%20cent%.png", "a+b&c=d?e#f.png", "a:b", "[x]*'~", "sub/deep/er"]
)
def test_names_stay_as_they_are(place: Place, name: str) -> None:
    place.write(name, b"x")
    assert [found.name for found in place.files(deep=True)] == [name]
    assert content(place, name) == b"x"


@pytest.mark.parametrize("name", ["", "/a", "a/", "../a", "a/../../b", "./a", "a//b", "nul\0"])
def test_what_is_not_a_name_is_refused(place: Place, name: str) -> None:
    for act in (place.find, place.open, place.delete, place.below, lambda name: place.write(name, b"")):
        with pytest.raises(OSError, match="not a path below the folder"):
            act(name)


def test_an_empty_file_is_read(place: Place) -> None:
    assert place.write("empty", b"").bytes == 0
    data, found = place.read("empty", at_most=10)
    assert (data, found.bytes) == (b"", 0)
    assert place.open("empty").read(0, 10) == b""


def test_what_is_missing_is_not_found(place: Place) -> None:
    for act in (
        place.find,
        place.open,
        lambda name: place.read(name, at_most=1),
        lambda name: place.move(name, "b"),
    ):
        with pytest.raises(FileNotFoundError) as caught:
            act("void")
        assert caught.value.strerror
        assert str(place) in str(caught.value.filename)
    with pytest.raises(FileNotFoundError), place.as_file("void"):
        pass
    place.delete("void")
    place.below("void").delete_all()
    assert list(place.files(deep=True)) == list(place.files()) == []
    assert place.folders() == []


def test_files_and_folders_come_together(place: Place) -> None:
    assert place.entries() == ([], [])
    for name in ("b", "a", "d/x", "c/y/z"):
        place.write(name, b"x" if name != "a" else b"")
    entries = place.entries()
    assert sorted(entries.files) == sorted(place.files())
    assert sorted(found.name for found in entries.files) == ["a", "b"]
    assert entries.folders == place.folders() == ["c", "d"]


def test_each_of_many_is_found(place: Place) -> None:
    written = [place.find(place.write(name, name.encode()).name) for name in ("a", "bb", "c/d")]
    assert list(place.find_each(["bb", "a", "c/d", "bb"])) == [written[1], *written[::2], written[1]]
    found = place.find_each(["a", "b"])
    assert next(found) == written[0]
    with pytest.raises(FileNotFoundError):
        next(found)


def test_files_and_folders_are_listed(place: Place) -> None:
    for name in ("a", "x/b", "x/y/c", "x2/d", "z"):
        place.write(name, name.encode())
    assert sorted(found.name for found in place.files()) == ["a", "z"]
    assert sorted(found.name for found in place.files(deep=True)) == ["a", "x/b", "x/y/c", "x2/d", "z"]
    assert place.folders() == ["x", "x2"]
    below = place.below("x")
    assert sorted(found.name for found in below.files(deep=True)) == ["b", "y/c"]
    assert below.folders() == ["y"]
    assert all(place.find(found.name) == found for found in place.files(deep=True))


def test_identity_changes_with_the_content(place: Place) -> None:
    first = place.write("a", b"one")
    second = place.write("a", b"two")
    assert first.identity != second.identity
    assert place.find("a").identity == second.identity


def test_an_open_file_stays_the_same_or_says_so(place: Place) -> None:
    place.write("a", b"first content")
    opened = place.open("a")
    assert opened.read(6, 100) == b"content"
    assert opened.read(100, 5) == b""
    place.write("a", b"other content")
    if isinstance(place, StorePlace):
        with pytest.raises(OSError, match="replaced"):
            opened.read(0, 5)
    else:
        assert opened.read(0, 5) == b"first"
    opened.close()


def test_ranges_are_read_by_many_threads(place: Place) -> None:
    whole = bytes(range(256)) * 300
    place.write("a", whole)
    opened = place.open("a")
    with ThreadPoolExecutor(8) as pool:
        parts = list(pool.map(lambda offset: opened.read(offset, 1000), range(0, len(whole), 1000)))
    assert b"".join(parts) == whole


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(offset=st.integers(0, 300), length=st.integers(0, 300))
def test_a_range_ends_where_the_file_ends(place: Place, offset: int, length: int) -> None:
    whole = bytes(range(200))
    if not list(place.files()):
        place.write("a", whole)
    assert place.open("a").read(offset, length) == whole[offset : offset + length]
    assert place.read("a", at_most=length)[0] == whole[:length]


def test_files_larger_than_a_request_are_whole(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fitfeed.schemas.storage.store.MAX_REQUEST_BYTES", 10_000)
    whole = bytes(range(251)) * 300 + b"end"
    with place.writing("big") as built:
        built.path.write_bytes(whole)
    assert content(place, "big") == whole
    assert place.read("big", at_most=25_000)[0] == whole[:25_000]
    assert place.open("big").read(9_000, 12_000) == whole[9_000:21_000]
    with place.as_file("big") as path:
        assert path.read_bytes() == whole
        assert path.name == "big"


@pytest.mark.slow
def test_files_that_are_put_in_parts_are_whole(place: Place) -> None:
    whole = bytes(range(251)) * (20 * MIB // 251)
    with place.writing("big") as built:
        built.path.write_bytes(whole)
    assert content(place, "big") == whole


def test_a_file_that_fails_half_way_is_not_there(place: Place) -> None:
    def fail(name: str) -> None:
        with place.writing(name) as built:
            built.path.write_bytes(b"half")
            raise RuntimeError("half way")

    place.write("a", b"old")
    for name in ("a", "new"):
        with pytest.raises(RuntimeError, match="half way"):
            fail(name)
    assert [found.name for found in place.files()] == ["a"]
    assert content(place, "a") == b"old"


def test_a_file_is_written_once(place: Place) -> None:
    place.write_if("a", b"first", identity=None)
    with pytest.raises(FileExistsError) as caught:
        place.write_if("a", b"second", identity=None)
    assert caught.value.filename == place.address("a")
    assert content(place, "a") == b"first"


def test_a_file_is_replaced_if_it_is_still_the_same(place: Place) -> None:
    first = place.write_if("a", b"first", identity=None)
    second = place.write_if("a", b"second", identity=first.identity)
    assert second.identity == place.find("a").identity
    for old in (first.identity, "something"):
        with pytest.raises(FileExistsError):
            place.write_if("a", b"third", identity=old)
    assert content(place, "a") == b"second"
    place.delete("a")
    with pytest.raises(FileExistsError, match="gone"):
        place.write_if("a", b"third", identity=second.identity)
    assert list(place.files()) == []


def test_of_many_writers_one_succeeds(place: Place, request: pytest.FixtureRequest) -> None:
    if "versitygw" in request.node.name:
        pytest.skip("versitygw looks and then writes, in two steps")

    def write(number: int, identity: str | None) -> bool:
        try:
            place.write_if("a", f"{number}".encode(), identity=identity)
        except FileExistsError:
            return False
        return True

    identity = None
    for _ in range(5):
        with ThreadPoolExecutor(8) as pool:
            won = list(pool.map(lambda number, identity=identity: write(number, identity), range(8)))
        assert sum(won) == 1
        assert content(place, "a") == str(won.index(True)).encode()
        identity = place.find("a").identity


@pytest.mark.parametrize("limit", [10, 1 << 30], ids=["fetched", "by the store"])
def test_a_file_is_copied(place: Place, limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    bounds = dict.fromkeys(["az", "gs", "memory", "s3"], limit)
    monkeypatch.setattr("fitfeed.schemas.storage.store.MAX_COPY_BYTES", bounds)
    place.write("a", b"first, and long enough")
    place.write("x/b", b"second")
    for size in (None, 22):
        copied, found = place.copy("a", "x/b", through="x/c", size=size), place.find("x/b")
        assert (copied.name, copied.bytes, copied.identity) == (found.name, found.bytes, found.identity)
    assert (content(place, "a"), content(place, "x/b")) == (b"first, and long enough",) * 2
    assert {found.name for found in place.files(deep=True)} == {"a", "x/b"}
    with pytest.raises(FileNotFoundError):
        place.copy("none", "b", through="c")


def test_a_file_is_moved(place: Place) -> None:
    place.write("a", b"new")
    place.write("x/b", b"old")
    place.move("a", "x/b")
    assert [found.name for found in place.files(deep=True)] == ["x/b"]
    assert content(place, "x/b") == b"new"


def test_all_below_is_deleted_and_nothing_beside_it(place: Place) -> None:
    for name in ("x/a", "x/y/b", "x2/c", "xx", "d"):
        place.write(name, b"x")
    place.below("x").delete_all()
    assert sorted(found.name for found in place.files(deep=True)) == ["d", "x2/c", "xx"]


def test_a_place_can_be_pickled_and_has_a_readable_address(place: Place) -> None:
    place.write("x/a", b"x")
    again = pickle.loads(pickle.dumps(place))  # noqa: S301
    assert again == place
    assert content(again, "x/a") == b"x"
    assert place.address("x/a") == f"{place}/x/a"
    assert str(place.below("x")) == f"{place}/x"
    assert place.below("x").split() == (place, "x")
    assert str(place).endswith("/flowers")
    assert place.absolute() == place
