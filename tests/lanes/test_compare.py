"""What `make lanes` says of lanes that converted or fed something else."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.lanes.compare import ALIKE, BATCHES_NAME, FILES_NAME, VERSIONS_NAME, arrays_differ, main

FILES = {"photos": {"a.tfrecord": "12", "manifest.json": "34"}}
BATCHES = {"warped, images": np.arange(6, dtype=np.uint8), "warped, labels": np.array([1, 2])}


def lane(folder: Path, *, opencv: str = "5.0", files: Any = FILES, batches: Any = BATCHES) -> Path:
    folder.mkdir()
    (folder / VERSIONS_NAME).write_text(json.dumps({"opencv-python-headless": opencv}))
    (folder / FILES_NAME).write_text(json.dumps(files))
    np.savez(folder / BATCHES_NAME, **batches)
    return folder


def test_lanes_that_agree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([lane(tmp_path / "one"), lane(tmp_path / "other")]) == 0
    captured = capsys.readouterr()
    assert captured.out.count(f"| {ALIKE} | {ALIKE} |") == 3
    assert captured.err == ""


def test_a_file_of_other_bytes_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {"photos": {**FILES["photos"], "a.tfrecord": "56", "more": "78"}}
    assert main([lane(tmp_path / "one", opencv="4.11", files=files), lane(tmp_path / "other")]) == 1
    assert "one: photos: differ: a.tfrecord, more" in capsys.readouterr().err


def test_batches_differ_with_another_opencv_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    batches = {**BATCHES, "warped, images": np.array([0, 1, 2, 3, 4, 7], np.uint8)}
    last = lane(tmp_path / "last")
    assert main([lane(tmp_path / "four", opencv="4.11", batches=batches), last]) == 0
    assert "| warped, images | 16.7% differ, by 2 (median) to 2 | the same |" in capsys.readouterr().out
    assert main([lane(tmp_path / "five", batches=batches), last]) == 1
    assert "five: warped, images: 16.7% differ" in capsys.readouterr().err


def test_labels_never_differ(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    batches = {**BATCHES, "warped, labels": np.array([1, 3])}
    assert main([lane(tmp_path / "four", opencv="4.11", batches=batches), lane(tmp_path / "last")]) == 1
    assert "four: warped, labels" in capsys.readouterr().err


def test_another_type_is_another_array() -> None:
    assert arrays_differ(np.zeros(2, np.int64), np.zeros(2, np.int32)) == "(2,) int64, (2,) int32"
    assert arrays_differ(np.array([np.nan]), np.array([np.nan])) == ALIKE
