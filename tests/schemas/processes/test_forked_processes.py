"""Processes that are forked from one that has imported what they need: how they start and end, and what they share."""

import gc
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from fitfeed.schemas.processes.child_process import import_paths
from fitfeed.schemas.processes.forked_processes import (
    ExitCode,
    ForkedProcesses,
    Surroundings,
    _shared,
)
from tests.waiting import wait_until

END_S = 600.0

PREPARED: list[int] = []


def fork_server_runs() -> bool:
    """Whether processes could be forked now, without a start of the fork server."""
    return _shared.find(Surroundings.now()) is not None


def remember() -> None:
    PREPARED.append(os.getpid())


CLASSES: list[str] = []


class Memory:
    @classmethod
    def remember(cls) -> None:
        remember()
        CLASSES.append(cls.__name__)


class LongMemory(Memory):
    """Has the method of its base class."""


def report(setup: bytes, answers: int) -> None:
    """What a process sees."""
    seen = {
        "setup": setup.decode(),
        "path": sys.path,
        "prepared": PREPARED,
        "classes": CLASSES,
        "parent": os.getppid(),
        "descriptors": len(list(Path("/proc/self/fd").iterdir())) - 1,
        "interrupts": signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []),
        "child signal": signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL,
        "priority": os.getpriority(os.PRIO_PROCESS, 0),
    }
    os.write(answers, json.dumps(seen).encode() + b"\n")


def leave(setup: bytes) -> None:
    sys.exit(int(setup))


def fail(setup: bytes) -> None:
    raise ValueError(setup.decode())


def sleep(setup: bytes) -> None:
    time.sleep(END_S)


def hang() -> None:
    time.sleep(END_S)


def refuse_to_fork() -> None:
    def fork() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    os.fork = fork


def reports(count: int, **options: Any) -> list[dict[str, Any]]:
    """What some processes see, and that they end."""
    ours, theirs = os.pipe()
    with os.fdopen(ours) as answers:
        with os.fdopen(theirs, "wb"):
            group = ForkedProcesses(report, "ünï".encode(), [theirs], count=count, **options)
        seen = [json.loads(line) for line in answers]
    group.wait()
    assert len(seen) == len(set(group.pids)) == count
    return seen


def ended(group: ForkedProcesses) -> ExitCode:
    """Which of some processes ends first, and how."""
    deadline = time.monotonic() + END_S
    while (code := group.first_ended()) is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return code


def test_they_get_their_setup_and_share_what_was_prepared() -> None:
    for seen in reports(2, prepare=[remember]):
        assert seen["setup"] == "ünï"
        assert seen["path"] == import_paths()
        assert seen["prepared"] == [seen["parent"]]  # once, in the fork server
        assert psutil.Process().pid != seen["parent"]
        assert seen["interrupts"]
        assert seen["child signal"]
        assert seen["priority"] == os.getpriority(os.PRIO_PROCESS, 0)
        # Standard ones, their own, their lifeline, and the server's; nothing of other processes.
        assert seen["descriptors"] == 3 + 1 + 2


def test_what_is_prepared_is_shared_by_processes_that_follow() -> None:
    first = ForkedProcesses(sleep, b"", count=1, prepare=[Memory.remember])  # a class method, too
    (seen,) = reports(1)
    assert seen["prepared"] == [seen["parent"]]
    (seen,) = reports(1, prepare=[LongMemory.remember])  # and one of a base class
    assert seen["classes"] == ["Memory", "LongMemory"]
    first.kill()
    first.wait()


@pytest.mark.parametrize(("function", "setup", "code"), [(leave, b"3", 3), (leave, b"0", 0), (fail, b"x", 1)])
def test_how_they_end(function: Any, setup: bytes, code: int) -> None:
    group = ForkedProcesses(function, setup, count=1)
    assert ended(group) == ExitCode(group.pids[0], code)
    group.wait()
    group.kill()  # does no harm


def test_they_are_killed() -> None:
    group = ForkedProcesses(sleep, b"", count=3)
    assert group.first_ended() is None
    assert len(group.pids) == 3
    group.kill()
    group.wait()
    assert not any(psutil.pid_exists(pid) for pid in group.pids)
    first = group.first_ended()
    assert first is not None
    assert first.code == -signal.SIGKILL


def test_nobody_waits_for_a_server_that_is_still_importing() -> None:
    group = ForkedProcesses(sleep, b"", count=3, prepare=[hang])
    server = group._server._child.pid
    group.kill()
    group.wait()
    assert group.pids == []
    assert group.first_ended() is None
    del group
    gc.collect()
    assert not psutil.pid_exists(server)


def test_those_that_were_killed_before_they_were_forked_end_when_they_are() -> None:
    other = ForkedProcesses(sleep, b"", count=1)  # so that the server stays
    server = psutil.Process(other._server._child.pid)
    group = ForkedProcesses(sleep, b"", count=3)
    group.kill()
    group.wait()
    last = ForkedProcesses(leave, b"0", count=1)
    last.wait()  # it is forked after the others
    wait_until(lambda: [child.pid for child in server.children()] == other.pids)
    other.kill()
    other.wait()


def test_one_that_is_killed_from_outside() -> None:
    group = ForkedProcesses(sleep, b"", count=2)
    os.kill(group.pids[1], signal.SIGKILL)
    assert ended(group) == ExitCode(group.pids[1], -signal.SIGKILL)
    group.kill()
    group.wait()


def test_they_end_with_the_fork_server_and_the_next_has_another() -> None:
    group = ForkedProcesses(sleep, b"", count=2)
    server = psutil.Process(group.pids[0]).parent()
    assert server is not None
    workers = [psutil.Process(pid) for pid in group.pids]
    server.kill()
    assert ended(group) == ExitCode(server.pid, -signal.SIGKILL)
    assert psutil.wait_procs(workers, timeout=END_S)[1] == []
    group.wait()
    assert not fork_server_runs()
    assert ended(ForkedProcesses(leave, b"3", count=1)).code == 3


def test_a_server_that_cannot_import_ends_with_a_status() -> None:
    unknown: Any = type("Unknown", (), {"__module__": "fitfeed.no_such_module", "__qualname__": "function"})
    group = ForkedProcesses(unknown, b"", count=1)
    assert ended(group).code == 1
    assert group.pids == []


def test_processes_that_cannot_be_forked_are_an_error() -> None:
    group = ForkedProcesses(sleep, b"", count=2, prepare=[refuse_to_fork])
    assert group.pids == []
    with pytest.raises(BlockingIOError, match="temporarily unavailable"):
        group.first_ended()
    group.wait()


def test_all_share_a_server_which_ends_with_the_last_of_them() -> None:
    groups = [ForkedProcesses(sleep, b"", count=1) for _ in range(2)]
    servers = {psutil.Process(group.pids[0]).ppid() for group in groups}
    assert len(servers) == 1
    assert fork_server_runs()
    for group in groups:
        group.kill()
        group.wait()
        assert psutil.pid_exists(*servers)
    del group
    groups.clear()
    gc.collect()
    assert not psutil.pid_exists(*servers)
    assert not fork_server_runs()


@pytest.mark.slow
def test_a_server_that_started_in_other_surroundings_is_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kept = [ForkedProcesses(sleep, b"", count=1)]
    changes: list[Callable[[], None]] = [
        lambda: monkeypatch.setenv("FITFEED_TEST", "1"),
        lambda: monkeypatch.chdir(tmp_path),
        lambda: monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path]),
    ]
    for change in changes:
        assert fork_server_runs()
        change()
        assert not fork_server_runs()
        kept.append(ForkedProcesses(sleep, b"", count=1))
    servers = [psutil.Process(group.pids[0]).ppid() for group in kept]
    assert len(set(servers)) == 4
    for group in kept:
        group.kill()
        group.wait()


PARENT = """
import os, sys, time
from fitfeed.schemas.processes.forked_processes import ForkedProcesses
from tests.schemas.processes.test_forked_processes import fork_server_runs, leave, sleep
group = ForkedProcesses(sleep, b"", count=2)
pids = group.pids
if not (child := os.fork()):
    assert not fork_server_runs()  # that is its parent's
    if sys.argv[1] == "hold":
        time.sleep(600)  # has copies of all that its parent has open
    own = ForkedProcesses(leave, b"5", count=1)
    own.wait()
    assert own.first_ended().code == 5
    sys.exit(7)
if sys.argv[1] == "leave":
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert fork_server_runs() and group.first_ended() is None
print(*pids, flush=True)
time.sleep(600)
"""


@pytest.mark.slow
@pytest.mark.parametrize("child", ["leave", "hold"])
def test_they_end_with_a_parent_that_is_killed_and_not_with_its_children(child: str) -> None:
    command = [sys.executable, "-c", PARENT, child]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        workers = [psutil.Process(int(pid)) for pid in process.stdout.readline().split()]
        assert len(workers) == 2
        server = workers[0].parent()
        assert server is not None
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert psutil.wait_procs([server, *workers], timeout=END_S)[1] == []
        if child == "hold":
            os.killpg(process.pid, signal.SIGKILL)
