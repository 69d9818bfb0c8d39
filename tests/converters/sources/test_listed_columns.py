"""Folders of images only are listed as columns, and as if each file had been looked at."""

import os
import tempfile
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.converters import file_columns
from fitfeed.converters.source_file import SourceFile
from fitfeed.converters.sources import listing as listing_module
from fitfeed.converters.sources.listing import list_folder

STEMS = [b"a", b"b c", b"a.", b".a", b"new\nline", b"new\n", b"x.jpg\ny", b"\xff", "ü".encode(), b""]
EXTENSIONS = [b".jpg", b".JPG", b".png", b".txt", b"", b".jpg\n", b".nef"]
NAMES = st.tuples(
    st.sampled_from([b"", b"cat/", b"cat/deep/", b"d\xf6g/"]),
    st.sampled_from(STEMS),
    st.sampled_from(EXTENSIONS),
).map(b"".join)


def listed(folder: Path) -> tuple[list[SourceFile], list[str], list[str]]:
    found = list_folder(folder)
    return list(found.files), [reject.path for reject in found.ignored], found.empty_folders


@given(st.sets(NAMES.filter(lambda name: not name.endswith(b"/") and name), min_size=1, max_size=12))
def test_as_one_by_one(names: set[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder, mock.patch.object(file_columns, "MIN_PART", 2):
        for number, name in enumerate(sorted({*names, b"cat/always.jpg"})):
            path = Path(folder) / os.fsdecode(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"\xff\xd8\xff" + bytes(number))
            os.utime(path, ns=(0, 10**18 + number))
        fast = listed(Path(folder))
        with mock.patch.object(listing_module, "_columns_of_images", return_value=None):
            assert listed(Path(folder)) == fast


def test_only_files_that_are_images_by_name(tmp_path: Path) -> None:
    def columns() -> bool:
        folder = listing_module._Folder("cat/", str(tmp_path), (0, 0), frozenset())
        descriptor = os.open(tmp_path, os.O_RDONLY)
        with os.scandir(descriptor) as found:
            entries = sorted(found, key=lambda each: each.name)
        made = listing_module._columns_of_images(folder, descriptor, entries)
        os.close(descriptor)
        return made is not None

    assert not columns()
    (tmp_path / "1.jpg").write_bytes(b"x")
    (tmp_path / "2.PNG").write_bytes(b"x")
    assert columns()
    for make in (
        lambda path: path.symlink_to(tmp_path / "1.jpg"),
        Path.mkdir,
        os.mkfifo,
    ):
        make(tmp_path / "3.jpg")
        assert not columns()
        (tmp_path / "3.jpg").rename(tmp_path.parent / make.__name__)
    (tmp_path / "4.unknown").write_bytes(b"x")
    assert not columns()


def test_many_are_asked_for_some_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing_module, "STATUSES_AT_ONCE", 2)
    for number in range(5):
        (tmp_path / f"{number}.jpg").write_bytes(bytes(number))
    assert [(file.path, file.bytes) for file in list_folder(tmp_path).files] == [
        (f"{number}.jpg", number) for number in range(5)
    ]
