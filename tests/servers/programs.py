"""Servers that are programs of others: `make engines` installs them; tests start and end them."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENGINES = ROOT / ".engines"
VERSITYGW = ENGINES / "versitygw"
PRISM = ENGINES / "prism"
AZURITE = ENGINES / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"

# Ends the server when its own input ends: when the test wants it, and when the process of the test dies.
KEEPER = 'exec 3<&0; (read -r _ <&3; kill -9 $$) & exec "$@" </dev/null 3<&-'
AXE = ENGINES / "node_modules" / "axe-core" / "axe.min.js"
"""No server, but installed with them: a program in JavaScript that finds what some people cannot read on a page."""

BUCKETS = "buckets"
MAX_START_S = 120.0


class Program:
    """A running server.

    Attributes:
        pid: Its process id.
    """

    def __init__(
        self, command: Sequence[str], port: int, folder: Path, environment: Mapping[str, str]
    ) -> None:
        """Starts a server, and waits until it listens.

        Args:
            command: What to start.
            port: Where it will listen, on 127.0.0.1.
            folder: Where it works. What it prints becomes the file `log` there.
            environment: Additional environment variables.

        Raises:
            RuntimeError: If it ended instead.
        """
        log = folder / "log"
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", KEEPER, "sh", *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                cwd=folder,
                env=os.environ | environment,
            )
        self.pid = self._process.pid
        deadline = time.monotonic() + MAX_START_S
        while not listens(port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.end()
                msg = f"{command[0]} does not listen on port {port}; it printed:\n{log.read_text()}"
                raise RuntimeError(msg)
            time.sleep(0.05)

    def end(self) -> None:
        """Ends it, and waits until it has ended."""
        self._process.communicate()


def start_versitygw(folder: Path, *, access: str, secret: str) -> tuple[Program, int]:
    """Starts an S3 server that works in `folder`; returns its port, too. Its buckets are the folders in `BUCKETS` there."""
    port = free_port()
    command = [str(VERSITYGW), "--port", f"127.0.0.1:{port}", "--quiet", "--keep-alive", "posix", BUCKETS]
    (folder / BUCKETS).mkdir()
    return Program(command, port, folder, {"ROOT_ACCESS_KEY": access, "ROOT_SECRET_KEY": secret}), port


def start_azurite(folder: Path) -> tuple[Program, int]:
    """Starts an Azure server that works in `folder`; returns its port, too."""
    port = free_port()
    command = ["node", str(AZURITE), "--blobHost", "127.0.0.1", "--blobPort", str(port)]
    command += ["--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", "--silent"]
    return Program(command, port, folder, {}), port


def require(program: Path, *others: str) -> None:
    """Skips the test without a program that `make engines` installs, and others that it needs; `.ci/run` fails then."""
    if program.exists() and all(map(shutil.which, others)):
        return
    line = f"{program.relative_to(ROOT)} is not there: make engines"
    if os.environ.get("FITFEED_REQUIRE_SERVERS"):
        pytest.fail(line)
    pytest.skip(line)


def free_port() -> int:
    """A port of 127.0.0.1 where nothing listens now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def listens(port: int) -> bool:
    """Whether something listens on a port of 127.0.0.1."""
    with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False
