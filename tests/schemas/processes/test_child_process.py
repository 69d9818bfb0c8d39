"""How processes of ours start and end."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

import fitfeed
from fitfeed.schemas.processes.child_process import (
    ChildProcess,
    import_paths,
    safe_environment,
    signal_name,
)

END_S = 600.0


def report(setup: bytes, answers: int) -> None:
    """A child that says what it sees."""
    seen = {
        "setup": setup.decode(),
        "path": sys.path,
        "fitfeed": fitfeed.__file__,
        "threads": os.environ["OMP_NUM_THREADS"],
        "descriptors": sorted(path.name for path in Path("/proc/self/fd").iterdir()),
        "interrupts": signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []),
    }
    os.write(answers, json.dumps(seen).encode())


def leave(setup: bytes) -> None:
    os._exit(int(setup))


def sleep(setup: bytes) -> None:
    time.sleep(END_S)


def spin(setup: bytes, ready: int) -> None:
    """As a damaged HDF5 file does it: stuck in C, with the GIL held, so no other thread of this process runs."""
    os.write(ready, b".")
    sum(itertools.repeat(0))


def test_a_child_gets_its_setup_and_imports_what_its_parent_imports() -> None:
    ours, theirs = os.pipe()
    with os.fdopen(ours, "rb") as answers:
        with os.fdopen(theirs, "wb"):
            child = ChildProcess(report, "ünï".encode(), [theirs])
        seen = json.loads(answers.read())
    assert child.wait() == child.exit_code == 0
    assert seen["setup"] == "ünï"
    assert seen["path"] == import_paths()
    assert seen["fitfeed"] == fitfeed.__file__
    assert seen["threads"] == "1"
    assert str(theirs) in seen["descriptors"]
    assert len(seen["descriptors"]) == 3 + 1 + 1 + 1  # standard ones, the lifeline, ours, and the listing's
    assert seen["interrupts"]


def test_the_current_folder_is_on_the_path_only_where_the_parent_looks_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "path", ["/a", "/b"])
    assert import_paths() == ["/a", "/b"]
    monkeypatch.setattr(sys, "path", ["", "/b"])
    assert import_paths() == [str(Path.cwd()), "/b"]


def test_a_child_comes_from_the_same_fitfeed_even_if_it_is_not_on_the_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As after `python -m fitfeed` in a checkout, which drops the current folder."""
    (tmp_path / "fitfeed").mkdir()
    (tmp_path / "fitfeed" / "__init__.py").write_text("raise SystemExit('another one')\n")
    home = str(Path(fitfeed.__path__[0]).parent)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *(path for path in sys.path if path not in ("", home))])
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert ChildProcess(leave, b"3").wait() == 1  # no `tests` on its path
    monkeypatch.setattr(sys, "path", [*sys.path, home])
    assert ChildProcess(leave, b"3").wait() == 3


@pytest.mark.parametrize("code", [0, 3])
def test_its_exit_code(code: int) -> None:
    assert ChildProcess(leave, b"%d" % code).wait() == code


def test_a_killed_child() -> None:
    child = ChildProcess(sleep)
    assert child.exit_code is None
    child.kill()
    assert child.wait() == -signal.SIGKILL
    child.kill()  # once more does no harm
    assert not psutil.pid_exists(child.pid)


PARENT = """
import os, sys, threading, time
from fitfeed.schemas.processes.child_process import ChildProcess
from tests.schemas.processes.test_child_process import spin
ours, theirs = os.pipe()
child = ChildProcess(spin, b"", [theirs])
os.read(ours, 1)  # it works
if sys.argv[1] == "fork" and not os.fork():
    time.sleep(600)  # has a copy of the lifeline
print(child.pid, flush=True)
time.sleep(600)
"""


def has_ended(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)  # nobody has asked for its exit status yet
    except psutil.NoSuchProcess:
        return True


def within_a_second(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + 1.0
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


@pytest.mark.parametrize("holds", ["nobody", pytest.param("fork", marks=pytest.mark.slow)])
def test_a_child_is_gone_within_a_second_of_its_parent(holds: str) -> None:
    command = [sys.executable, "-c", PARENT, holds]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        child = psutil.Process(int(process.stdout.readline()))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        try:
            assert within_a_second(lambda: has_ended(child))
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def test_a_child_outlives_the_thread_that_started_it() -> None:
    with ThreadPoolExecutor(1) as starter:
        child = starter.submit(ChildProcess, sleep).result()
    with pytest.raises(subprocess.TimeoutExpired):
        child._process.wait(0.3)
    child.let_go()
    assert child.wait() in (1, -signal.SIGKILL)  # it looks itself, until it has asked the kernel


def test_what_libraries_start_does_not_look_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "colorsys.py").write_text("raise SystemExit('hostile')\n")
    monkeypatch.delenv("PYTHONPATH", raising=False)
    command = [sys.executable, "-c", "import colorsys, fitfeed"]
    before = dict(os.environ)
    with safe_environment():
        subprocess.run(command, cwd=tmp_path, check=True)
    assert dict(os.environ) == before
    assert subprocess.run(command, cwd=tmp_path, check=False, capture_output=True).returncode == 1


def test_names_of_signals() -> None:
    assert signal_name(signal.SIGSEGV) == "SIGSEGV"
    assert signal_name(40) == "signal 40"
