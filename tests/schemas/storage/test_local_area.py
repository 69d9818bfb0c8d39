"""What is particular to a folder: links, times that programs choose, and the files of writers that were killed."""

import os
from pathlib import Path

import pytest

from fitfeed.schemas.storage.local import LocalPlace


def test_a_link_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    (tmp_path / "link").symlink_to("a")
    (tmp_path / "nowhere").symlink_to("b")
    area = LocalPlace(tmp_path).area()
    assert [area.has_file(name) for name in ("a", "link", "nowhere", "b", "a/b")] == [True, *[False] * 4]
    assert area.names(["*"]) == {"a", "link", "nowhere"}


def test_a_mark_whose_times_are_equal_is_none(tmp_path: Path) -> None:
    """As on FAT, where a program can choose both."""
    area = LocalPlace(tmp_path).area()
    made = area.mark("begun")
    assert area.marked("begun") == made
    changed = (tmp_path / "begun").stat().st_ctime_ns
    os.utime(tmp_path / "begun", ns=(changed, changed))
    assert area.marked("begun") != made


def test_what_killed_writers_left_is_swept(tmp_path: Path) -> None:
    for name in ("a", f"a.tmp-{'0' * 32}", f"b.tmp-{'f' * 32}-spool0", "c.tmp-mine"):
        (tmp_path / name).touch()
    LocalPlace(tmp_path).area().sweep()
    assert {path.name for path in tmp_path.iterdir()} == {"a", "c.tmp-mine"}


def test_a_folder_where_a_file_is_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(FileExistsError):
        LocalPlace(tmp_path / "a").area().make()
    with pytest.raises(NotADirectoryError):
        LocalPlace(tmp_path / "a").area().require_writable()
