"""A pool of processes that write shards, for the local run.

Beam's own local parallelism is not used: its threads lose elements, and its processes hang when one of them ends
(docs/adr/0003-local-engine.md). Here each process has a thread that sends it one shard at a time.
"""

import contextlib
import queue
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Future

from fitfeed.beam_jobs.shard_process import ShardProcess, write_isolated
from fitfeed.converters.shards.worker_process import encode_setup
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.job import Job
from fitfeed.converters.staging.results import ShardTotals
from fitfeed.schemas.errors import InterruptedConversionError

INTERRUPTED = "interrupted; nothing was published. The same command continues where it stopped."

FEWER_WORKERS = "Run the same command again with fewer --workers: it continues."

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
        self._workers = [ShardProcess(setup, timeout_s, mend=FEWER_WORKERS) for _ in range(workers)]
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

    def _serve(self, worker: ShardProcess) -> None:
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

    def _write(self, worker: ShardProcess, number: int) -> ShardTotals:
        totals = write_isolated(worker, self._work, self._job, number, stopped=self._stopped)
        if totals is None:
            raise InterruptedConversionError(INTERRUPTED)
        with self._lock:
            done = (totals.planned, sum(totals.rejects.values()), worker.counts[2])
            self._finished = [total + new for total, new in zip(self._finished, done, strict=True)]
            worker.reset_counts()
        return totals

    def _stopped(self) -> bool:
        """Whether no further shard is to be written."""
        return self.interrupted.is_set() or self.error is not None
