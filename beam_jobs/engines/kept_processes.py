"""On an engine's worker: processes that write shards, so that no image harms the worker itself.

An engine may hand over one shard at a time, and make a step anew for each (Dask does). A process that has written a shard
waits for the next one for a while, since starting it takes half a second. It ends with the worker, in whatever way.
"""

import atexit
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from fitfeed.beam_jobs.shard_process import Look, ShardProcess, write_isolated
from fitfeed.converters.shards.worker_process import encode_setup
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.job import Job
from fitfeed.converters.staging.results import ShardTotals

IDLE_S = 30.0
"""Seconds that a process waits for another shard."""

MEND = "Run the same command again: it continues. If it repeats, give workers more memory, or run fewer on a machine."

Kind = tuple[bytes, float]
"""What processes of one kind have in common: the job, and the time limit."""


class KeptProcesses:
    """Processes that wait for a shard. Thread-safe: each is lent to one thread at a time."""

    def __init__(self) -> None:
        """Begins without any."""
        self.forget()

    def forget(self) -> None:
        """Begins anew, in a forked child: the processes are those of its parent."""
        self._lock = threading.Lock()
        self._idle: list[tuple[float, Kind, ShardProcess]] = []
        self._timer: threading.Timer | None = None

    @contextmanager
    def lend(self, kind: Kind) -> Iterator[ShardProcess]:
        """Lends a process while the block runs. It is kept, unless the block ends with an error."""
        process = self._take(kind)
        if process is None:
            process = ShardProcess(*kind, mend=MEND)
            process.start()
        try:
            yield process
        except BaseException:
            process.end()
            raise
        self._keep(kind, process)

    def end(self, idle_s: float = 0) -> None:
        """Ends processes that wait.

        Args:
            idle_s: Only those that have waited so many seconds.
        """
        latest = time.monotonic() - idle_s
        with self._lock:
            ended = [process for since, _, process in self._idle if since <= latest]
            self._idle = [kept for kept in self._idle if kept[0] > latest]
            self._timer = None
            self._look_later()
        for process in ended:
            process.end()

    def _take(self, kind: Kind) -> ShardProcess | None:
        with self._lock:
            for place, (_, present, process) in enumerate(self._idle):
                if present == kind:
                    del self._idle[place]
                    return process
        return None

    def _keep(self, kind: Kind, process: ShardProcess) -> None:
        with self._lock:
            self._idle.append((time.monotonic(), kind, process))
            self._look_later()

    def _look_later(self) -> None:
        """Sees to it that processes which nobody needs end. The caller holds the lock."""
        if self._idle and self._timer is None:
            self._timer = threading.Timer(IDLE_S, self.end, [IDLE_S])
            self._timer.daemon = True
            self._timer.start()


KEPT = KeptProcesses()
"""Those of this process."""

atexit.register(KEPT.end)
os.register_at_fork(after_in_child=KEPT.forget)


def write_in_child(work: WorkFolder, job: Job, number: int, *, timeout_s: float, look: Look) -> ShardTotals:
    """Has a shard written by a process of ours, as the local run does: the same rejects, the same bytes.

    Args:
        work: The folder of the job.
        job: The job.
        number: Number of the shard.
        timeout_s: Seconds that decoding one image may take; 0 for no limit.
        look: Called each second meanwhile, and once at the end, with the counts.

    Raises:
        ConversionError: If it could not be written.
    """
    with KEPT.lend((encode_setup(work, job), timeout_s)) as process:
        totals = write_isolated(process, work, job, number, look=look)
        look(process.counts)
    if totals is None:
        msg = "nothing stops a shard on an engine's worker"
        raise RuntimeError(msg)
    return totals
