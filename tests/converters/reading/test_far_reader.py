"""Reading a store: the object that was listed, or why it is not; and what stops a conversion."""

import errno
import itertools
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import xxhash

from fitfeed.converters.reading import far_reader
from fitfeed.converters.reading.far_reader import FarReader
from fitfeed.converters.reading.local_reader import LocalReader
from fitfeed.converters.reading.open_reader import open_reader
from fitfeed.converters.rejects import ImageError
from fitfeed.converters.source_file import SourceFile
from fitfeed.schemas.errors import ConversionError
from fitfeed.schemas.storage.place import Place
from tests.schemas.storage.places import memory_place

DENIED = PermissionError(errno.EACCES, "access is denied (403)")
SILENT = OSError(errno.ETIMEDOUT, "the store could not be reached, 11 times in 180 s")


@pytest.fixture
def place() -> Place:
    place = memory_place()
    place.write("a/1.jpg", b"0123456789")
    place.write("a/empty.jpg", b"")
    return place


def listed(place: Place, name: str) -> SourceFile:
    found = place.find(name)
    return SourceFile(name, found.bytes, 0, 0, found.identity)


def read(place: Place, file: SourceFile, *, most: int = 99) -> bytes:
    with FarReader(place).reading([file], most=most) as reading:
        return reading(file)


def refusal(place: Place, file: SourceFile, *, most: int = 99) -> tuple[str, str]:
    with pytest.raises(ImageError) as caught:
        read(place, file, most=most)
    return caught.value.reason, caught.value.detail


def failing(method: str, *errors: OSError) -> Any:
    repeated = itertools.chain(errors, itertools.repeat(errors[-1])) if errors else ()
    return mock.patch(f"fitfeed.schemas.storage.store.StorePlace.{method}", side_effect=repeated)


def test_the_object_that_was_listed(place: Place) -> None:
    assert read(place, listed(place, "a/1.jpg")) == b"0123456789"
    assert read(place, listed(place, "a/empty.jpg")) == b""


def test_another_size(place: Place) -> None:
    file = listed(place, "a/1.jpg")
    place.write("a/1.jpg", b"01234567890123")
    reason, detail = refusal(place, file)
    assert reason == "vanished"
    assert "changed after it was listed (10 bytes then, 14 now); run the same command again" in detail
    place.write("a/1.jpg", b"0123")
    assert "(10 bytes then, 4 now)" in refusal(place, file)[1]


def test_the_same_size_written_anew(place: Place) -> None:
    file = listed(place, "a/1.jpg")
    place.write("a/1.jpg", b"9876543210")
    assert "still 10 bytes, but written to" in refusal(place, file)[1]


def test_gone(place: Place) -> None:
    file = listed(place, "a/1.jpg")
    place.delete("a/1.jpg")
    assert refusal(place, file) == ("vanished", "the file was listed, but is gone")


def test_nothing_is_fetched_of_what_is_too_large(place: Place) -> None:
    with failing("read") as reads:
        assert refusal(place, listed(place, "a/1.jpg"), most=9)[0] == "bomb"
    reads.assert_not_called()


def test_one_object_that_is_denied_is_rejected(place: Place) -> None:
    file = listed(place, "a/1.jpg")
    with failing("read", DENIED):
        assert refusal(place, file) == ("unreadable", "no permission to read the file")


@pytest.mark.parametrize("error", [DENIED, SILENT])
def test_a_store_that_does_not_answer_rejects_nothing(place: Place, error: OSError) -> None:
    file = listed(place, "a/1.jpg")
    with (
        failing("read", error),
        failing("files", error),
        pytest.raises(ConversionError, match=rf"cannot read {place}/a/1\.jpg: .*(403|11 times)") as caught,
    ):
        read(place, file)
    assert "run the same command again: it continues" in str(caught.value)


def test_digests_are_those_of_files(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "1.jpg").write_bytes(b"0123456789")
    expected = LocalReader(tmp_path).digest(SourceFile("1.jpg", 10, 0))
    assert expected == xxhash.xxh3_128_digest(b"0123456789")
    assert FarReader(place).digest(SourceFile("a/1.jpg", 10, 0)) == expected
    monkeypatch.setattr(far_reader, "CHUNK_BYTES", 3)
    assert FarReader(place).digest(SourceFile("a/1.jpg", 10, 0)) == expected
    assert FarReader(place).digest(SourceFile("a/none.jpg", 10, 0)) is None
    with failing("read", DENIED):
        assert FarReader(place).digest(SourceFile("a/1.jpg", 10, 0)) is None
    with failing("read", SILENT), pytest.raises(ConversionError, match="could not be reached"):
        FarReader(place).digest(SourceFile("a/1.jpg", 10, 0))


def test_the_manifest_has_a_hash_of_the_address_and_none_of_a_path(place: Place, tmp_path: Path) -> None:
    first, again = open_reader(place), open_reader(str(place))
    assert first.address == again.address == str(place)
    assert first.uri_digest() == again.uri_digest()
    assert first.uri_digest() != open_reader(place.below("a")).uri_digest()
    assert open_reader(tmp_path).uri_digest() is None
    assert open_reader(tmp_path).folder_digest() != first.folder_digest()
