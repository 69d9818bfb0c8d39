"""Names of files never lead out of their folder."""

import os
from pathlib import Path

import pytest

from fitfeed.schemas.errors import DamagedDatasetError
from fitfeed.schemas.files import locate


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
