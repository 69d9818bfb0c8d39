"""A process that writes shards: the other end of the local run's pool.

It imports neither Beam nor anything that only planning and publication need, so it starts fast and
stays small.
"""

import ctypes
import multiprocessing
import os
import signal
import threading
import traceback
from multiprocessing.connection import Connection, wait
from typing import Any

from fitfeed.converters.images.memory_limit import limit_memory
from fitfeed.converters.shards.write_shard import write_shard
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.job import Job
from fitfeed.schemas.errors import FitfeedError

Counts = ctypes.Array[ctypes.c_longlong]
"""Images, rejects and source bytes of the shard that a worker is writing, and 1 + the place in its plan of the image that
is being decoded, or 0. It is shared memory, so it is still there after the worker has ended."""


def serve(connection: "Connection[Any, Any]", counts: Counts, work: WorkFolder, job: Job) -> None:
    """Writes the shards whose numbers arrive, until the pipe is closed or the parent has ended.

    It answers each number with the totals of the shard, or with the exception that it failed with.

    Args:
        connection: Pipe to the parent.
        counts: Receives the counts.
        work: The folder of the job.
        job: The job.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    _silence_libraries()
    limit_memory(job.options.max_pixels)

    def progress(source_bytes: int, rejected: bool) -> None:
        counts[0] += 1
        counts[1] += rejected
        counts[2] += source_bytes

    def watch(entry: int | None) -> None:
        counts[3] = 0 if entry is None else entry + 1

    while True:
        try:
            number = connection.recv()
        except EOFError:
            return
        try:
            connection.send(write_shard(work, job, number, progress, watch=watch))
        except FitfeedError as error:
            connection.send(error)
        except Exception:  # noqa: BLE001 - a bug; the parent raises it with its traceback as text
            connection.send(RuntimeError(f"a worker failed:\n{traceback.format_exc()}"))


def _silence_libraries() -> None:
    """Discards standard error, where libtiff and others write a line for each unusual tag."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)


def _exit_with_parent() -> None:
    """Ends this process as soon as the parent has ended, even in the middle of a shard."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
