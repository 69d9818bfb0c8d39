"""Processes that write shards on an engine's worker: lent to one at a time, kept for a while, never left."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from fitfeed.beam_jobs.engines import kept_processes
from fitfeed.beam_jobs.engines.kept_processes import KeptProcesses, write_in_child
from fitfeed.beam_jobs.shard_process import ShardProcess
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.planning.plan import make_plan
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.job import Job
from fitfeed.converters.staging.staging import open_staging
from fitfeed.schemas.errors import ConversionError
from fitfeed.schemas.storage.local import LocalPlace

END_S = 60.0


class Stand(ShardProcess):
    """A process that is not one, and costs nothing."""

    def __init__(self, setup: bytes, timeout_s: float, *, mend: str) -> None:
        super().__init__(setup, timeout_s, mend=mend)
        self.ends = 0

    def start(self) -> None:
        """Starts nothing."""

    def end(self) -> None:
        self.ends += 1


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[KeptProcesses]:
    monkeypatch.setattr(kept_processes, "ShardProcess", Stand)
    kept = KeptProcesses()
    yield kept
    kept.end()


@pytest.fixture
def prepared(few_photos: Path, tmp_path: Path) -> tuple[WorkFolder, Job]:
    plan = make_plan(few_photos, ConvertOptions(shards=2, size=(8, 8), encoding="raw"))
    with open_staging(LocalPlace(tmp_path / "dataset")) as staging:
        work = staging.prepare(plan, timeout_s=0)
    return work, work.read_job()


def lent(kept: KeptProcesses, kind: tuple[bytes, float]) -> Stand:
    with kept.lend(kind) as process:
        assert isinstance(process, Stand)
        return process


def test_a_process_is_used_again_by_the_same_job_only(kept: KeptProcesses) -> None:
    first = lent(kept, (b"a", 1))
    assert lent(kept, (b"a", 1)) is first
    assert lent(kept, (b"b", 1)) is not first
    assert lent(kept, (b"a", 2)) is not first
    assert first.ends == 0


def test_two_threads_have_two(kept: KeptProcesses) -> None:
    with kept.lend((b"a", 1)) as first, kept.lend((b"a", 1)) as second:
        assert first is not second


def test_a_process_is_not_kept_after_an_error(kept: KeptProcesses) -> None:
    with pytest.raises(ConversionError), kept.lend((b"a", 1)) as process:
        raise ConversionError("the disk is full")
    assert isinstance(process, Stand)
    assert process.ends == 1
    assert lent(kept, (b"a", 1)) is not process


def test_a_process_that_nobody_needs_ends(kept: KeptProcesses, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_processes, "IDLE_S", 0.01)
    process = lent(kept, (b"a", 1))
    deadline = time.monotonic() + END_S
    while not process.ends:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    assert lent(kept, (b"a", 1)) is not process


def test_one_that_was_used_lately_stays(kept: KeptProcesses) -> None:
    process = lent(kept, (b"a", 1))
    kept.end(idle_s=END_S)
    assert process.ends == 0
    kept.end()
    assert process.ends == 1


def test_a_forked_child_begins_without_any(kept: KeptProcesses) -> None:
    process = lent(kept, (b"a", 1))
    kept.forget()
    assert lent(kept, (b"a", 1)) is not process
    assert process.ends == 0


@pytest.mark.slow
def test_shards_are_written_by_one_process_and_an_outside_kill_is_survived(
    prepared: tuple[WorkFolder, Job],
) -> None:
    work, job = prepared
    seen: list[list[int]] = []
    children = set(psutil.Process().children())
    try:
        first = write_in_child(work, job, 0, timeout_s=0, look=lambda counts: seen.append(list(counts)))
        (child,) = set(psutil.Process().children()) - children
        assert seen[-1][:2] == [first.planned, 0]
        os.kill(child.pid, signal.SIGKILL)
        second = write_in_child(work, job, 1, timeout_s=0, look=lambda counts: None)
        assert first.examples + second.examples == 8
        assert write_in_child(work, job, 1, timeout_s=0, look=lambda counts: None).reused
        assert len(set(psutil.Process().children()) - children) == 1
    finally:
        kept_processes.KEPT.end()
    assert set(psutil.Process().children()) == children


@pytest.mark.slow
def test_two_threads_write_the_same_shard_at_once(prepared: tuple[WorkFolder, Job]) -> None:
    """As an engine does that starts a slow task twice."""
    work, job = prepared
    written = []

    def write() -> None:
        written.append(write_in_child(work, job, 0, timeout_s=0, look=lambda counts: None))

    threads = [threading.Thread(target=write) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept_processes.KEPT.end()
    assert len({(each.examples, each.bytes) for each in written}) == 1
    assert work.read_result(job, 0) is not None
