"""What is noted of stacks, and the page that it is on."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.lanes import tried
from tests.lanes.compare import BATCHES_NAME, FILES_NAME, VERSIONS_NAME, WAYS_NAME
from tests.lanes.stacks import page_tables
from tests.lanes.tried import Counted, held, note, read, versions_table, ways_table

PAGE = Path(__file__).parents[2] / "docs" / "compatibility.md"
TESTS = Counted(passed=1234, failed=0, skipped=5)


def did(folder: Path, *, opencv: str, images: list[int], file: str = "12") -> Path:
    folder.mkdir()
    versions = {"Python": "3.11.7", "opencv-python-headless": opencv, "tensorflow": "none"}
    (folder / VERSIONS_NAME).write_text(json.dumps(versions))
    (folder / FILES_NAME).write_text(json.dumps({"photos": {"a": file}, "masks": {"b": "3"}}))
    (folder / WAYS_NAME).write_text(json.dumps({"warped": {"plain calls": "0f" * 32, "torch": "0f" * 32}}))
    batches: Any = {"warped, images": np.array(images), "warped, labels": np.array([1, 2])}
    np.savez(folder / BATCHES_NAME, **batches)
    return folder


@pytest.fixture(autouse=True)
def own_notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    if "page" not in request.node.name:
        monkeypatch.setattr(tried, "TRIED", tmp_path / "tried.json")


def test_what_held_is_noted_and_becomes_rows(tmp_path: Path) -> None:
    newest = did(tmp_path / "newest", opencv="5.0.0", images=[1, 2])
    older = did(tmp_path / "older", opencv="4.11.0", images=[1, 3])
    for folder in (newest, older):
        note(folder.name, held(folder, newest, TESTS))
    noted = read()
    assert noted["newest"].conversions == (2, 2)
    assert noted["older"].images == (0, 1)
    assert noted["older"].wrong == []
    rows = versions_table(noted, ["older", "newest"])
    assert "| older | 3.11.7 | none |" in rows[2]
    assert rows[2].endswith("| 4.11.0 | none | yes | labels: yes; images: 0 of 1 kinds | 1,234 |")
    assert rows[3].endswith("| 5.0.0 | none | yes | yes | 1,234 |")
    assert ways_table(noted, ["older"])[2] == "| older | torch | `0f0f0f0f0f0f` |"


def test_what_must_not_differ_is_told(tmp_path: Path) -> None:
    newest = did(tmp_path / "newest", opencv="5.0.0", images=[1, 2])
    other = did(tmp_path / "other", opencv="5.0.1", images=[1, 3], file="56")
    (other / WAYS_NAME).write_text(json.dumps({"warped": {"plain calls": "0f", "torch": "1e"}}))
    entry = held(other, newest, Counted(passed=3, failed=1, skipped=0))
    assert len(entry.wrong) == 2
    assert versions_table({"other": entry}, ["other"])[2].endswith("| 1 of 2 | no | 3, 1 failed |")
    assert ways_table({"other": entry}, ["other"])[2] == "| other | torch | differ |"


def test_the_page_has_these_tables() -> None:
    assert "\n".join(page_tables()) in PAGE.read_text()
