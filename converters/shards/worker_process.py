"""A process that writes shards: the other end of the local run's pool.

It imports neither Beam nor anything that only planning and publication need, so it starts fast and
stays small.
"""

import ctypes
import dataclasses
import json
import mmap
from multiprocessing.connection import Connection
from typing import TypeAlias

from fitfeed.converters.images.memory_limit import limit_memory
from fitfeed.converters.reading.sources_reader import SourcesReader
from fitfeed.converters.shards.write_shard import write_shard
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.job import Job
from fitfeed.converters.staging.results import ShardTotals
from fitfeed.schemas.processes.child_process import discard_output
from fitfeed.schemas.processes.error_text import ErrorText
from fitfeed.schemas.storage.open_place import open_place

Counts: TypeAlias = "ctypes.Array[ctypes.c_longlong]"
"""Images, rejects and source bytes of the shard that a worker is writing, and 1 + the place in its plan of the image that
is being decoded, or 0. It is shared memory, so it is still there after the worker has ended."""

COUNTS_BYTES = 4 * ctypes.sizeof(ctypes.c_longlong)


def map_counts(descriptor: int) -> Counts:
    """Maps the counts in a file of `COUNTS_BYTES`, which the pool and its worker share."""
    return (ctypes.c_longlong * 4).from_buffer(mmap.mmap(descriptor, COUNTS_BYTES))


def encode_setup(work: WorkFolder, job: Job) -> bytes:
    """Writes what `serve` needs to know as bytes.

    Args:
        work: The folder of the job.
        job: The job.
    """
    return json.dumps([[str(work.dataset), work.digest, work.seal], job.to_json()]).encode()


def decode_answer(message: bytes) -> ShardTotals:
    """Reads an answer of `serve`.

    Raises:
        Exception: The error with which the shard failed.
    """
    totals, error = json.loads(message)
    if error is not None:
        raise ErrorText(*error).to_error()
    return ShardTotals(**totals)


def serve(setup: bytes, channel: int, counts_file: int) -> None:
    """Writes the shards whose numbers arrive, until the channel is closed.

    It answers each number with the totals of the shard, or with the error that it failed with.

    Args:
        setup: What `encode_setup` wrote.
        channel: Descriptor of a socket to the parent.
        counts_file: Descriptor of the file of counts.
    """
    (dataset, digest, seal), content = json.loads(setup)
    job = Job.from_json(content)
    work = WorkFolder(open_place(dataset, "DATASET"), digest, seal)
    counts = map_counts(counts_file)
    discard_output(2)  # libtiff and others write a line for each unusual tag
    more_bytes = SourcesReader(job.sources).memory_bytes + work.root.area().put_bytes
    limit_memory(job.options.max_pixels, more_bytes=more_bytes)
    with Connection(channel) as connection:
        while True:
            try:
                number = int(connection.recv_bytes())
            except EOFError:
                return
            connection.send_bytes(_answer(work, job, number, counts))


def _answer(work: WorkFolder, job: Job, number: int, counts: Counts) -> bytes:
    """Writes a shard; returns what `decode_answer` reads."""

    def progress(source_bytes: int, rejected: bool) -> None:
        counts[0] += 1
        counts[1] += rejected
        counts[2] += source_bytes

    def watch(entry: int | None) -> None:
        counts[3] = 0 if entry is None else entry + 1

    totals = error = None
    try:
        totals = dataclasses.asdict(write_shard(work, job, number, progress, watch=watch))
    except Exception as failure:  # noqa: BLE001 - ours, or a bug; the parent raises it
        error = ErrorText.of(failure)
    return json.dumps([totals, error]).encode()
