"""A pool of processes that write shards, for the local run.

Beam's own local parallelism is not used: its threads lose elements and its processes hang when one
dies (docs/adr/0003-local-engine.md). Here one thread per process hands it a shard at a time, so
when a process dies it is known which shard it was writing: the process is replaced and that shard,
and no other, is tried again.
"""

import contextlib
import ctypes
import multiprocessing
import os
import queue
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from converters.shard import ShardTotals, write_shard
from converters.work import Job, WorkFolder
from schemas.errors import ConversionError, FitfeedError, InterruptedConversionError

ATTEMPTS = 3
"""How often a shard is tried when the process that writes it dies."""

INTERRUPTED = "interrupted; nothing was published. The same command continues where it stopped."

ACTIVE: "ShardPool | None" = None
"""The pool that `WriteShard` uses in this process; None on a cluster's workers."""

Counts = ctypes.Array[ctypes.c_longlong]
"""Images, rejects and source bytes of the shard a worker is writing."""


@contextlib.contextmanager
def use(pool: "ShardPool") -> Iterator[None]:
    """Makes a pool the active one."""
    global ACTIVE
    ACTIVE = pool
    try:
        yield
    finally:
        ACTIVE = None


class ShardPool:
    """Processes that write the shards of one job.

    Start it before Beam is imported: the fork server must be forked from a process without
    threads, and starts up while Beam is being imported.

    Attributes:
        interrupted: Set once `stop` was called.
        error: The first error that a shard ended with.
    """

    def __init__(self, work: WorkFolder, job: Job, *, workers: int) -> None:
        """Starts the processes."""
        self.interrupted = threading.Event()
        self.error: BaseException | None = None
        self._dataset, self._job = work.dataset, job
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["beam_jobs.pool"])
        self._queue: queue.SimpleQueue[tuple[int, Future[ShardTotals]] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._finished = [0, 0, 0]  # images, rejects, bytes of finished shards
        self._workers = [_Worker(self._context, self._dataset, job) for _ in range(workers)]
        self._threads = [
            threading.Thread(target=self._serve, args=(worker,), daemon=True) for worker in self._workers
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, number: int) -> "Future[ShardTotals]":
        """Queues a shard."""
        future: Future[ShardTotals] = Future()
        self._queue.put((number, future))
        return future

    def progress(self) -> tuple[int, int, int]:
        """Images done, rejects among them, and source bytes, of finished and current shards."""
        with self._lock:
            current = [list(worker.counts) for worker in self._workers]
            images, rejects, source_bytes = (
                done + sum(counts[i] for counts in current) for i, done in enumerate(self._finished)
            )
        return images, rejects, source_bytes

    def stop(self) -> None:
        """Ends all work at once; queued and running shards end with an interruption."""
        self.interrupted.set()
        for worker in self._workers:
            worker.kill()

    def close(self) -> None:
        """Ends the processes; none is left when this returns."""
        for _ in self._threads:
            self._queue.put(None)
        for worker in self._workers:
            worker.kill()
        for thread in self._threads:
            thread.join()

    def _serve(self, worker: "_Worker") -> None:
        """Hands shards to one process until told to end."""
        while (item := self._queue.get()) is not None:
            number, future = item
            try:
                totals = self._write(worker, number)
            except BaseException as error:  # noqa: BLE001 - it is handed to whoever waits for the shard
                with self._lock:
                    self.error = self.error or error
                future.set_exception(RuntimeError(str(error)))  # Beam rewrites what it is given
            else:
                future.set_result(totals)
        worker.kill()

    def _write(self, worker: "_Worker", number: int) -> ShardTotals:
        for _ in range(ATTEMPTS):
            if self.interrupted.is_set() or self.error is not None:
                raise InterruptedConversionError(INTERRUPTED)
            try:
                totals = worker.write(number)
            except EOFError:
                if not self.interrupted.is_set():
                    worker.restart()
                continue
            with self._lock:
                done = (totals.planned, sum(totals.rejects.values()), worker.counts[2])
                self._finished = [total + new for total, new in zip(self._finished, done, strict=True)]
                worker.reset_counts()
            return totals
        if self.interrupted.is_set():
            raise InterruptedConversionError(INTERRUPTED)
        msg = f"the process that wrote shard {number} died {ATTEMPTS} times, last with exit code {worker.last_exit_code} (-9 often means: out of memory). Run the same command again with fewer --workers: it continues."
        raise ConversionError(msg)


class _Worker:
    """One process and the pipe to it."""

    def __init__(self, context: Any, dataset: Path, job: Job) -> None:
        self.counts: Counts = context.RawArray(ctypes.c_longlong, 3)
        self.last_exit_code: int | None = None
        self._context, self._dataset, self._job = context, dataset, job
        self._start()

    def _start(self) -> None:
        self._connection, theirs = self._context.Pipe()
        self._process: BaseProcess = self._context.Process(
            target=_worker_main, args=(theirs, self.counts, str(self._dataset), self._job), daemon=True
        )
        self._process.start()
        theirs.close()

    def write(self, number: int) -> ShardTotals:
        """Has a shard written.

        Raises:
            EOFError: If the process died.
        """
        self.reset_counts()
        try:
            self._connection.send(number)
            answer = self._connection.recv()
        except OSError as error:  # the pipe broke: the process is gone
            raise EOFError from error
        if isinstance(answer, BaseException):
            raise answer
        totals: ShardTotals = answer
        return totals

    def reset_counts(self) -> None:
        self.counts[:] = [0, 0, 0]

    def restart(self) -> None:
        self._process.join()
        self.last_exit_code = self._process.exitcode
        self._connection.close()
        self.reset_counts()
        self._start()

    def kill(self) -> None:
        with contextlib.suppress(ValueError):  # it is closed already
            self._process.kill()
            self._process.join()


def _worker_main(connection: "Connection[Any, Any]", counts: Counts, dataset: str, job: Job) -> None:
    """Writes the shards whose numbers arrive, until the pipe or the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    work = WorkFolder(Path(dataset))

    def progress(source_bytes: int, rejected: bool) -> None:
        counts[0] += 1
        counts[1] += rejected
        counts[2] += source_bytes

    while True:
        try:
            number = connection.recv()
        except EOFError:
            return
        try:
            connection.send(write_shard(work, job, number, progress))
        except FitfeedError as error:
            connection.send(error)
        except Exception as error:  # noqa: BLE001 - a bug; the parent raises it with its traceback as text
            connection.send(_with_traceback(error))


def _with_traceback(error: Exception) -> Exception:
    import traceback

    return RuntimeError(f"a worker failed:\n{''.join(traceback.format_exception(error))}")


def _exit_with_parent() -> None:
    """Ends this process as soon as the parent is gone, even in the middle of a shard."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
