"""A pool of processes that write shards, for the local run.

Beam's own local parallelism is not used: its threads lose elements and its processes hang when one
dies (docs/adr/0003-local-engine.md). Here one thread per process hands it a shard at a time, so
when a process dies it is known which shard it was writing: the process is replaced and that shard,
and no other, is tried again. It is also known which image it was decoding: one that is fatal again is
quarantined, and the shard is written without it (docs/adr/0005-isolation.md).
"""

import contextlib
import ctypes
import multiprocessing
import queue
import sys
import threading
import time
import types
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from fitfeed.converters.shards.worker_process import Counts, serve
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.job import Job
from fitfeed.converters.staging.quarantine import ATTEMPTS, CrashTracker, Quarantine, WorkerExit
from fitfeed.converters.staging.results import ShardTotals
from fitfeed.schemas.errors import ConversionError, InterruptedConversionError

INTERRUPTED = "interrupted; nothing was published. The same command continues where it stopped."

ACTIVE: "ShardPool | None" = None
"""The pool that `WriteShard` uses in this process; None on a cluster's workers."""


@contextlib.contextmanager
def use(pool: "ShardPool") -> Iterator[None]:
    """Makes a pool the active one."""
    global ACTIVE
    ACTIVE = pool
    try:
        yield
    finally:
        ACTIVE = None


_STARTING = threading.Lock()
"""Of `__main__`, which is the whole process's, while a process is started without it."""


@contextlib.contextmanager
def _without_main() -> Iterator[None]:
    """Keeps the script of this process out of those that are started meanwhile, which need nothing of it.

    multiprocessing would run it in each of them. Where it does not guard for that, it would convert again.
    """
    with _STARTING:
        main = sys.modules["__main__"]
        sys.modules["__main__"] = types.ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main


class ShardPool:
    """Processes that write the shards of one job.

    They come from a fork server, a fresh process without threads, so neither Beam's threads nor
    TensorFlow's are ever forked. They start while the caller imports Beam.

    Attributes:
        interrupted: Set once `stop` was called.
        error: The first error that a shard ended with.
    """

    def __init__(self, work: WorkFolder, job: Job, *, workers: int, timeout_s: float = 0) -> None:
        """Begins to start the processes.

        Args:
            work: The working folder.
            job: The job it holds.
            workers: Number of processes.
            timeout_s: Seconds that decoding one image may take; 0 for no limit.
        """
        self._work = work
        self.interrupted = threading.Event()
        self.error: BaseException | None = None
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["fitfeed.converters.shards.worker_process"])
        self._queue: queue.SimpleQueue[tuple[int, Future[ShardTotals]] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._submitted_early: dict[int, Future[ShardTotals]] = {}
        self._finished = [0, 0, 0]  # images, rejects, bytes of finished shards
        self._workers = [_Worker(context, work, job, timeout_s) for _ in range(workers)]
        self._threads = [
            threading.Thread(target=self._serve, args=(worker,), daemon=True) for worker in self._workers
        ]
        for thread in self._threads:
            thread.start()

    def submit_early(self, numbers: Iterable[int]) -> None:
        """Queues shards that will be submitted later: work begins while Beam is still being imported."""
        for number in numbers:
            self._submitted_early[number] = self._enqueue(number)

    def submit(self, number: int) -> "Future[ShardTotals]":
        """Queues a shard, unless it was anticipated; submitted again, it is tried again."""
        return self._submitted_early.pop(number, None) or self._enqueue(number)

    def _enqueue(self, number: int) -> "Future[ShardTotals]":
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
            worker.end()

    def close(self) -> None:
        """Ends the processes; none is left when this returns."""
        for worker in self._workers:
            worker.end()
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()

    def _serve(self, worker: "_Worker") -> None:
        """Hands shards to one process until told to end."""
        try:
            worker.start()
        except Exception as error:  # noqa: BLE001 - the shards end with it, or they would wait for ever
            self._fail(error)
        while (item := self._queue.get()) is not None:
            number, future = item
            try:
                totals = self._write(worker, number)
            except BaseException as error:  # noqa: BLE001 - it is handed to whoever waits for the shard
                self._fail(error)
                future.set_exception(RuntimeError(str(error)))  # Beam rewrites what it is given
            else:
                future.set_result(totals)

    def _fail(self, error: BaseException) -> None:
        """Lets all shards end, and the run with this error, unless there was one before."""
        with self._lock:
            self.error = self.error or error

    def _write(self, worker: "_Worker", number: int) -> ShardTotals:
        suspects = CrashTracker()
        while not (self.interrupted.is_set() or self.error is not None or suspects.exhausted):
            try:
                totals = worker.write(number)
            except EOFError:
                death = worker.replace()
                if (
                    not self.interrupted.is_set()
                    and (verdict := suspects.add(death))
                    and death.entry is not None
                ):
                    self._condemn(number, death.entry, verdict)
                continue
            with self._lock:
                done = (totals.planned, sum(totals.rejects.values()), worker.counts[2])
                self._finished = [total + new for total, new in zip(self._finished, done, strict=True)]
                worker.reset_counts()
            return totals
        if self.interrupted.is_set() or self.error is not None:
            raise InterruptedConversionError(INTERRUPTED)
        msg = f"the process that wrote shard {number} died {ATTEMPTS} times, last with exit code {worker.last_exit_code} (-9 often means: out of memory). Run the same command again with fewer --workers: it continues."
        raise ConversionError(msg)

    def _condemn(self, number: int, entry: int, verdict: Quarantine) -> None:
        """Remembers a verdict before the shard is tried again, so that no later run judges anew."""
        try:
            self._work.quarantine(self._work.read_plan(number), entry, verdict)
        except OSError as error:
            raise self._work.write_error(error) from error


class _Worker:
    """One process at a time, and the pipe to it.

    `end` may be called from any thread at any moment; everything else from one thread only.
    """

    def __init__(self, context: Any, work: WorkFolder, job: Job, timeout_s: float) -> None:
        self.counts: Counts = context.RawArray(ctypes.c_longlong, 4)
        self.last_exit_code: int | None = None
        self.process: BaseProcess | None = None
        self._connection: Connection[Any, Any]
        self._context, self._work, self._job = context, work, job
        self._timeout_s = timeout_s
        self._hung = False
        self._lock = threading.Lock()
        self._ended = False

    def replace(self) -> WorkerExit:
        """Starts another process, and says how this one died."""
        entry = self.counts[3] - 1
        hung, self._hung = self._hung, False
        self.start()
        return WorkerExit(
            entry=entry if entry >= 0 else None,
            exit_code=self.last_exit_code,
            limit_s=self._timeout_s if hung else None,
        )

    def start(self) -> None:
        """Starts a process, in place of the one that died; does nothing after `end`."""
        with self._lock:
            if self.process is not None:
                self.process.join()
                self.last_exit_code = self.process.exitcode
                self._connection.close()
            if self._ended:
                return
            self.reset_counts()
            self._connection, theirs = self._context.Pipe()
            arguments = (theirs, self.counts, self._work, self._job)
            process = self._context.Process(target=serve, args=arguments, daemon=True)
            with theirs, _without_main():
                try:
                    process.start()
                except (OSError, EOFError) as error:
                    msg = f"no worker process could be started ({error}). Run the same command again with fewer --workers: it continues."
                    raise ConversionError(msg) from error
            self.process = process

    def write(self, number: int) -> ShardTotals:
        """Has a shard written.

        Raises:
            EOFError: If the process died, or was killed since an image took it too long.
        """
        self.reset_counts()
        try:
            self._connection.send(number)
            self._wait_for_answer()
            answer = self._connection.recv()
        except OSError as error:  # the pipe broke: the process is gone
            raise EOFError from error
        if isinstance(answer, BaseException):
            raise answer
        totals: ShardTotals = answer
        return totals

    def _wait_for_answer(self) -> None:
        """Returns when there is one, or the process is dead; kills it if it spends too long on an image.

        Time in which this thread did not run either (the machine was suspended, or the command
        stopped by Ctrl-Z) is not held against the image.
        """
        interval_s = min(1.0, self._timeout_s / 4) if self._timeout_s else None
        image, spent_s, before = (0, 0), 0.0, time.monotonic()
        while not self._connection.poll(interval_s) and interval_s is not None:
            now = time.monotonic()
            spent_s += min(now - before, 2 * interval_s)
            before = now
            present = (self.counts[0], self.counts[3])
            if present != image or not present[1]:
                image, spent_s = present, 0.0
            elif spent_s > self._timeout_s:
                self._hung = True
                with self._lock:
                    if self.process is not None:
                        self.process.kill()
                return

    def reset_counts(self) -> None:
        """Counts from zero, for another shard."""
        self.counts[:] = [0, 0, 0, 0]

    def end(self) -> None:
        """Kills the process, and lets no other start."""
        with self._lock:
            self._ended = True
            if self.process is not None:
                self.process.kill()
                self.process.join()
