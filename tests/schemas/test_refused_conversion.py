"""Whoever looks at a dataset that was not published is told why."""

import json
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from fitfeed.converters.staging.outcome import Status
from fitfeed.schemas.errors import IncompleteDatasetError, SplitLeakError
from fitfeed.schemas.manifest import read_manifest
from fitfeed.schemas.refused_conversion import LEAKS_NAME, MAX_OUTCOME_BYTES, REASONS, why_refused
from tests.deep import png
from tests.schemas.storage.places import KINDS, PLACES
from tests.without_beam import convert

LEAK = "holds a conversion that was not published, because the same {} is in two splits. Run the same"


def draw(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(np.full((4, 5, 3), len(names), np.uint8)))
    return folder


def test_an_image_in_two_splits(tmp_path: Path) -> None:
    draw(tmp_path / "photos", "train/a/1", "test/a/2")
    with pytest.raises(SplitLeakError):
        convert(tmp_path / "photos", tmp_path / "dataset")
    with pytest.raises(IncompleteDatasetError, match=LEAK.format("image")):
        read_manifest(tmp_path / "dataset")


def test_a_group_in_two_splits(tmp_path: Path) -> None:
    draw(tmp_path / "photos", "train/a/p1-1", "test/a/p1-2")
    with pytest.raises(SplitLeakError):
        convert(tmp_path / "photos", tmp_path / "dataset", {"group_from": r"(p\d)-"})
    with pytest.raises(IncompleteDatasetError, match=LEAK.format("group")):
        read_manifest(tmp_path / "dataset")


@pytest.mark.parametrize("kind", PLACES)
@pytest.mark.parametrize("status", [*REASONS, "published", "else", None, []])
def test_each_status_has_its_reason(kind: str, status: object, tmp_path: Path) -> None:
    work = KINDS[kind](tmp_path)
    assert why_refused(work) is None
    work.write("0123/outcome.json", json.dumps({"status": status}).encode())
    expected = REASONS.get(status) if isinstance(status, str) else None
    assert why_refused(work) == expected
    work.write(LEAKS_NAME, b"a.png\n")
    assert why_refused(work) == "the same group is in two splits"


def test_all_statuses_are_known() -> None:
    assert {*REASONS, "published"} == set(get_args(Status))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'"x"',
        b"\xff",
        b'{"status": "leaks"' + b" " * MAX_OUTCOME_BYTES + b"}",
        b"[" * 100_000,
    ],
    ids=["empty", "cut off", "list", "no status", "text", "no text", "too large", "too deep"],
)
def test_what_anybody_may_have_written_there_says_nothing(content: bytes, tmp_path: Path) -> None:
    work = KINDS["folder"](tmp_path)
    work.write("0123/outcome.json", content)
    assert why_refused(work) is None
