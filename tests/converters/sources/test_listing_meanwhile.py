"""A source that changes while it is listed, and what the system cannot say of files that stay as they are."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from fitfeed.converters.reading.local_files import read_unchanged
from fitfeed.converters.sources import listing
from fitfeed.converters.sources.listing import list_folder
from fitfeed.schemas.errors import ConversionError, UsageError


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Three images in a folder with nothing else."""
    folder = tmp_path / "source" / "cat"
    folder.mkdir(parents=True)
    for number in range(3):
        (folder / f"{number}.jpg").write_bytes(b"\xff\xd8\xff")
    return tmp_path / "source"


@pytest.fixture(params=["columns", "one by one"], autouse=True)
def way(request: pytest.FixtureRequest, source: Path) -> None:
    """Another file in the folder has each looked at by itself."""
    if request.param == "one by one":
        (source / "cat" / "notes.txt").touch()


@pytest.fixture
def before_statuses(monkeypatch: pytest.MonkeyPatch, source: Path) -> Callable[[Callable[[], None]], None]:
    """Has something done when the folder of images was read, and no file was asked for yet."""
    real = os.scandir

    class Then:
        def __init__(self, action: Callable[[], None], folder: int) -> None:
            self._action, self._is_it = action, os.path.realpath(f"/proc/self/fd/{folder}") == f"{source}/cat"
            self._entries = real(folder)

        def __enter__(self) -> "list[os.DirEntry[str]]":
            return list(self._entries)

        def __exit__(self, *error: object) -> None:
            if self._is_it:
                self._action()

    return lambda action: monkeypatch.setattr(os, "scandir", lambda folder: Then(action, folder))


def test_a_file_that_is_removed_is_left_out(
    source: Path, before_statuses: Callable[[Callable[[], None]], None]
) -> None:
    before_statuses((source / "cat" / "1.jpg").unlink)
    assert [file.path for file in list_folder(source).files] == ["cat/0.jpg", "cat/2.jpg"]


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/etc/hostname")])
def test_what_is_no_longer_a_file_is_not_taken_for_one(
    source: Path, before_statuses: Callable[[Callable[[], None]], None], make: Callable[[Path], None]
) -> None:
    def replace() -> None:
        (source / "cat" / "1.jpg").unlink()
        make(source / "cat" / "1.jpg")

    before_statuses(replace)
    found = list_folder(source)
    assert [file.path for file in found.files] == ["cat/0.jpg", "cat/2.jpg"]
    assert {reject.path: reject.detail for reject in found.ignored}["cat/1.jpg"] == (
        "ignored: not a regular file"
    )


def away(source: Path) -> None:
    """Replaces the folder of images by a link to another one, which has larger files."""
    (source / "cat").rename(source.parent / "moved")
    (source.parent / "away").mkdir()
    for number in range(3):
        (source.parent / "away" / f"{number}.jpg").write_bytes(bytes(777))
    (source / "cat").symlink_to("../away")


def test_a_link_that_replaces_a_folder_after_it_was_read_is_not_followed(
    source: Path, before_statuses: Callable[[Callable[[], None]], None]
) -> None:
    before_statuses(lambda: away(source))
    assert [file.bytes for file in list_folder(source, "refuse").files] == [3, 3, 3]


def test_a_link_that_replaces_a_folder_before_it_is_read_is_refused(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open

    def late(path: str, flags: int, **options: int) -> int:
        if path == f"{source}/cat" and not (source / "cat").is_symlink():
            away(source)
        return real(path, flags, **options)

    monkeypatch.setattr(os, "open", late)
    with pytest.raises(
        ConversionError, match=f"replaced by a link to {source.parent}/away, while SOURCE was"
    ):
        list_folder(source, "refuse")


def test_a_folder_of_which_only_names_may_be_read(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests may be run by root, who may read all: the system's answer is made here, as files of mode r-- give it."""

    real = listing._status

    def status(entry: "os.DirEntry[str]") -> os.stat_result | None:
        return real(entry) if entry.is_dir() else denied()

    def denied(*_: object) -> NoReturn:
        raise PermissionError

    monkeypatch.setattr(listing, "_status", status)
    monkeypatch.setattr(listing, "_numbers", denied)
    with pytest.raises(UsageError, match=f"no permission to list the folder {source}/cat"):
        list_folder(source)


def test_a_time_that_numbers_of_64_bits_do_not_have(source: Path) -> None:
    path = source / "cat" / "1.jpg"
    os.utime(path, ns=(10**19, 10**19))
    (listed,) = (file for file in list_folder(source).files if file.path == "cat/1.jpg")
    assert listed.mtime_ns == min(path.stat().st_mtime_ns, 2**63 - 1)
    assert read_unchanged(listed._replace(path=str(path)), str(source), most=100) == b"\xff\xd8\xff"


def test_a_path_that_is_too_long_is_named(source: Path) -> None:
    place = os.open(source, os.O_RDONLY)
    for _ in range(20):
        os.mkdir("d" * 250, dir_fd=place)
        below = os.open("d" * 250, os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = below
    os.close(place)
    try:
        with pytest.raises(UsageError, match=r"d has more than the 4095 bytes that Linux takes\. Move it up"):
            list_folder(source)
    finally:
        subprocess.run(["rm", "-r", source / ("d" * 250)], check=True)  # pytest's own way uses whole paths
