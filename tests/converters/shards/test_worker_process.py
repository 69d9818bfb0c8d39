"""What a process that writes shards is told, and what it answers."""

import json
import os
import socket
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.planning.plan import make_plan
from fitfeed.converters.shards.worker_process import (
    COUNTS_BYTES,
    decode_answer,
    encode_setup,
    map_counts,
    serve,
)
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.job import Job
from fitfeed.converters.staging.staging import open_staging
from fitfeed.schemas.errors import ConversionError
from fitfeed.schemas.processes.child_process import ChildProcess
from fitfeed.schemas.storage.local import LocalPlace
from tests.folders import path_of
from tests.photos import copy_photos


@pytest.fixture
def prepared(clothing: Path, tmp_path: Path) -> tuple[WorkFolder, Job]:
    """Six photographs in two shards, in folders whose names are not text."""
    top = tmp_path / os.fsdecode(b"\xff \xc3\xbc")
    source = copy_photos(clothing / "train", top / "photos", ("dress", "hat"), count=3)
    plan = make_plan(source, ConvertOptions(shards=2))
    with open_staging(LocalPlace(top / "dataset")) as staging:
        work = staging.prepare(plan, timeout_s=0)
    return work, work.read_job()


def test_a_worker_writes_the_shards_whose_numbers_arrive(prepared: tuple[WorkFolder, Job]) -> None:
    work, job = prepared
    ours, theirs = socket.socketpair()
    counts_file = os.memfd_create("counts")
    os.ftruncate(counts_file, COUNTS_BYTES)
    with theirs:
        child = ChildProcess(serve, encode_setup(work, job), (theirs.fileno(), counts_file))
    connection: Connection[Any, Any] = Connection(ours.detach())
    with connection:
        for number in (1, 0):
            connection.send_bytes(b"%d" % number)
            totals = decode_answer(connection.recv_bytes())
            assert (totals.number, totals.planned, totals.rejects, totals.reused) == (number, 3, {}, False)
            assert (path_of(work.shards) / work.read_plan(job, number).file).stat().st_size == totals.bytes
        connection.send_bytes(b"2")
        with pytest.raises((RuntimeError, ConversionError), match="2"):
            decode_answer(connection.recv_bytes())
    assert child.wait() == 0  # the channel is closed
    counts = map_counts(counts_file)
    os.close(counts_file)
    assert list(counts) == [6, 0, job.bytes, 0]


def test_answers_are_not_unpickled() -> None:
    assert decode_answer(
        json.dumps(
            [
                {"number": 1, "planned": 2, "examples": 1, "bytes": 9, "rejects": {"x": 1}, "reused": True},
                None,
            ]
        ).encode()
    ).rejects == {"x": 1}
    with pytest.raises(ConversionError, match="disk is full"):
        decode_answer(json.dumps([None, ["ConversionError", "the disk is full"]]).encode())
    with pytest.raises(UnicodeDecodeError):
        decode_answer(b"\x80\x04.")
