"""What a user writes leads to files and datasets, each once, on this machine or in a store."""

from pathlib import Path

import pytest

from fitfeed.converters.inspect.far_file import FileInStore
from fitfeed.converters.inspect.file_list import files_and_datasets, find_file, size_of
from fitfeed.schemas.errors import NotFoundError, UsageError
from fitfeed.schemas.storage.place import Place
from fitfeed.schemas.storage.store import StorePlace
from tests.schemas.storage.places import memory_place

SHARDS = ("a.tfrecord", "b.h5", "c-00001-of-00002")


@pytest.fixture
def place() -> Place:
    """Shards of another program, and what is no shard."""
    found = memory_place()
    for name in (*SHARDS, "notes.txt", "deeper/d.tfrecord"):
        found.write(name, b"12345")
    return found


def in_store(place: Place) -> list[FileInStore]:
    return [FileInStore(place, name, 5) for name in SHARDS]


def test_a_folder_is_its_shards_as_on_this_machine(place: Place, tmp_path: Path) -> None:
    for name in (*SHARDS, "notes.txt"):
        (tmp_path / name).write_bytes(b"12345")
    assert files_and_datasets([str(tmp_path)]) == [tmp_path / name for name in SHARDS]
    assert files_and_datasets([str(place), f"{place}/"]) == in_store(place)
    assert [size_of(path) for path in (tmp_path / "b.h5", in_store(place)[0], place, tmp_path)] == [
        5,
        5,
        None,
        None,
    ]


def test_a_file_is_one_whatever_it_is_called(place: Place) -> None:
    addresses = [place.address(name) for name in ("notes.txt", "a.tfrecord", "a.tfrecord")]
    assert files_and_datasets(addresses) == [FileInStore(place, "notes.txt", 5), in_store(place)[0]]
    assert find_file(addresses[0]) == FileInStore(place, "notes.txt", 5)
    assert str(find_file(addresses[0])) == addresses[0]
    assert find_file(Path("x.tfrecord")) == Path("x.tfrecord")
    for address in (place.address("x"), str(place).rpartition("/")[0]):  # the last is that of the bucket
        with pytest.raises(NotFoundError, match=f"^{address} does not exist"):
            find_file(address)


@pytest.mark.parametrize("name", ["manifest.json", ".work/0123/job.json", "train.index.arrow"])
def test_what_may_be_a_dataset_is_one(place: Place, name: str) -> None:
    place.write(name, b"{}")
    assert files_and_datasets([str(place)]) == [place]


def test_what_is_no_shard_is_read_as_a_dataset_which_says_why_not(place: Place) -> None:
    assert files_and_datasets([f"{place}/nothing"]) == [place.below("nothing")]


def test_patterns_are_refused_before_anything_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StorePlace, "find", None)
    with pytest.raises(UsageError, match=r"^PATH gs://bucket/\*\.tfrecord is a pattern"):
        files_and_datasets(["gs://bucket/*.tfrecord"])


def test_a_store_that_does_not_answer(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def find(self: StorePlace, name: str) -> None:
        raise (
            FileNotFoundError(name)
            if name == "manifest.json"
            else PermissionError(13, "access is denied", name)
        )

    monkeypatch.setattr(StorePlace, "find", find)
    with pytest.raises(UsageError, match=r"^cannot read PATH a\.tfrecord: access is denied"):
        files_and_datasets([place.address("a.tfrecord")])


def test_a_manifest_that_may_not_be_read_is_that_of_a_dataset(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find(self: StorePlace, name: str) -> None:
        raise PermissionError(13, "access is denied", name)

    monkeypatch.setattr(StorePlace, "find", find)
    assert files_and_datasets([str(place)]) == [place]
