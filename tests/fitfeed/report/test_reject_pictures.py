"""Rejected files are shown as far as they decode, and cannot do harm."""

import base64
import io
import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fitfeed.converters.rejects import Reject
from fitfeed.report import reject_pictures as module
from fitfeed.report.reject_pictures import RejectPicture, reject_pictures
from fitfeed.report.reject_sources import CannotBeShownError, find_sources
from fitfeed.schemas.manifest import read_manifest

RED = (200, 30, 20)


@pytest.fixture(scope="module")
def shown(gray: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, RejectPicture]:
    """All files of a source by name, decoded by one child."""
    folder = tmp_path_factory.mktemp("rejects")
    noise = np.random.default_rng(0).integers(0, 256, (128, 256, 3), np.uint8)
    Image.new("RGB", (300, 200), RED).save(folder / "whole.png")
    Image.fromarray(noise).save(folder / "cut.jpg")
    (folder / "cut.jpg").write_bytes((folder / "cut.jpg").read_bytes()[:-9000])
    Image.fromarray(np.arange(60_000, dtype=np.uint16).reshape(200, 300)).save(folder / "deep.png")
    (folder / "text.jpg").write_bytes(b"<html>no picture")
    (folder / "empty.jpg").touch()
    rejects = [Reject(path.name, "label_invalid", "no label") for path in sorted(folder.iterdir())]
    found = reject_pictures(
        [*rejects, Reject("gone.jpg", "vanished", "it is gone")],
        find_sources([str(folder)], read_manifest(gray)),
    )
    return {each.reject.path: each for each in found}


def pixels(picture: RejectPicture) -> Any:
    assert picture.address is not None
    content = base64.b64decode(picture.address.removeprefix("data:image/jpeg;base64,"))
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"), np.int64)


def test_a_whole_picture_is_shown(shown: dict[str, RejectPicture]) -> None:
    assert pixels(shown["whole.png"]).shape == (64, 96, 3)
    assert np.abs(pixels(shown["whole.png"]) - RED).max() < 6
    assert pixels(shown["deep.png"]).std() > 50


def test_of_a_cut_picture_the_beginning_is_shown(shown: dict[str, RejectPicture]) -> None:
    rows = pixels(shown["cut.jpg"]).std(axis=(1, 2))
    assert rows[:10].min() > 10
    assert rows[-5:].max() < 2


def test_what_is_no_picture_has_a_line(shown: dict[str, RejectPicture]) -> None:
    assert shown["text.jpg"][1:] == (None, "an HTML page saved under an image's name")
    assert shown["empty.jpg"][1:] == (None, "the file has no bytes")
    assert shown["gone.jpg"][1:] == (None, "it is not in the source any more")


@pytest.mark.parametrize(
    "answer",
    [
        None,
        7,
        [1, 1],
        [1, 1, "!"],
        [2, 2, base64.b64encode(bytes(11)).decode()],
        [97, 1, base64.b64encode(bytes(97 * 3)).decode()],
        [-1, -1, base64.b64encode(bytes(3)).decode()],
        {"height": 1},
    ],
)
def test_an_answer_is_not_trusted(answer: object) -> None:
    with pytest.raises(CannotBeShownError, match="answered no picture"):
        module._checked(answer)
    with pytest.raises(CannotBeShownError) as raised:
        module._checked("x" * 10_000)
    assert len(str(raised.value)) <= module.MAX_REASON


def die(content: str) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def sleep(content: str) -> None:
    time.sleep(60)


@pytest.mark.slow
@pytest.mark.parametrize(("harm", "why"), [(die, "SIGSEGV"), (sleep, "it takes longer than 1 s")])
def test_a_file_that_kills_or_stops_its_decoder_is_named(
    harm: Any, why: str, gray: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.jpg").write_bytes(b"x")
    harm.__module__ = "tests.fitfeed.report.test_reject_pictures"
    monkeypatch.setattr(module, "picture_in_child", harm)
    monkeypatch.setattr(module, "TIMEOUT_S", 1.0 if harm is sleep else 60.0)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    (found,) = reject_pictures(
        [Reject("x.jpg", "corrupt", "")], find_sources([str(tmp_path)], read_manifest(gray))
    )
    assert found.address is None
    assert found.why.startswith("decoding it was given up, because")
    assert why in found.why


def test_all_of_them_together_have_a_limit(
    gray: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_TOTAL_S", 0.0)
    found = reject_pictures(
        [Reject("x.jpg", "corrupt", "")], find_sources([str(tmp_path)], read_manifest(gray))
    )
    assert [each.why for each in found] == ["those before it took longer than 0 s"]
