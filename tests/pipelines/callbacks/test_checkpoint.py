"""A training state in one file: what was written is read, and nothing else is."""

import os
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt
import pytest

from fitfeed.pipelines.callbacks import checkpoint
from fitfeed.pipelines.callbacks.checkpoint import TrainingProgress, read_checkpoint, write_checkpoint
from fitfeed.schemas.errors import DamagedDatasetError, UsageError

PROGRESS = TrainingProgress(
    epoch=2,
    step=5,
    steps=6,
    pipeline={"seed": 3, "split": "train"},
    logs={"loss": 0.1 + 0.2},
    batch=[[None, 8], "float32"],
)
NAMES = ["kernel", "kernel", "iterations", "scale"]
VALUES: list[npt.NDArray[Any]] = [
    np.arange(6, dtype=np.float32).reshape(2, 3),
    np.array([], np.float64),
    np.array(2**40, np.int64),
    np.array([0.5, -1.5], ml_dtypes.bfloat16),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_checkpoint(tmp_path / "resume.npz", PROGRESS, NAMES, VALUES)
    return tmp_path / "resume.npz"


def test_what_is_written_is_read(path: Path) -> None:
    found = read_checkpoint(path)
    assert found is not None
    assert (found.progress, found.names) == (PROGRESS, NAMES)
    for value, expected in zip(found.values, VALUES, strict=True):
        assert (value.dtype, value.shape) == (expected.dtype, expected.shape)
        assert value.tobytes() == expected.tobytes()


def test_there_may_be_none_yet(tmp_path: Path) -> None:
    assert read_checkpoint(tmp_path / "resume.npz") is None


def test_the_old_one_stays_until_the_new_one_is_whole(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_checkpoint(path, PROGRESS, [], [])
    assert path.read_bytes() == before


def test_a_file_that_is_cut_off_or_changed_is_damaged(path: Path) -> None:
    whole = path.read_bytes()
    for broken in (whole[: len(whole) // 2], whole[:100] + bytes([whole[100] ^ 1]) + whole[101:], b"", b"PK"):
        path.write_bytes(broken)
        with pytest.raises(DamagedDatasetError, match=r"resume\.npz is damaged .*delete it to train"):
            read_checkpoint(path)


def test_another_version_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "VERSION", 9)
    with pytest.raises(UsageError, match=r"has version 1; this fitfeed reads version 9"):
        read_checkpoint(path)
