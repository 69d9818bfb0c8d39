"""How a shard is tried again when the process that writes it ends. `test_process_pool.py` has real ones."""

import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from fitfeed.beam_jobs.shard_process import Look, ShardProcess, write_isolated
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.planning.plan import make_plan
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.job import Job
from fitfeed.converters.staging.quarantine import ATTEMPTS, WorkerExit
from fitfeed.converters.staging.results import ShardTotals
from fitfeed.converters.staging.staging import open_staging
from fitfeed.schemas.errors import ConversionError
from fitfeed.schemas.storage.local import LocalPlace

TOTALS = ShardTotals(number=0, planned=8, examples=8, bytes=9, rejects={}, reused=False)
MEND = "Ask for more memory."


class Ending(ShardProcess):
    """A process that ends in given ways, and then writes the shard."""

    def __init__(self, exits: Sequence[WorkerExit]) -> None:
        super().__init__(b"", 0, mend=MEND)
        self._exits = list(exits)
        self.tried = 0

    def write(self, number: int, look: Look | None = None) -> ShardTotals:
        self.tried += 1
        if self._exits:
            raise EOFError
        return TOTALS

    def replace(self) -> WorkerExit:
        last = self._exits.pop(0)
        self.last_exit_code = last.exit_code
        return last


@pytest.fixture
def prepared(few_photos: Path, tmp_path: Path) -> tuple[WorkFolder, Job]:
    plan = make_plan(few_photos, ConvertOptions(shards=1))
    with open_staging(LocalPlace(tmp_path / "dataset")) as staging:
        work = staging.prepare(plan, timeout_s=0)
    return work, work.read_job()


def crash(entry: int | None, code: int = -signal.SIGSEGV) -> WorkerExit:
    return WorkerExit(entry=entry, exit_code=code)


def test_an_image_at_which_processes_crash_is_quarantined(prepared: tuple[WorkFolder, Job]) -> None:
    work, job = prepared
    process = Ending([crash(3), crash(3), crash(5), crash(5)])
    assert write_isolated(process, work, job, 0) is TOTALS
    assert sorted(work.read_quarantined(job, 0)) == [3, 5]
    assert process.tried == 5


def test_an_image_that_takes_too_long_is_quarantined_as_such(prepared: tuple[WorkFolder, Job]) -> None:
    work, job = prepared
    hang = WorkerExit(entry=2, exit_code=-signal.SIGKILL, limit_s=4)
    assert write_isolated(Ending([hang, hang]), work, job, 0) is TOTALS
    found = work.read_quarantined(job, 0)[2]
    assert (found.reason, found.limit_s) == ("timeout", 4)


def test_a_shard_for_which_no_image_is_at_fault_is_given_up(prepared: tuple[WorkFolder, Job]) -> None:
    work, job = prepared
    process = Ending([crash(None, -9)] * 9)
    with pytest.raises(
        ConversionError, match=rf"wrote shard 0 ended {ATTEMPTS} times .* exit code -9 .*\. {MEND}$"
    ):
        write_isolated(process, work, job, 0)
    assert process.tried == ATTEMPTS
    assert work.read_quarantined(job, 0) == {}


def test_a_process_that_was_stopped_has_not_crashed(prepared: tuple[WorkFolder, Job]) -> None:
    work, job = prepared
    process = Ending([crash(3)] * 9)
    stopped = write_isolated(process, work, job, 0, stopped=lambda: process.tried > 1)
    assert (stopped, work.read_quarantined(job, 0)) == (None, {})


def test_what_to_do_if_no_process_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise BlockingIOError("unavailable")

    monkeypatch.setattr("fitfeed.beam_jobs.shard_process.start_connected", fail)
    with pytest.raises(ConversionError, match=rf"could be started \(unavailable\)\. {MEND}$"):
        ShardProcess(b"", 0, mend=MEND).start()
