"""Ours, nothing, or somebody else's: what lies under the names of TensorFlow Datasets beside a dataset."""

import errno
from pathlib import Path
from typing import Any

import pytest

from fitfeed.schemas.storage.local import LocalPlace
from fitfeed.schemas.tfds_beside import read_if_ours
from fitfeed.schemas.tfds_features import MARK

NAME = "features.json"


def test_ours_is_read(tmp_path: Path) -> None:
    place = LocalPlace(tmp_path)
    assert read_if_ours(place, NAME) == b""
    ours = MARK.encode() + b"." * 9000
    (tmp_path / NAME).write_bytes(ours)
    assert read_if_ours(place, NAME) == ours[:4096]
    assert read_if_ours(place, NAME, at_most=8000) == ours[:8000]


def test_all_else_is_foreign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = LocalPlace(tmp_path)
    for content in (b"", b"{}", b" " * 5000 + MARK.encode()):
        (tmp_path / NAME).write_bytes(content)
        assert read_if_ours(place, NAME, at_most=9000) is None
    (tmp_path / NAME).rename(tmp_path / "other")
    (tmp_path / NAME).symlink_to("/etc/hostname")
    assert read_if_ours(place, NAME) is None
    (tmp_path / NAME).unlink()
    (tmp_path / NAME).mkdir()
    assert read_if_ours(place, NAME) is None

    def failing(code: int) -> Any:
        def read(self: LocalPlace, name: str, *, at_most: int) -> Any:
            raise OSError(code, "failed", name)

        return read

    monkeypatch.setattr(LocalPlace, "read", failing(errno.EACCES))
    assert read_if_ours(place, NAME) is None
    monkeypatch.setattr(LocalPlace, "read", failing(errno.EIO))
    with pytest.raises(OSError, match="failed"):
        read_if_ours(place, NAME)
