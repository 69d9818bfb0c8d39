"""`fitfeed convert` as a user starts it: a process, its terminal, its interruption."""

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import psutil
import pytest

from fitfeed.cli import main
from fitfeed.converters.options import ConvertOptions
from tests.faults import add_fault, faulty_decoder
from tests.folders import contents
from tests.photos import copy_photos
from tests.without_beam import convert, without_beam

COMMAND = [sys.executable, "-m", "fitfeed"]
END_S = 600.0  # what takes longer never ends


@pytest.fixture
def photos(clothing: Path, tmp_path: Path) -> Path:
    """Ten photographs in two classes."""
    return copy_photos(clothing / "test", tmp_path / "photos", ("dress", "hat"), count=5)


@pytest.mark.slow
def test_terminal_shows_a_bar_and_then_the_summary(
    photos: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, 100, 0, 0))  # rows and columns
    dataset = tmp_path / "flowers"
    with (tmp_path / "summary.txt").open("w+") as output:
        process = subprocess.Popen(
            [*COMMAND, "convert", str(photos), str(dataset)], stderr=theirs, stdout=output
        )
        os.close(theirs)
        shown = b""
        try:
            while chunk := os.read(ours, 1000):
                shown += chunk
        except OSError:  # the terminal was closed
            pass
        os.close(ours)
        assert process.wait(END_S) == 0, shown
        output.seek(0)
        summary = output.read()
    assert b"100%" in shown
    assert b"10/10 images, " in shown
    assert b"0 rejected, " in shown
    for expected in (
        "is complete",
        "10 examples in 1 shards",
        "dress 5, hat 5",
        "rejects    none",
        "images/s",
        "mean ",
        "std ",
        "from fitfeed import make_pipeline",
        "batch_size=10, image_size=(224, 224)",  # no more than there are examples, or there is no batch
    ):
        assert expected in summary
    assert main(["convert", str(photos), str(dataset)]) == 0
    assert "up to date" in capfd.readouterr().out


def session_processes(session: int) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (ProcessLookupError, psutil.NoSuchProcess):
            continue
    return found


def wait_until_gone(session: int) -> None:
    deadline = time.monotonic() + END_S
    while session_processes(session):
        assert time.monotonic() < deadline, "workers outlive the command"
        time.sleep(0.05)


SHARDS = ["--shards", "5"]


def started(photos: Path, dataset: Path) -> subprocess.Popen[str]:
    """A conversion in a session of its own, as a terminal would start it, in the middle of its work.

    One of its two workers decodes a picture for ever, and the other has finished a shard.
    """
    process = subprocess.Popen(
        [*COMMAND, "convert", str(photos), str(dataset), *SHARDS, "--workers", "2", "--timeout", "0"],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": faulty_decoder(dataset.parent / "faults")},
    )
    deadline = time.monotonic() + END_S
    while not list(dataset.glob(".work/*/results/*.json")):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)
    return process


@pytest.fixture
def hanging(photos: Path) -> Path:
    """The photographs; at one of them, the faulty decoder never ends."""
    add_fault(next(photos.glob("dress/*")), "hang")
    return photos


def continues(photos: Path, dataset: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The same command with a good decoder gives what it would have given without an interruption."""
    with without_beam():
        assert main(["convert", str(photos), str(dataset), *SHARDS]) == 0
    assert "of an earlier run re-used" in capfd.readouterr().out
    undisturbed = dataset.with_name("undisturbed")
    convert(photos, undisturbed, ConvertOptions(shards=5))
    assert contents(dataset) == contents(undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interruption_leaves_nothing_running_and_nothing_published(
    hanging: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], number: signal.Signals
) -> None:
    dataset = tmp_path / "dataset"
    process = started(hanging, dataset)
    os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
    _, errors = process.communicate(timeout=END_S)
    assert process.returncode == 130
    first, *between, last = errors.splitlines()
    assert first == "converting 10 images into 5 shards"
    assert (
        last
        == "fitfeed convert: interrupted; nothing was published. The same command continues where it stopped."
    )
    assert all("img/s" in line for line in between)
    wait_until_gone(process.pid)
    assert not (dataset / "manifest.json").exists()
    continues(hanging, dataset, capfd)


@pytest.mark.slow
def test_sigkill_leaves_nothing_running_and_the_next_run_continues(
    hanging: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    process = started(hanging, tmp_path / "dataset")
    process.kill()
    process.communicate(timeout=END_S)
    wait_until_gone(process.pid)
    continues(hanging, tmp_path / "dataset", capfd)
