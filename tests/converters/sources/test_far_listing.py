"""A place in a store is listed as a folder of this machine with the same files."""

import errno
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.converters.source_file import SourceFile
from fitfeed.converters.sources import far_names, far_walk
from fitfeed.converters.sources.far_listing import list_place
from fitfeed.converters.sources.listing import list_folder
from fitfeed.schemas.errors import ConversionError, NotFoundError, UsageError
from fitfeed.schemas.storage.open_place import open_place
from fitfeed.schemas.storage.place import Found, Place
from tests.schemas.storage.places import memory_place

PNG = b"\x89PNG\r\n\x1a\n0123"

FOLDERS = st.sampled_from(["", "a/", "a/b/", "a/.git/", ".git/", "__MACOSX/x/", "b/é/", "c/@eaDir/"])
NAMES = st.sampled_from(
    ["1.jpg", "2.PNG", ".hidden.jpg", "Thumbs.db", "note.txt", "raw", "odd.xyz", "new\\line.jpg", "empty.xyz"]
)
CONTENTS = st.sampled_from([PNG, b"text", b""])


def listed(listing: Any) -> list[Any]:
    files = [(file.path, file.bytes) for file in listing.files]
    return [files, listing.rejects, listing.ignored, listing.empty_folders]


@given(st.dictionaries(st.tuples(FOLDERS, NAMES), CONTENTS, max_size=12))
def test_it_is_listed_like_a_folder(files: dict[tuple[str, str], bytes]) -> None:
    files |= {("z/", "1.jpg"): PNG}
    # An empty file without extension may stand for a folder.
    kept = {folder + name: data for (folder, name), data in files.items() if data or "." in name}
    place = memory_place()
    with tempfile.TemporaryDirectory() as folder, mock.patch.object(far_walk, "FEW_NAMES", 2):
        for name, data in kept.items():
            place.write(name, data)
            (Path(folder) / name).parent.mkdir(parents=True, exist_ok=True)
            (Path(folder) / name).write_bytes(data)
        assert listed(list_place(place)) == listed(list_folder(Path(folder)))


def test_files_are_counted_while_they_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(far_names, "NAMES_AT_ONCE", 2)
    place, told = memory_place(), list[int]()
    for name in ("a/1.jpg", "a/2.jpg", "a/3.jpg", "b/notes.txt"):
        place.write(name, b"x")
    list_place(place, listed=told.append)
    assert (sum(told), max(told)) == (4, 2)


def test_an_object_is_known_by_its_etag() -> None:
    place = memory_place()
    found = place.write("a/1.jpg", b"x")
    (file,) = list_place(place).files
    assert file == SourceFile("a/1.jpg", 1, 0, 0, found.identity)


def test_empty_objects_that_stand_for_folders() -> None:
    place = memory_place()
    for name in ("cats", "cats/1.jpg", "dogs", "birds"):
        place.write(name, PNG if name.endswith("jpg") else b"")
    place.write("birds/.keep", b"")
    listing = list_place(place)
    assert [file.path for file in listing.files] == ["cats/1.jpg"]
    assert [reject.path for reject in listing.ignored] == ["birds/.keep"]
    assert listing.empty_folders == ["birds", "dogs"]


def test_deep_and_wide_places_are_listed_by_their_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    place = memory_place()
    names = [f"{split}/{name}/{n}.jpg" for split in ("train", "test") for name in "abc" for n in range(4)]
    for name in [*names, "1.jpg", ".git/config", "train/2.jpg"]:
        place.write(name, b"x")
    monkeypatch.setattr(far_walk, "FEW_NAMES", 3)
    with mock.patch.object(type(place), "files", autospec=True, side_effect=type(place).files) as listings:
        listing = list_place(place)
    assert [file.path for file in listing.files] == sorted([*names, "1.jpg", "train/2.jpg"])
    listed = [str(call.args[0]).removeprefix(str(place)) for call in listings.call_args_list]
    assert listed.count("/train/a") == 1
    assert "/.git" not in listed  # what is hidden is not looked at


def test_what_is_not_there() -> None:
    place = memory_place()
    with pytest.raises(NotFoundError, match=rf"SOURCE {place} does not exist"):
        list_place(place)
    place.write("a/1.jpg", b"x")
    with pytest.raises(NotFoundError, match="does not exist"):
        list_place(place.below("b"))
    with pytest.raises(UsageError, match="is a file"):
        list_place(place.below("a/1.jpg"))
    place.write("b/note.txt", b"x")
    with pytest.raises(UsageError, match=r"has no images.* 1 other files were ignored: 1 \.txt"):
        list_place(place.below("b"))


@pytest.mark.parametrize(
    ("error", "raised", "match"),
    [
        (
            PermissionError(errno.EACCES, "access is denied (403)"),
            UsageError,
            "cannot list SOURCE .*denied",
        ),
        (
            OSError(errno.EINVAL, "a name there has empty parts"),
            UsageError,
            r"a name there has empty parts\.$",
        ),
        (FileNotFoundError(errno.ENOENT, "there is no bucket of this name"), NotFoundError, "no bucket"),
        (
            OSError(errno.ETIMEDOUT, "could not be reached, 11 times"),
            ConversionError,
            "cannot list .*11 times",
        ),
    ],
)
def test_a_store_that_cannot_be_listed(error: OSError, raised: type[Exception], match: str) -> None:
    place = memory_place()
    with mock.patch.object(type(place), "files", side_effect=error), pytest.raises(raised, match=match):
        list_place(place)


def test_two_names_that_are_one_path() -> None:
    place: Place = memory_place()
    twice = [Found("a/1.jpg", 1, "x"), Found("a/1.jpg", 1, "y")]
    with (
        mock.patch.object(type(place), "files", return_value=iter(twice)),
        pytest.raises(UsageError, match=r"both are 'a/1\.jpg'"),
    ):
        list_place(place)


def test_first_bytes_are_read_only_where_the_name_does_not_tell() -> None:
    place = memory_place()
    for name in ("1.jpg", "2.png", "3", "note.txt", "empty.xyz"):
        place.write(name, b"" if "empty" in name else PNG)
    with mock.patch.object(type(place), "read", autospec=True, side_effect=type(place).read) as reads:
        assert [file.path for file in list_place(place).files] == ["1.jpg", "2.png", "3"]
    assert [call.args[1] for call in reads.call_args_list] == ["3"]


def test_the_whole_bucket() -> None:
    place = memory_place()
    bucket = open_place(str(place).rpartition("/")[0], "SOURCE")
    place.write("1.jpg", b"x")
    assert [file.path for file in list_place(bucket).files] == ["flowers/1.jpg"]
