"""Running one planned job in a dataset's working folder: lock it, prepare it, run the graph, judge."""

import dataclasses
import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from fitfeed.beam_jobs.local import run_local
from fitfeed.beam_jobs.remote import run_on
from fitfeed.beam_jobs.verdict import require_published
from fitfeed.converters.plan import Plan
from fitfeed.converters.publish import Outcome
from fitfeed.converters.work import PARTS, Job, WorkFolder
from fitfeed.schemas.cpus import available_cpus
from fitfeed.schemas.errors import ConversionError, UsageError


class ProgressReport(Protocol):
    """Who is told how far a conversion is."""

    def start(self, *, images: int, shards: int) -> None:
        """Planning is done; so much is to do."""

    def update(self, images: int, rejects: int, source_bytes: int) -> None:
        """So much is done; called from another thread."""


class NoProgress:
    """Tells nobody."""

    def start(self, *, images: int, shards: int) -> None:
        """Does nothing."""

    def update(self, images: int, rejects: int, source_bytes: int) -> None:
        """Does nothing."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Running:
    """How a job runs; nothing of this decides any bytes. The fields are arguments of `convert`."""

    workers: int | None
    timeout_s: float
    runner: str
    runner_arguments: Sequence[str]
    progress: ProgressReport


def run_job(work: WorkFolder, job: Job, running: Running) -> Outcome:
    """Runs a job, for which the folder was prepared, to its publication. The caller holds the lock and cleans up.

    Raises:
        SplitLeakError, DuplicateImagesError, TooManyRejectsError: If it must not be published.
        InterruptedConversionError: On SIGINT or SIGTERM.
        ConversionError: If reading or writing failed.
    """
    running.progress.start(images=job.files, shards=job.shards)
    if running.runner == "local":
        run_local(
            work,
            job,
            workers=running.workers or available_cpus(),
            timeout_s=running.timeout_s,
            report=running.progress.update,
        )
    else:
        run_on(running.runner, running.runner_arguments, work, job, report=running.progress.update)
    outcome = _read_outcome(work)
    require_published(outcome, statistics_split=job.statistics_split)
    return outcome


@contextmanager
def locked(work: WorkFolder) -> Iterator[None]:
    """Lets one conversion at a time into a folder. The lock ends with the process, however it ends."""
    try:
        work.create()
        lock = os.open(work.root / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        msg = f"cannot write to DATASET {work.dataset}: {error.strerror}. Choose a folder that you may write to."
        raise UsageError(msg) from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            msg = f"another conversion into {work.dataset} is running. Wait for it, or choose another folder."
            raise UsageError(msg) from error
        yield
    finally:
        os.close(lock)


def prepare(work: WorkFolder, plan: Plan, *, timeout_s: float) -> None:
    """Brings the working folder in line with the plan, keeping finished shards of the same job.

    From then on the plan is on disk. Drop it: of a million images it takes half a gigabyte.

    Raises:
        ConversionError: If it cannot be written.
    """
    known = work.read_job_or_none()
    try:
        if known is None or known.digest != plan.job.digest:
            (work.root / "job.json").unlink(missing_ok=True)  # first: it vouches for the plans
            for name in PARTS:
                shutil.rmtree(work.root / name, ignore_errors=True)
            work.create()
            for shard in plan.shards:
                work.write_plan(shard)
        work.sweep_temporary_files()
        work.pardon(timeout_s)
        (work.root / "outcome.json").unlink(missing_ok=True)
        work.write_job(plan.job)
    except OSError as error:
        msg = f"cannot write to DATASET {work.dataset}: {error.strerror}. Make room there and run the same command again."
        raise ConversionError(msg) from error


def _read_outcome(work: WorkFolder) -> Outcome:
    try:
        content = json.loads((work.root / "outcome.json").read_text())
    except FileNotFoundError as error:
        msg = "the runner ended without publishing or saying why. Run the same command again: it continues."
        raise ConversionError(msg) from error
    return Outcome(**content)
