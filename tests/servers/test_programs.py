"""A server of others ends with the test that started it, however that ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.servers.programs import Program, free_port

LISTENER = "import os, socket, sys\nserver = socket.create_server(('127.0.0.1', int(sys.argv[1])))\nprint(os.getpid(), flush=True)\nserver.accept()\nserver.accept()"
HOLDER = """
import sys, time
from pathlib import Path
from tests.servers.programs import Program
program = Program(sys.argv[3:], int(sys.argv[1]), Path(sys.argv[2]), {})
print("listens", flush=True)
time.sleep(600)
"""


def listener(port: int) -> list[str]:
    return [sys.executable, "-S", "-E", "-c", LISTENER, str(port)]


def is_running(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def wait_for_end(pid: int) -> None:
    deadline = time.monotonic() + 60
    while is_running(pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_program_ends_when_it_is_told(tmp_path: Path) -> None:
    port = free_port()
    program = Program(listener(port), port, tmp_path, {})
    pid = int((tmp_path / "log").read_text())
    assert is_running(pid)
    program.end()
    wait_for_end(pid)


def test_a_program_ends_with_a_killed_test(tmp_path: Path) -> None:
    port = free_port()
    holder = [sys.executable, "-c", HOLDER, str(port), str(tmp_path), *listener(port)]
    with subprocess.Popen(
        holder, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"listens\n"
        pid = int((tmp_path / "log").read_text())
        process.send_signal(signal.SIGKILL)
    wait_for_end(pid)


def test_a_program_that_does_not_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="not a port"):
        Program(["/bin/sh", "-c", "echo not a port; exit 3"], free_port(), tmp_path, {})
