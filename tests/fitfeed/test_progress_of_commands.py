"""Every command says what it does where that takes long, and nothing with `--quiet`."""

import io
from pathlib import Path

import pytest

from fitfeed.cli import main
from fitfeed.output import progress_display
from tests.without_beam import without_beam


@pytest.fixture(autouse=True)
def everything_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_display, "QUIET_S", 0.0)
    monkeypatch.setattr(progress_display, "TICK_S", 0.01)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["convert", "{photos}", "{tmp}/out", "--dry-run"], "listing and planning"),
        (["convert", "{photos}", "{tmp}/out"], "converting 8 images"),
        (["inspect", "{dataset}"], "inspecting"),
        (["inspect", "{dataset}/train-00000-of-00001.tfrecord"], "inspecting"),
        (["inspect", "{dataset}/train-00000-of-00001.tfrecord", "{dataset}"], "inspecting"),
        (["verify", "{dataset}"], "verifying"),
        (["preview", "{dataset}", "-o", "{tmp}/f.png"], "drawing"),
        (["report", "{dataset}", "-o", "{tmp}/f.html"], "making the page"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value,
)
def test_a_command_that_takes_long_says_what_it_does(
    command: list[str],
    said: str,
    few_photos: Path,
    small: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = [part.format(photos=few_photos, dataset=small, tmp=tmp_path) for part in command]
    with without_beam():
        assert main(arguments) == 0
    lines = capsys.readouterr().err.splitlines()
    assert any(line.startswith(said) for line in lines), lines
    with without_beam():
        assert main([*arguments, "--quiet"]) == 0
    assert capsys.readouterr().err == ""


@pytest.fixture(scope="module")
def small(few_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    dataset = tmp_path_factory.mktemp("small") / "dataset"
    with without_beam():
        assert main(["convert", str(few_photos), str(dataset), "--split", "train=1", "--quiet"]) == 0
    return dataset


class FullDisk(io.StringIO):
    """A log on a disk that is full."""

    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("is_terminal", [False, True])
def test_a_log_that_cannot_be_written_stops_no_work(
    is_terminal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = FullDisk()
    monkeypatch.setattr(stream, "isatty", lambda: is_terminal)
    display = progress_display.ProgressDisplay(stream)
    display.begin("converting", 10, stays=True)
    display.set(5)
    display.print("warning")
    display.close()
