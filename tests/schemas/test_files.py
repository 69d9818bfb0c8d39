"""Names of files never lead out of their folder, and a file is written whole or not at all."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from fitfeed.schemas.errors import DamagedDatasetError
from fitfeed.schemas.files import atomic_write, locate, open_located, pread_all, pwrite_all


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "dataset"
    path.mkdir()
    (path / "file").write_text("content")
    (tmp_path / "outside").write_text("secret")
    return path


def test_a_file_is_found(folder: Path) -> None:
    assert locate(folder, "file") == folder / "file"


def test_a_link_inside_is_followed(folder: Path) -> None:
    (folder / "link").symlink_to("file")
    assert locate(folder, "link") == folder / "file"


def test_the_folder_may_be_a_link(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    assert locate(tmp_path / "link", "file") == folder / "file"


@pytest.mark.parametrize("target", ["../outside", "/dev/null", "chain", "../dataset-2/file"])
def test_a_link_out_is_refused(folder: Path, tmp_path: Path, target: str) -> None:
    (tmp_path / "dataset-2").mkdir()  # its path begins like that of the folder
    (tmp_path / "dataset-2" / "file").touch()
    (folder / "chain").symlink_to("../outside")
    (folder / "link").symlink_to(target)
    with pytest.raises(DamagedDatasetError, match="link out of the dataset's folder"):
        locate(folder, "link")


def test_what_is_no_file_is_refused(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "sub").mkdir()
    (folder / "nothing").symlink_to("void")
    (folder / "loop").symlink_to("loop")
    for name, message in {
        "pipe": "not a regular file",
        "sub": "not a regular file",
        "nothing": "is a link to nothing",
        "loop": "cannot be read: Too many levels",
        "void": "is missing",
    }.items():
        with pytest.raises(DamagedDatasetError, match=message):
            locate(folder, name)


def test_what_was_found_is_opened(folder: Path, tmp_path: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "inner").write_text("inner")
    (folder / "link").symlink_to("sub/inner")
    (tmp_path / "alias").symlink_to(folder)
    for name, content in {"file": b"content", "link": b"inner"}.items():
        with open_located(tmp_path / "alias", name) as stream:
            assert stream.read() == content
    with pytest.raises(DamagedDatasetError, match="is missing"):
        open_located(folder, "void")


def link_to_the_secret(folder: Path) -> None:
    (folder / "sub" / "file").symlink_to("../../outside")


def pipe(folder: Path) -> None:
    os.mkfifo(folder / "sub" / "file")  # opening it would wait for a writer for ever


def another_folder(folder: Path) -> None:
    (folder / "sub").rmdir()
    (folder / "sub").symlink_to("../elsewhere")


def a_folder(folder: Path) -> None:
    (folder / "sub" / "file").mkdir()


@pytest.mark.parametrize("swap", [link_to_the_secret, pipe, another_folder, a_folder])
def test_what_is_put_in_its_place_after_the_check_is_not_opened(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swap: Callable[[Path], None]
) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "file").write_text("content")
    (folder / "link").symlink_to("sub/file")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").write_text("secret")

    def locate_and_swap(within: Path, name: str) -> Path:
        found = locate(within, name)
        found.unlink()
        swap(folder)
        return found

    monkeypatch.setattr("fitfeed.schemas.files.locate", locate_and_swap)
    with pytest.raises((DamagedDatasetError, IsADirectoryError), match=r"was replaced|is not a regular file"):
        open_located(folder, "link")


def test_a_link_that_another_process_swaps_never_shows_the_secret(folder: Path) -> None:
    """Opening the link itself after the check gives the file outside in 3 of 1,000 reads."""
    stop, read = threading.Event(), set()

    def swap() -> None:
        while not stop.is_set():
            for target in ("file", "../outside"):
                (folder / "new").symlink_to(target)
                (folder / "new").replace(folder / "link")

    (folder / "link").symlink_to("file")
    thread = threading.Thread(target=swap)
    thread.start()
    try:
        for _ in range(2000):
            try:
                with open_located(folder, "link") as stream:
                    read.add(stream.read())
            except DamagedDatasetError:
                continue
    finally:
        stop.set()
        thread.join()
    assert read == {b"content"}


@pytest.mark.parametrize(
    "content", ["gr\u00fcn\r\n", "gr\u00fcn\r\n".encode(), memoryview("gr\u00fcn\r\n".encode())]
)
def test_a_file_is_replaced_as_it_is_given(tmp_path: Path, content: bytes | memoryview | str) -> None:
    (tmp_path / "file").write_text("a longer content than the new one")
    atomic_write(tmp_path / "file", content)
    assert (tmp_path / "file").read_bytes() == "gr\u00fcn\r\n".encode()
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_old_file_stays_until_the_new_one_is_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(descriptor: int) -> None:
        assert (tmp_path / "file").read_text() == "old"
        raise OSError(28, "No space left on device")

    (tmp_path / "file").write_text("old")
    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(OSError, match="No space left"):
        atomic_write(tmp_path / "file", "new")
    assert (tmp_path / "file").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_what_cannot_be_encoded_changes_nothing(tmp_path: Path) -> None:
    with pytest.raises(UnicodeEncodeError):
        atomic_write(tmp_path / "file", "\udcff")
    assert not list(tmp_path.iterdir())


def test_all_is_written_where_the_system_writes_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pwrite = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda file, data, offset: pwrite(file, data[:3], offset))
    with (tmp_path / "file").open("wb") as file:
        pwrite_all(file.fileno(), 2, memoryview(b"0123456789"))
    assert (tmp_path / "file").read_bytes() == b"\0\x000123456789"


def test_a_range_is_read_where_the_system_reads_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pread = os.pread
    monkeypatch.setattr(os, "pread", lambda file, length, offset: pread(file, min(length, 3), offset))
    (tmp_path / "file").write_bytes(b"0123456789")
    with (tmp_path / "file").open("rb") as file:
        assert pread_all(file.fileno(), 1, 8) == b"12345678"
        assert pread_all(file.fileno(), 6, 8) == b"6789"
