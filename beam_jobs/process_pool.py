"""A pool of processes that write shards, for the local run.

Beam's own local parallelism is not used: its threads lose elements, and its processes hang when one of them ends
(docs/adr/0003-local-engine.md). Here each process has a thread that sends it one shard at a time. So it is known which
shard a process was writing when it crashed: the process is replaced, and only that shard is tried again. It is also
known which image it was decoding. An image at which processes crash again is quarantined, and the shard is written
without it (docs/adr/0005-isolation.md).
"""

import contextlib
import os
import queue
import threading
import weakref
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from multiprocessing.connection import Connection
from typing import Any

from fitfeed.converters.shards.worker_process import (
    COUNTS_BYTES,
    decode_answer,
    encode_setup,
    map_counts,
    serve,
)
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.job import Job
from fitfeed.converters.staging.quarantine import ATTEMPTS, CrashTracker, Quarantine, WorkerExit
from fitfeed.converters.staging.results import ShardTotals
from fitfeed.schemas.errors import ConversionError, InterruptedConversionError
from fitfeed.schemas.processes.child_process import ChildProcess
from fitfeed.schemas.processes.connected_child import start_connected
from fitfeed.schemas.processes.running_time import RunningTime

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


class ShardPool:
    """Processes that write the shards of one job.

    They start while the caller imports Beam. Nothing is forked that has threads, of Beam or TensorFlow.

    Attributes:
        interrupted: Set by `stop`.
        error: The error of the first shard that failed.
    """

    def __init__(self, work: WorkFolder, job: Job, *, workers: int, timeout_s: float = 0) -> None:
        """Begins to start the processes.

        Args:
            work: The folder of the job.
            job: The job.
            workers: Number of processes.
            timeout_s: Seconds that decoding one image may take; 0 for no limit.
        """
        self._work, self._job = work, job
        self.interrupted = threading.Event()
        self.error: BaseException | None = None
        self._queue: queue.SimpleQueue[tuple[int, Future[ShardTotals]] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._submitted_early: dict[int, Future[ShardTotals]] = {}
        self._finished = [0, 0, 0]  # images, rejects, bytes of finished shards
        setup = encode_setup(work, job)
        self._workers = [_Worker(setup, timeout_s) for _ in range(workers)]
        self._threads = [
            threading.Thread(target=self._serve, args=(worker,), daemon=True) for worker in self._workers
        ]
        for thread in self._threads:
            thread.start()

    def submit_early(self, numbers: Iterable[int]) -> None:
        """Queues shards that will be submitted later, so that work begins while Beam is being imported."""
        for number in numbers:
            self._submitted_early[number] = self._enqueue(number)

    def submit(self, number: int) -> "Future[ShardTotals]":
        """Queues a shard, unless it was submitted early. A shard that is submitted twice is written twice."""
        return self._submitted_early.pop(number, None) or self._enqueue(number)

    def _enqueue(self, number: int) -> "Future[ShardTotals]":
        future: Future[ShardTotals] = Future()
        self._queue.put((number, future))
        return future

    def progress(self) -> tuple[int, int, int]:
        """Images done, rejects among them, and source bytes: of finished shards and of those being written."""
        with self._lock:
            current = [list(worker.counts) for worker in self._workers]
            images, rejects, source_bytes = (
                done + sum(counts[i] for counts in current) for i, done in enumerate(self._finished)
            )
        return images, rejects, source_bytes

    def stop(self) -> None:
        """Ends all work at once. Queued and running shards fail as interrupted."""
        self.interrupted.set()
        for worker in self._workers:
            worker.end()

    def close(self) -> None:
        """Ends the processes, and returns when all of them have ended."""
        for worker in self._workers:
            worker.end()
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()

    def _serve(self, worker: "_Worker") -> None:
        """Sends shards to one process, until the queue says to end."""
        try:
            worker.start()
        except Exception as error:  # noqa: BLE001 - all shards fail with it; else they would wait for ever
            self._fail(error)
        while (item := self._queue.get()) is not None:
            number, future = item
            try:
                totals = self._write(worker, number)
            except BaseException as error:  # noqa: BLE001 - the caller who waits for the shard gets it
                self._fail(error)
                future.set_exception(RuntimeError(str(error)))  # Beam rewrites what it is given
            else:
                future.set_result(totals)

    def _fail(self, error: BaseException) -> None:
        """Makes the run fail with this error, unless there was one before. No further shard is written."""
        with self._lock:
            self.error = self.error or error

    def _write(self, worker: "_Worker", number: int) -> ShardTotals:
        crashes = CrashTracker()
        while not (self.interrupted.is_set() or self.error is not None or crashes.exhausted):
            try:
                totals = worker.write(number)
            except EOFError:
                last = worker.replace()
                if not self.interrupted.is_set() and (found := crashes.add(last)) and last.entry is not None:
                    self._quarantine(number, last.entry, found)
                continue
            with self._lock:
                done = (totals.planned, sum(totals.rejects.values()), worker.counts[2])
                self._finished = [total + new for total, new in zip(self._finished, done, strict=True)]
                worker.reset_counts()
            return totals
        if self.interrupted.is_set() or self.error is not None:
            raise InterruptedConversionError(INTERRUPTED)
        msg = f"the process that wrote shard {number} ended {ATTEMPTS} times before the shard was written, the last time with exit code {worker.last_exit_code} (-9 often means: out of memory). Run the same command again with fewer --workers: it continues."
        raise ConversionError(msg)

    def _quarantine(self, number: int, entry: int, found: Quarantine) -> None:
        """Writes down that an image is quarantined before the shard is tried again. A later run reads it."""
        try:
            self._work.quarantine(self._job, number, entry, found)
        except OSError as error:
            raise self._work.write_error(error) from error


class _Worker:
    """One process at a time, and the socket to it.

    `end` may be called from any thread at any moment, all other methods from one thread only.
    """

    def __init__(self, setup: bytes, timeout_s: float) -> None:
        self.last_exit_code: int | None = None
        self.process: ChildProcess | None = None
        self._connection: Connection[Any, Any]
        self._counts_file = os.memfd_create("fitfeed-counts")
        weakref.finalize(self, os.close, self._counts_file)
        os.ftruncate(self._counts_file, COUNTS_BYTES)
        self.counts = map_counts(self._counts_file)
        self._setup, self._timeout_s = setup, timeout_s
        self._hung = False
        self._lock = threading.Lock()
        self._ended = False

    def replace(self) -> WorkerExit:
        """Starts another process, and says how this one ended."""
        entry = self.counts[3] - 1
        hung, self._hung = self._hung, False
        self.start()
        return WorkerExit(
            entry=entry if entry >= 0 else None,
            exit_code=self.last_exit_code,
            limit_s=self._timeout_s if hung else None,
        )

    def start(self) -> None:
        """Starts a process, in place of one that has ended. Does nothing after `end`."""
        with self._lock:
            if self.process is not None:
                self.last_exit_code = self.process.wait()
                self._connection.close()
            if self._ended:
                return
            self.reset_counts()
            try:
                self.process, self._connection = start_connected(serve, self._setup, [self._counts_file])
            except OSError as error:
                msg = f"no worker process could be started ({error}). Run the same command again with fewer --workers: it continues."
                raise ConversionError(msg) from error

    def write(self, number: int) -> ShardTotals:
        """Has a shard written.

        Raises:
            EOFError: If the process ended, also if it was killed because an image took too long.
        """
        self.reset_counts()
        try:
            self._connection.send_bytes(b"%d" % number)
            self._wait_for_answer()
            answer = self._connection.recv_bytes()
        except OSError as error:  # the socket is closed: the process is gone
            raise EOFError from error
        return decode_answer(answer)

    def _wait_for_answer(self) -> None:
        """Returns when there is an answer or the process has ended. Kills it if an image takes too long."""
        interval_s = min(1.0, self._timeout_s / 4) if self._timeout_s else None
        image, spent_s, clock = (0, 0), 0.0, RunningTime(interval_s or 0)
        while not self._connection.poll(interval_s) and interval_s is not None:
            spent_s += clock.passed()
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
        """Sets all counts to zero, for another shard."""
        self.counts[:] = [0, 0, 0, 0]

    def end(self) -> None:
        """Kills the process, and starts no other."""
        with self._lock:
            self._ended = True
            if self.process is not None:
                self.process.kill()
                self.process.wait()
