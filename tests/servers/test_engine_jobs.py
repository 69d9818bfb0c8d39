"""A conversion that does not end ends its test."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.servers import engine_jobs
from tests.servers.engine_jobs import LaunchedCommand
from tests.warm_commands import WarmCommand


class Started:
    """What starts a command, as `WarmCommands` does, that has a process of its own and never ends."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(["sleep", "600"], start_new_session=True)
        self.server, self.handler = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.server.send(str(self.process.pid).encode())

    def start(self, *_: object, **__: object) -> WarmCommand:
        return WarmCommand(self.handler)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_jobs, "MAX_S", 0.05)


def test_a_command_that_does_not_end_is_killed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    endless = tmp_path / "endless"
    endless.write_text("#!/bin/sh\nexec sleep 600\n")
    endless.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(endless))
    launch = LaunchedCommand(tmp_path, tmp_path / "dataset")
    with pytest.raises(TimeoutError, match="did not end within"):
        launch.finish()
    assert isinstance(launch.process, subprocess.Popen)
    with launch.process:
        assert launch.process.wait(60) == -signal.SIGKILL


def test_a_warm_command_that_does_not_end_is_killed(tmp_path: Path) -> None:
    started: Any = Started()
    assert os.getpgid(started.process.pid) == started.process.pid
    with started.server, started.handler, pytest.raises(TimeoutError, match="did not end within"):
        LaunchedCommand(tmp_path, tmp_path / "dataset", commands=started).finish()
    assert started.process.wait(60) == -signal.SIGKILL
