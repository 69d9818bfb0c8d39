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
from tests.folders import contents
from tests.photos import copy_photos

COMMAND = [sys.executable, "-m", "fitfeed"]
END_S = 600.0  # what takes longer never ends


def fitfeed(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, as users start it: Beam and the workers are in it."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=END_S, check=False
    )


@pytest.fixture
def photos(clothing: Path, tmp_path: Path) -> Path:
    """Ten photographs in two classes."""
    return copy_photos(clothing / "test", tmp_path / "photos", ("dress", "hat"), count=5)


def test_summary(photos: Path, tmp_path: Path) -> None:
    done = fitfeed("convert", photos, tmp_path / "flowers")
    assert done.returncode == 0, done.stderr
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
        assert expected in done.stdout
    assert done.stderr == "converting 10 images into 1 shards\n"
    again = fitfeed("convert", photos, tmp_path / "flowers")
    assert again.returncode == 0
    assert "up to date" in again.stdout


def test_terminal_shows_a_bar(photos: Path, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, 100, 0, 0))  # rows and columns
    process = subprocess.Popen(
        [*COMMAND, "convert", str(photos), str(tmp_path / "flowers")],
        stderr=theirs,
        stdout=subprocess.DEVNULL,
    )
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 1000):
            shown += chunk
    except OSError:  # the terminal was closed
        pass
    os.close(ours)
    assert process.wait(END_S) == 0
    assert b"100%" in shown
    assert b"MB/s, 0 rejected" in shown


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


SLOW = ["--encoding", "png", "--size", "160"]


def started(source: Path, dataset: Path) -> subprocess.Popen[str]:
    """A conversion in a session of its own, as a terminal would start it, in the middle of its work."""
    process = subprocess.Popen(
        [*COMMAND, "convert", str(source), str(dataset), *SLOW],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    assert process.stderr.readline().startswith("converting 521 images")
    deadline = time.monotonic() + END_S
    while not list(dataset.glob(".work/*/results/*.json")):  # at least one shard is finished
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)
    return process


@pytest.fixture(scope="module")
def undisturbed(clothing: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("undisturbed") / "dataset"
    assert main(["convert", str(clothing), str(folder), *SLOW, "--quiet"]) == 0
    return contents(folder)


def continues(clothing: Path, dataset: Path, undisturbed: dict[str, bytes]) -> None:
    again = fitfeed("convert", clothing, dataset, *SLOW)
    assert again.returncode == 0, again.stderr
    assert "of an earlier run re-used" in again.stdout
    assert contents(dataset) == undisturbed


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_interruption_leaves_nothing_running_and_nothing_published(
    clothing: Path, tmp_path: Path, undisturbed: dict[str, bytes], number: signal.Signals
) -> None:
    dataset = tmp_path / "dataset"
    process = started(clothing, dataset)
    os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
    _, errors = process.communicate(timeout=END_S)
    assert process.returncode == 130
    *before, last = errors.splitlines()
    assert (
        last
        == "fitfeed convert: interrupted; nothing was published. The same command continues where it stopped."
    )
    assert all("img/s" in line for line in before)  # on a busy machine there were lines of progress
    wait_until_gone(process.pid)
    assert not (dataset / "manifest.json").exists()
    continues(clothing, dataset, undisturbed)


def test_sigkill_leaves_nothing_running_and_the_next_run_continues(
    clothing: Path, tmp_path: Path, undisturbed: dict[str, bytes]
) -> None:
    process = started(clothing, tmp_path / "dataset")
    process.kill()
    process.communicate(timeout=END_S)
    wait_until_gone(process.pid)
    continues(clothing, tmp_path / "dataset", undisturbed)
