"""How processes of ours start and end."""

import json
import os
import signal
import subprocess
import sys
import time
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
import os, sys, time
from fitfeed.schemas.processes.child_process import ChildProcess
from tests.schemas.processes.test_child_process import sleep
child = ChildProcess(sleep)
if sys.argv[1] == "fork" and not os.fork():
    time.sleep(600)  # holds the lifeline
print(child.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.slow
@pytest.mark.parametrize("holds", ["", "fork"])
def test_a_child_ends_with_its_parent(holds: str) -> None:
    command = [sys.executable, "-c", PARENT, holds]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        child = psutil.Process(pid)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert psutil.wait_procs([child], timeout=END_S)[1] == []
        if holds:
            os.killpg(process.pid, signal.SIGKILL)


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
