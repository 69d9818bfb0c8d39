"""Files of a store are looked up: a few by asking, many by one listing."""

import errno
from unittest import mock

import pytest

from fitfeed.converters.source_file import SourceFile
from fitfeed.converters.sources import far_folder
from fitfeed.converters.sources.far_folder import FarFolder
from fitfeed.converters.sources.image_lookup import ListedPictures, NamedPictures, PathError, TablePaths
from fitfeed.schemas.errors import ConversionError
from fitfeed.schemas.storage.place import Place
from tests.schemas.storage.places import memory_place


@pytest.fixture
def place() -> Place:
    place = memory_place()
    for number in range(9):
        place.write(f"a/{number}.jpg", b"x" * number)
    return place


def test_many_are_listed_once(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(far_folder, "MAX_ASKED", 3)
    folder, kind = FarFolder(place), type(place)
    with (
        mock.patch.object(kind, "find", autospec=True, side_effect=kind.find) as finds,
        mock.patch.object(kind, "files", autospec=True, side_effect=kind.files) as listings,
    ):
        found = [folder.file(f"a/{number}.jpg") for number in range(9)]
        for _ in range(3):
            with pytest.raises(FileNotFoundError):
                folder.file("a/none.jpg")
    assert [file.bytes for file in found] == list(range(9))
    assert all(file.etag == place.find(file.path).identity for file in found)
    assert len(finds.call_args_list) == 3
    assert len(listings.call_args_list) == 1


def test_what_is_listed_is_not_asked_for(place: Place) -> None:
    known = SourceFile("a/1.jpg", 1, 0, 0, "tag")
    folder = FarFolder(place, [known])
    with mock.patch.object(type(place), "find") as finds:
        assert folder.file("a/1.jpg") is known
    finds.assert_not_called()


def test_a_store_that_does_not_answer_is_no_missing_file(place: Place) -> None:
    error = OSError(errno.ETIMEDOUT, "could not be reached")
    paths = TablePaths(FarFolder(place))
    with (
        mock.patch.object(type(place), "find", side_effect=error),
        pytest.raises(ConversionError, match="could not be reached"),
    ):
        NamedPictures(paths).find("a/1.jpg")


def test_paths_of_tables(place: Place) -> None:
    folder = FarFolder(place)
    pictures = NamedPictures(TablePaths(folder))
    expected = folder.file("a/1.jpg")
    for text in ("a/1.jpg", f"{place}/a/1.jpg", "flowers/a/1.jpg", "./a/1.jpg", "a\\1.jpg"):
        assert pictures.find(text) == expected
    for text in ("gs://other/a/1.jpg", f"{place}s/a/1.jpg"):
        with pytest.raises(PathError, match="absolute and not below SOURCE"):
            pictures.find(text)
    for text in ("a/none.jpg", "a", "a/\n.jpg", "a/\x7f", "x" * 4000):
        with pytest.raises(PathError, match="is not in SOURCE"):
            pictures.find(text)
    with pytest.raises(PathError, match=r"contains '\.\.'"):
        pictures.find(f"{place}/a/../1.jpg")


def test_paths_may_begin_in_the_folder_of_the_table(place: Place) -> None:
    folder = FarFolder(place)
    listed = ListedPictures([folder.file("a/1.jpg")], TablePaths(folder, place.below("a/labels.csv")))
    assert listed.find("1.jpg").path == "a/1.jpg"
