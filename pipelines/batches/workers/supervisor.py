"""Starts and watches worker processes, and exchanges messages with them over one socket.

    threads of the pipeline          this process                 worker processes

    register(batch) -------------> pending batches
    send(tasks) -----------------> socket ==== Task ====> the next free worker takes one
                                                              | writes images to shared memory
    result() waits <-- record() -- collector <== Answer ==== <+
                                   watcher polls ---------> is every worker alive?

All workers share the other end of the socket, so the kernel balances the tasks among them. One thread,
the collector, receives all answers. Another thread, the watcher, ends all workers when one of them has
ended, or when the pipeline is gone: a batch needs all its blocks, and no worker has a state to lose.
"""

import contextlib
import itertools
import signal
import socket
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy.typing as npt

from fitfeed.pipelines.batches.workers.protocol import MAX_MESSAGE_BYTES, READY, START, Answer, Task
from fitfeed.pipelines.batches.workers.worker import serve
from fitfeed.pipelines.batches.writer_threads import Damaged
from fitfeed.schemas.errors import DamagedExampleError, FeedError
from fitfeed.schemas.processes.child_process import signal_name
from fitfeed.schemas.processes.forked_processes import ExitCode, ForkedProcesses

POLL_S = 0.2
"""Seconds between two checks that all workers are alive."""

MAX_END_S = 5.0
"""Seconds to wait for processes that have been killed, at most."""


class PendingBatch:
    """A batch that workers are writing."""

    def __init__(self, batch: npt.NDArray[Any], blocks: int) -> None:
        """Starts with no block written.

        Args:
            batch: It is kept until all workers are done with it, as the waiting thread may be interrupted.
            blocks: The number of answers to expect.
        """
        self._batch: npt.NDArray[Any] | None = batch
        self._left = blocks
        self._damaged: dict[int, str] = {}
        self._error: Exception | None = None
        self._done = threading.Event()

    def record(self, answer: Answer) -> bool:
        """Records an answer; returns whether it was the last one."""
        self._damaged.update(answer.damaged)
        self._error = self._error or answer.exception()
        self._left -= 1
        if not self._left:
            self._finish()
        return not self._left

    def fail(self, reason: str) -> None:
        """Ends the batch with an error, as its answers will not come."""
        self._error = FeedError(reason)
        self._finish()

    def result(self) -> Damaged:
        """Waits until all blocks are written; returns which images are damaged.

        Raises:
            Exception: The error of a worker, after all workers are done with the batch.
        """
        self._done.wait()
        error, self._error = self._error, None
        if error is None:
            return {place: DamagedExampleError(text) for place, text in sorted(self._damaged.items())}
        try:
            raise error
        finally:
            del (
                error
            )  # or its traceback would keep this frame, and this frame keeps the batches of its callers

    def _finish(self) -> None:
        self._batch = None
        self._done.set()


class WorkerSupervisor:
    """Starts, watches and ends the workers of a pipeline. Thread-safe."""

    def __init__(
        self,
        setup: bytes,
        *,
        memory: Sequence[int],
        count: int,
        prepare: Sequence[Callable[[], None]] = (),
    ) -> None:
        """Starts the workers.

        Args:
            setup: A pickled `Setup`.
            memory: Descriptors of the file of batches, and of that of payloads if there is one.
            count: Number of workers.
            prepare: What loads all that they need, before they are forked.

        Raises:
            FeedError: If they cannot be started.
        """
        self._pending: dict[int, PendingBatch] = {}
        self._numbers = itertools.count()
        self._lock = threading.Lock()  # of `_pending` and `_over`
        self._sending = threading.Lock()  # so that the blocks of a batch stay together
        self._count, self._ready = count, 0  # workers, and those that have started
        self._failed_start = self._exit_reason = ""
        self._closing = threading.Event()
        self._over: str | None = None  # why no more answers come, once that is so
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                self._workers = ForkedProcesses(
                    serve, setup, (theirs.fileno(), *memory), count=count, prepare=prepare
                )
            except BaseException as error:  # no process or descriptor left, or Ctrl-C
                self._socket.close()
                if isinstance(error, OSError):
                    raise FeedError(_start_message(error)) from error
                raise
        self._watcher = threading.Thread(target=self._watch, name="fitfeed-watcher", daemon=True)
        self._watcher.start()
        threading.Thread(target=self._collect, name="fitfeed-collector", daemon=True).start()

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers."""
        return self._workers.pids

    @property
    def is_ready(self) -> bool:
        """Whether all workers have started.

        Raises:
            FeedError: If they have ended.
        """
        with self._lock:
            if self._over is not None:
                raise FeedError(self._over)
        return self._ready == self._count

    def register(self, batch: npt.NDArray[Any], *, blocks: int) -> tuple[int, PendingBatch]:
        """Registers a batch; returns the number for its tasks, and the batch to wait for.

        Args:
            batch: Array in shared memory, to be written.
            blocks: The number of tasks of this batch.

        Raises:
            FeedError: If the workers have ended.
        """
        pending = PendingBatch(batch, blocks)
        with self._lock:
            if self._over is not None:
                raise FeedError(self._over)
            number = next(self._numbers)
            self._pending[number] = pending
        return number, pending

    def send(self, tasks: Iterable[Task]) -> None:
        """Sends the blocks of a batch to the workers; waits while the socket is full."""
        # If the workers have ended, sending fails, and `_collect` makes the batch fail, too.
        with self._sending, contextlib.suppress(ConnectionError):
            for task in tasks:
                if self._over is None:
                    self._socket.send(task.encode())

    def end(self) -> None:
        """Ends all workers."""
        self._closing.set()
        if (
            threading.current_thread() is not self._watcher
        ):  # the garbage collector may call this in any thread
            self._watcher.join(MAX_END_S)

    def _watch(self) -> None:
        """Waits until a worker has ended, or `end` is called. Then ends all workers and closes the socket."""
        while not self._closing.wait(POLL_S) and not self._exit_reason:
            try:
                ended = self._workers.first_ended()
                self._exit_reason = "" if ended is None else _exit_message(ended)
            except OSError as error:
                self._exit_reason = _start_message(error)
        self._workers.kill()
        self._workers.wait()
        # A process that a function of the user has forked may keep the workers' end open.
        self._socket.shutdown(socket.SHUT_RDWR)

    def _collect(self) -> None:
        """Records answers until there are no more. Then makes all batches fail that still wait."""
        while message := self._receive():
            self._record(Answer.decode(message))
        self._watcher.join()  # it knows why the answers have ended
        with self._lock:
            self._over = self._failed_start or self._exit_reason or "the pipeline is closed"
            for pending in self._pending.values():
                pending.fail(self._over)
            self._pending.clear()
        with self._sending:
            self._socket.close()

    def _receive(self) -> bytes:
        try:
            return self._socket.recv(MAX_MESSAGE_BYTES)
        except ConnectionError:
            # The workers ended and left tasks unread. The socket reports that once, before their last answers.
            return self._socket.recv(MAX_MESSAGE_BYTES)

    def _record(self, answer: Answer) -> None:
        if answer.job == START:
            self._failed_start = f"a worker process could not start: {answer.exception()}"
            return
        if answer.job == READY:
            self._ready += 1
            return
        with self._lock:
            if self._pending[answer.job].record(answer):
                del self._pending[answer.job]


def _start_message(error: OSError) -> str:
    return f"worker processes could not be started ({error}). Use fewer, or threads: processes=0."


def _exit_message(ended: ExitCode) -> str:
    """Describes how a worker ended, and what to do about it."""
    pid, status = ended
    if status >= 0:
        end = f"ended with exit status {status}; what it wrote to standard error may say why"
    else:
        end = f"was killed by signal {-status} ({signal_name(-status)})"
    if status == -signal.SIGKILL:
        end += ", which often means that memory ran out: then use fewer processes, or a smaller batch_size"
    return (
        f"the worker process {pid}, which wrote batches, {end}. This pipeline cannot continue; a new one can, "
        f"from start=(epoch, step)."
    )
