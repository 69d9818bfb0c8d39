"""Calls functions that read files of any origin in a process of their own, which may crash, hang or eat memory.

caller                               child, with a memory limit
call(function, arguments) ---------> function(*arguments)
progress, for those who ask <------- a number
result or error <------------------- as JSON, never a pickle
GuardedCallError if the child is gone, or was killed after `timeout_s`; the next call starts another one
"""

import json
import os
import resource
import time
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from multiprocessing.connection import Connection
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from fitfeed.schemas.processes.child_process import ChildProcess, discard_output, signal_name
from fitfeed.schemas.processes.connected_child import start_connected
from fitfeed.schemas.processes.error_text import ErrorText
from fitfeed.schemas.processes.memory import limit_data
from fitfeed.schemas.processes.running_time import RunningTime

if TYPE_CHECKING:
    from fitfeed.schemas.strict_json import Json

POLL_S = 1.0
"""Seconds between two looks at the clock."""

TELL_S = 0.2
"""Seconds between two reports of progress."""

MAX_ANSWER_BYTES = 1 << 30  # 1 GiB

MAX_MEMORY_BYTES = 2 << 30  # 2 GiB
"""What a process may need, on top of what it has at its start."""

MIN_TIMEOUT_S = 120.0
MIN_BYTES_PER_S = 5 << 20
"""A file that is read more slowly than at 5 MiB/s, after the first two minutes, is not waited for."""

NO_PLUGINS = {"HDF5_PLUGIN_PRELOAD": "::"}
"""A variable of HDF5, which then loads no library for a filter that a file names (H5PLset_loading_state)."""


class GuardedCallError(Exception):
    """A call that did not come back. Its text says why: `it was killed by SIGSEGV`."""

    def on_reading(self, kind: str) -> str:
        """What a file did whose name comes before.

        Args:
            kind: What it was read as: `HDF5`.
        """
        return f"cannot be read as {kind}: the process that read it was given up, because {self}"


class GuardedCalls:
    """Calls functions one after another in a process, which is replaced if it ends. Not thread-safe.

    The process starts with the first call, and is kept for the next one, since starting it takes 0.3 s and more.
    """

    def __init__(self, *, memory_bytes: int = MAX_MEMORY_BYTES) -> None:
        """Describes the process.

        Args:
            memory_bytes: What it may need, on top of what it has at its start.
        """
        self._memory_bytes = memory_bytes
        self._child: ChildProcess | None = None
        self._connection: Connection[Any, Any]

    def begin(self, function: Callable[..., "Json"], *arguments: "Json") -> None:
        """Begins a call, so that the caller can do something else before it asks for the `result`.

        Args:
            function: A function at the top of a module.
            arguments: For it; they must be what JSON can hold.

        Raises:
            OSError: If no process can be started.
        """
        if self._child is None:
            self._start()
        request = json.dumps([function.__module__, function.__qualname__, arguments])
        with suppress(ConnectionError):  # it has ended: `result` says how
            self._connection.send_bytes(request.encode())

    def result(self, timeout_s: float, progress: Callable[[int], None] | None = None) -> Any:
        """Waits for the result of the call that was begun.

        Args:
            timeout_s: Seconds that it may take from now on, or from the last progress.
            progress: Receives what the function tells by `tell_progress`. None: a function that does is given up.

        Returns:
            What it returned, as JSON gives it back. It comes from a process that a file may have taken over, so the caller
            checks its type.

        Raises:
            GuardedCallError: If the process crashed, took too long, or needed more memory than it may.
            FitfeedError: If the function raised it.
            RuntimeError: If the function failed otherwise. It has the traceback.
        """
        try:
            answer = self._next_answer(timeout_s)
            while progress is not None and isinstance(answer, int):
                progress(answer)
                answer = self._next_answer(timeout_s)
            result, error = answer
        except (OSError, EOFError) as failure:
            raise GuardedCallError(self._end()) from failure
        except (ValueError, TypeError) as failure:
            self._end()
            msg = "it answered what is not JSON"
            raise GuardedCallError(msg) from failure
        except BaseException:  # too late, or Ctrl-C: the answer must not be taken for that of the next call
            self._end()
            raise
        if error is None:
            return result
        text = ErrorText(*map(str, error))
        if text.name == MemoryError.__name__:
            msg = f"it needs more than {self._memory_bytes >> 20} MiB of memory"
            raise GuardedCallError(msg)
        raise text.to_error()

    def close(self) -> None:
        """Ends the process."""
        if self._child is not None:
            self._end()

    def __enter__(self) -> Self:
        """Returns itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Ends the process."""
        self.close()

    def _start(self) -> None:
        setup = b"%d" % self._memory_bytes
        self._child, self._connection = start_connected(serve, setup, environment=NO_PLUGINS)

    def _next_answer(self, timeout_s: float) -> Any:
        self._wait(timeout_s)
        return json.loads(self._connection.recv_bytes(MAX_ANSWER_BYTES))

    def _wait(self, timeout_s: float) -> None:
        """Returns when there is an answer, or the process has ended."""
        left, clock = timeout_s, RunningTime(POLL_S)
        while not self._connection.poll(min(POLL_S, timeout_s)):
            left -= clock.passed()
            if left <= 0:
                msg = f"it takes longer than {timeout_s:.0f} s"
                raise GuardedCallError(msg)

    def _end(self) -> str:
        """Ends the process; returns how it ended."""
        child, self._child = self._child, None
        if child is None:
            return "it had ended"
        self._connection.close()
        child.kill()  # one that is ending by another signal keeps that one
        code = child.wait()
        return f"it was killed by {signal_name(-code)}" if code < 0 else f"it ended with exit status {code}"


def timeout_for(size: int) -> float:
    """Seconds that reading a file may take.

    Args:
        size: Its bytes.
    """
    return MIN_TIMEOUT_S + size / MIN_BYTES_PER_S


def serve(setup: bytes, channel: int) -> None:
    """What the process does: it calls functions until the channel is closed.

    Args:
        setup: How much memory it may need.
        channel: Descriptor of a socket: requests arrive, answers leave.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    limit_data(int(setup))
    # The C library tells the terminal how memory was corrupted. The caller says it in one line.
    discard_output(1, 2)
    with Connection(channel) as connection:
        _progress.connection = connection
        while True:
            try:
                request = connection.recv_bytes()
            except (EOFError, ConnectionError):
                os._exit(0)  # memory may be corrupted: nothing is tidied up
            connection.send_bytes(_answer(request))


class _Progress:
    """Where the process tells how far it is, and when it last did."""

    connection: "Connection[Any, Any] | None" = None
    last = 0.0


_progress = _Progress()


def tell_progress(done: int) -> None:
    """Tells the caller how far a function is, in the process that it was called in. Most calls are not passed on.

    Args:
        done: A number that grows.
    """
    now = time.monotonic()
    if _progress.connection is not None and now - _progress.last >= TELL_S:
        _progress.last = now
        _progress.connection.send_bytes(b"%d" % done)


def _answer(request: bytes) -> bytes:
    """Calls a function; returns its result, or the error that it raised."""
    module, function, arguments = json.loads(request)
    try:
        return json.dumps([getattr(import_module(module), function)(*arguments), None]).encode()
    except Exception as error:  # noqa: BLE001 - ours, or a bug; the caller raises it
        return json.dumps([None, ErrorText.of(error)]).encode()
