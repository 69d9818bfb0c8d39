"""Commands of fitfeed whose process has imported everything before it begins: for tests that start many.

    test, or a script that calls `fitfeed`        server                     handler                   command
    connect, arguments, descriptors ------------> fork ---------------------> fork -------------------> main(arguments)
    pid <------------------------------------------------------------------- pid
    status <---------------------------------------------------------------- status <----------------- end

Imports take seconds of a command that a shell starts. After them, this is the same process: `main` runs in a session of its
own, with the descriptors, the folder and the variables of the one that asks, and starts its workers itself. Tests of how a
command begins, `tests/fitfeed/test_convert_command.py` among them, start it as a shell does.
"""

import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from fitfeed.cli import main
from fitfeed.schemas.processes.child_process import ONE_THREAD

ROOT = Path(__file__).parent.parent
LOADED = ("fitfeed.beam_jobs.convert", "fitfeed.beam_jobs.local", "fitfeed.converters.verify.dataset")
MEMORY_THREAD = "jemalloc_bg_thd"
"""A thread of the allocator of PyArrow, which provides for forks: it takes its locks before, and goes on without it."""

END_S = 600.0
"""What takes longer never ends."""

MAX_REQUEST_BYTES = 1 << 20

CLIENT = """\
#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
    server.connect({address!r})
    request = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
    socket.send_fds(server, [request], [0, 1, 2])
    server.recv(100)
    sys.exit(int(server.recv(100)))
"""


class WarmCommand:
    """A command that runs. It leads a group of processes, as one that a terminal starts.

    Attributes:
        pid: Its process id, and that of its group.
    """

    def __init__(self, handler: socket.socket) -> None:
        self._handler = handler
        handler.settimeout(END_S)
        self.pid = int(handler.recv(100))
        self._status: int | None = None

    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._status is None and not select.select([self._handler], [], [], 0)[0]

    def kill(self, *, group: bool = True) -> None:
        """Kills it, with all of its group or alone, unless it has ended."""
        with suppress(ProcessLookupError):
            (os.killpg if group else os.kill)(self.pid, signal.SIGKILL)

    def wait(self, timeout: float = END_S) -> int:
        """Its exit status, once it has ended; that of a signal is below zero.

        Raises:
            TimeoutError: If it does not end.
        """
        if self._status is None:
            self._handler.settimeout(timeout)
            self._status = int(self._handler.recv(100))
            self._handler.close()
        return self._status


class WarmCommands:
    """The server, which ends with this process."""

    def __init__(self, *more: str) -> None:
        """Starts it, and waits until it has imported everything.

        Args:
            more: Modules to import that most commands do not need.
        """
        self._folder = tempfile.TemporaryDirectory(prefix="fitfeed-commands-")
        self._address = str(Path(self._folder.name) / "server")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.warm_commands", self._address, *more],
            cwd=ROOT,
            env={**os.environ, **ONE_THREAD},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"

    def start(self, *arguments: object, output: int | None = None, errors: int | None = None) -> WarmCommand:
        """Starts `fitfeed` in the current folder.

        Args:
            arguments: What comes after `fitfeed`.
            output: Descriptor of its standard output. None: nobody reads it.
            errors: The same of its standard error.
        """
        request = json.dumps([list(map(str, arguments)), os.getcwd(), dict(os.environ)])  # noqa: PTH109
        handler = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        handler.connect(self._address)
        with Path(os.devnull).open("r+b") as nothing:
            null = nothing.fileno()
            descriptors = [null, *(null if given is None else given for given in (output, errors))]
            socket.send_fds(handler, [request.encode()], descriptors)
        return WarmCommand(handler)

    def run(self, *arguments: object) -> "subprocess.CompletedProcess[str]":
        """Runs `fitfeed` in the current folder, and returns what it prints."""
        with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
            command = self.start(*arguments, output=output.fileno(), errors=errors.fileno())
            status = command.wait()
            for file in (output, errors):
                file.seek(0)
            return subprocess.CompletedProcess(
                ["fitfeed", *map(str, arguments)], status, output.read(), errors.read()
            )

    def write_client(self, program: Path) -> None:
        """Makes a program that does what `fitfeed` does."""
        program.write_text(CLIENT.format(python=sys.executable, address=self._address))
        program.chmod(0o755)

    def close(self) -> None:
        """Ends the server."""
        self._process.communicate()
        self._folder.cleanup()


def serve(address: str, *more: str) -> list[str]:
    """Serves until standard input closes. It returns in each command, with the arguments."""
    for name in (*LOADED, *more):
        import_module(name)
    assert other_threads() <= {MEMORY_THREAD}, "a fork would lose them"
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for handlers
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(address)
        listener.listen()
        os.write(sys.stdout.fileno(), b"ready\n")
        while True:
            if sys.stdin in select.select([listener, sys.stdin], [], [])[0]:
                os._exit(0)
            connection, _ = listener.accept()
            with connection:
                if not os.fork():
                    listener.close()
                    return handle(connection)


def other_threads() -> set[str]:
    """Names of the threads that this process has besides its first."""
    tasks = Path("/proc/self/task").iterdir()
    return {(task / "comm").read_text().strip() for task in tasks if task.name != str(os.getpid())}


def handle(connection: socket.socket) -> list[str]:
    """Forks the command, and tells its end. It returns in the command only."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    request, descriptors, _, _ = socket.recv_fds(connection, MAX_REQUEST_BYTES, 3)
    if pid := os.fork():
        for descriptor in (0, 1, *descriptors):  # so pipes of the command end with it
            os.close(descriptor)
        _, status = os.waitpid(pid, 0)
        connection.send(str(os.waitstatus_to_exitcode(status)).encode())
        os._exit(0)
    os.setsid()
    connection.send(str(os.getpid()).encode())
    connection.close()
    given: tuple[list[str], str, dict[str, Any]] = json.loads(request)
    arguments, folder, environment = given
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[1:] = arguments
    return arguments


if __name__ == "__main__":
    sys.exit(main(serve(*sys.argv[1:])))
