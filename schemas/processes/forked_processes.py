"""Processes that share what they have imported: they are forked from a process that has imported it, a fork server.

This process is never forked: its threads and those of TensorFlow would leave their locks behind. The fork server is a
process of ours like others, started with the safe path. All `ForkedProcesses` of this process share one, which ends with
the last of them.
"""

import json
import os
import socket
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Self

from fitfeed.schemas.processes.child_process import ChildProcess, file_in_memory, import_paths
from fitfeed.schemas.processes.fork_server import serve_forks

MAX_MESSAGE_BYTES = 256 << 10
"""Of a message of the server. One with a thousand process ids has 8 KB."""


NO_THREADS = {"JE_ARROW_MALLOC_CONF": "background_thread:false"}
"""A variable for the allocator of Arrow, which starts a thread when it is loaded. A fork server has one thread."""


class ExitCode(NamedTuple):
    """How a process has ended.

    Attributes:
        pid: Its process id.
        code: Its exit status, or the negative number of a signal.
    """

    pid: int
    code: int


class ForkedProcesses:
    """Some processes that run one function of ours. Thread-safe.

    They end when this process does, in whatever way, and never see Ctrl-C, as other processes of ours.
    """

    def __init__(
        self,
        function: Callable[..., None],
        setup: bytes,
        descriptors: Sequence[int] = (),
        *,
        count: int,
        prepare: Sequence[Callable[[], None]] = (),
    ) -> None:
        """Asks for the processes, and does not wait for them.

        Args:
            function: A function at the top of a module. It is called with `setup` and descriptors of the same files.
            setup: What they need to know. It is not seen in lists of processes.
            descriptors: Of open files.
            count: How many processes.
            prepare: What loads all that they need: functions or class methods at the top of modules. The fork server calls
                them before, so processes share what is loaded. They must start no thread.

        Raises:
            OSError: If no process can be started.
        """
        self._server = _shared.find_or_start()
        self._lock = threading.Lock()  # of all that follows
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._pids: list[int] | None = None
        self._ended: list[ExitCode] = []
        self._failure: OSError | None = None
        with theirs, file_in_memory(setup) as setup_file:
            request = [count, _name(function), [_name(each) for each in prepare]]
            self._server.ask(request, [theirs.fileno(), setup_file, *descriptors])

    @property
    def pids(self) -> list[int]:
        """Their process ids. It waits until they have been forked; none if that was not possible, or they were killed before."""
        with self._lock:
            while self._pids is None:
                self._receive()
            return self._pids

    def first_ended(self) -> ExitCode | None:
        """Returns which of them has ended first and how, or that the fork server has; None if none has.

        Raises:
            OSError: If they could not be forked.
        """
        with self._lock:
            while self._socket.fileno() >= 0 and self._receive(socket.MSG_DONTWAIT):
                pass
            if self._failure is not None:
                raise self._failure
            return self._ended[0] if self._ended else None

    def kill(self) -> None:
        """Ends them at once; `wait` for them to be gone.

        Nobody waits for those that were not forked yet: the server may have to import for a second first. It ends with the last object
        that uses it, or kills them as soon as they are there.
        """
        with self._lock:
            while self._socket.fileno() >= 0 and self._receive(socket.MSG_DONTWAIT):
                pass
            if self._socket.fileno() < 0:
                return
            if self._pids is not None:
                self._socket.shutdown(socket.SHUT_WR)
            else:
                self._pids = []
                self._socket.close()

    def wait(self) -> None:
        """Returns after all of them have ended that were forked before they were killed."""
        with self._lock:
            while self._socket.fileno() >= 0:
                self._receive()

    def _receive(self, flags: int = 0) -> bool:
        """Takes the next message of the server; returns whether there was one. `_lock` is held."""
        try:
            message = self._socket.recv(MAX_MESSAGE_BYTES, flags)
        except BlockingIOError:
            return False
        except ConnectionError:
            message = b""
        if not message:  # all have ended, or the server has, and they with it
            self._socket.close()
            if self._pids is None or len(self._ended) < len(self._pids):
                self._ended.append(self._server.wait())
            self._pids = self._pids or []
            return False
        for kind, content in json.loads(message).items():
            match kind:
                case "started":
                    self._pids = content
                case "ended":
                    self._ended.append(ExitCode(*content))
                case _:
                    self._failure = OSError(*content)
        return True


class Surroundings(NamedTuple):
    """What a process takes over when it starts. A server that started in others is not used: it is as if it started now."""

    paths: list[str]
    environment: dict[str, str]
    folder: tuple[int, int]
    cpus: set[int]

    @classmethod
    def now(cls) -> Self:
        """Those of this process."""
        folder = os.stat(".")  # noqa: PTH116 - its name may be gone
        return cls(import_paths(), dict(os.environ), (folder.st_dev, folder.st_ino), os.sched_getaffinity(0))


class ServerProcess:
    """A fork server, which ends when this object is gone. Thread-safe."""

    def __init__(self, surroundings: Surroundings) -> None:
        """Starts it.

        Args:
            surroundings: Those that it starts in.

        Raises:
            OSError: If no process can be started.
        """
        self._surroundings = surroundings
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            parent = os.getpid()
            self._child = ChildProcess(
                serve_forks, b"%d" % parent, [theirs.fileno()], environment=NO_THREADS, ends_itself=True
            )
        weakref.finalize(self, _end_server, self._child, self._channel, parent)

    def ask(self, request: list[Any], descriptors: Sequence[int]) -> None:
        """Sends a request.

        Args:
            request: What `fork_server.ForkServer` reads.
            descriptors: What goes with it.

        Raises:
            OSError: If the server has ended.
        """
        socket.send_fds(self._channel, [json.dumps(request).encode()], list(descriptors))

    def wait(self) -> ExitCode:
        """Returns how it has ended, after that."""
        return ExitCode(self._child.pid, self._child.wait())

    def serves(self, surroundings: Surroundings) -> bool:
        """Returns whether it runs, and started in these surroundings."""
        return self._surroundings == surroundings and self._child.exit_code is None


class _Shared:
    """The fork server of this process, as long as somebody uses it."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begins without one. A forked child has its own, as that of its parent looks after its parent."""
        self._lock = threading.Lock()
        self._server: Callable[[], ServerProcess | None] = lambda: None

    def find_or_start(self) -> ServerProcess:
        """The one that runs, if it started in these surroundings; or a new one."""
        surroundings = Surroundings.now()
        with self._lock:
            server = self.find(surroundings)
            if server is None:
                server = ServerProcess(surroundings)
                self._server = weakref.ref(server)
            return server

    def find(self, surroundings: Surroundings) -> ServerProcess | None:
        """The one that runs and started in these surroundings, if there is one."""
        server = self._server()
        return server if server is not None and server.serves(surroundings) else None


_shared = _Shared()
os.register_at_fork(after_in_child=_shared.forget)


def _end_server(child: ChildProcess, channel: socket.socket, owner: int) -> None:
    channel.close()
    if os.getpid() == owner:  # not in a forked child, which has a copy of the object
        child.kill()
        child.wait()


def _name(function: Callable[..., None]) -> tuple[str, str]:
    """Module and name by which a function is found; of a class method, those of the class that was asked for it."""
    owner = getattr(function, "__self__", None)
    if isinstance(owner, type):  # the method itself may be that of a base class
        return owner.__module__, f"{owner.__qualname__}.{function.__name__}"
    return function.__module__, function.__qualname__
