"""Names of files never lead out of their folder, and a file is written whole or not at all."""

import os
from pathlib import Path

import pytest

from fitfeed.schemas.errors import DamagedDatasetError
from fitfeed.schemas.files import atomic_write, locate


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
