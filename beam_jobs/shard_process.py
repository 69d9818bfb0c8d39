"""A process that writes shards, seen from its parent: on this machine, or on the worker of an engine.

It is known which shard a process was writing when it crashed: the process is replaced, and only that shard is tried
again. It is also known which image it was decoding. An image at which processes crash again is quarantined, and the shard
is written without it (docs/adr/0005-isolation.md).

The process is a new program, not a copy of its parent (`fitfeed.schemas.processes`). So it may be started before or after
the parent has used an object store, whose client does not survive a fork.
"""

import os
import threading
import weakref
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, TypeAlias

from fitfeed.converters.shards.worker_process import (
    COUNTS_BYTES,
    Counts,
    decode_answer,
    map_counts,
    serve,
)
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.job import Job
from fitfeed.converters.staging.quarantine import ATTEMPTS, CrashTracker, WorkerExit
from fitfeed.converters.staging.results import ShardTotals
from fitfeed.schemas.errors import ConversionError
from fitfeed.schemas.processes.child_process import ChildProcess
from fitfeed.schemas.processes.connected_child import start_connected
from fitfeed.schemas.processes.running_time import RunningTime

LOOK_S = 1.0
"""Seconds between two looks at a process that writes a shard."""

Look: TypeAlias = Callable[[Counts], None]
"""Receives the counts of a shard that is being written."""


def write_isolated(
    process: "ShardProcess",
    work: WorkFolder,
    job: Job,
    number: int,
    *,
    stopped: Callable[[], bool] = lambda: False,
    look: Look | None = None,
) -> ShardTotals | None:
    """Has a shard written, whatever its images do to the process.

    Args:
        process: Writes it, and is replaced when it ends.
        work: The folder of the job.
        job: The job.
        number: Number of the shard.
        stopped: Whether to give up.
        look: Called each second meanwhile, with the counts.

    Returns:
        The totals of the shard; None if it was given up.

    Raises:
        ConversionError: If it could not be written.
    """
    crashes = CrashTracker()
    while not (stopped() or crashes.exhausted):
        try:
            return process.write(number, look)
        except EOFError:
            last = process.replace()
            if not stopped() and (found := crashes.add(last)) and last.entry is not None:
                try:  # before the shard is tried again; a later run reads it, too
                    work.quarantine(job, number, last.entry, found)
                except OSError as error:
                    raise work.write_error(error) from error
    if stopped():
        return None
    msg = f"the process that wrote shard {number} ended {ATTEMPTS} times before the shard was written, the last time with exit code {process.last_exit_code} (-9 often means: out of memory). {process.mend}"
    raise ConversionError(msg)


class ShardProcess:
    """One process at a time, and the socket to it.

    `end` may be called from any thread at any moment, all other methods from one thread only.

    Attributes:
        process: The process; None before the first one has started.
        counts: What it is doing: see `fitfeed.converters.shards.worker_process.Counts`.
        last_exit_code: How the one before it has ended.
        mend: What to do if processes end for which no image is at fault, or cannot be started.
    """

    def __init__(self, setup: bytes, timeout_s: float, *, mend: str) -> None:
        """Starts no process yet.

        Args:
            setup: What `encode_setup` has written.
            timeout_s: Seconds that decoding one image may take; 0 for no limit.
            mend: What to do if processes end for which no image is at fault, or cannot be started.
        """
        self.mend = mend
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
                msg = f"no worker process could be started ({error}). {self.mend}"
                raise ConversionError(msg) from error

    def write(self, number: int, look: Look | None = None) -> ShardTotals:
        """Has a shard written.

        Args:
            number: Its number.
            look: Called each second meanwhile, with the counts.

        Raises:
            EOFError: If the process ended, also if it was killed because an image took too long.
        """
        self.reset_counts()
        try:
            self._connection.send_bytes(b"%d" % number)
            self._wait_for_answer(look)
            answer = self._connection.recv_bytes()
        except OSError as error:  # the socket is closed: the process is gone
            raise EOFError from error
        return decode_answer(answer)

    def _wait_for_answer(self, look: Look | None) -> None:
        """Returns when there is an answer or the process has ended. Kills it if an image takes too long."""
        interval_s = min(LOOK_S, self._timeout_s / 4) if self._timeout_s else LOOK_S if look else None
        image, spent_s, clock = (0, 0), 0.0, RunningTime(interval_s or 0)
        while not self._connection.poll(interval_s) and interval_s is not None:
            if look is not None:
                look(self.counts)
            spent_s += clock.passed()
            present = (self.counts[0], self.counts[3])
            if present != image or not present[1]:
                image, spent_s = present, 0.0
            elif spent_s > self._timeout_s > 0:
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
