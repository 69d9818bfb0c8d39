"""Runs one planned job: the graph on the chosen runner, and then what publication decided."""

import dataclasses
from collections.abc import Sequence

from fitfeed.beam_jobs.job_end import JobEnd
from fitfeed.beam_jobs.local import run_local
from fitfeed.beam_jobs.progress import ProgressReport
from fitfeed.beam_jobs.remote import run_on
from fitfeed.converters.publishing.refusals import require_published
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.job import Job
from fitfeed.converters.staging.outcome import Outcome
from fitfeed.schemas.cpus import available_cpus
from fitfeed.schemas.errors import ConversionError, FitfeedError, RemoteError


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExecutionOptions:
    """How a job runs. It has no effect on the dataset. The fields are arguments of `convert`."""

    workers: int | None
    timeout_s: float
    runner: str
    runner_arguments: Sequence[str]
    progress: ProgressReport
    detach: bool = False


def run_job(work: WorkFolder, job: Job, running: ExecutionOptions) -> JobEnd:
    """Runs a prepared job until it is published, or leaves it to its engine. The caller holds the lock and removes the staging area.

    Raises:
        SplitLeakError, DuplicateImagesError, TooManyRejectsError: If it must not be published.
        OvertakenError: If another launch has published since it was planned.
        InterruptedConversionError: On SIGINT or SIGTERM.
        RemoteError: If the job failed on its engine.
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
        return JobEnd(work, _published(work, job, ConversionError))
    before = work.finished()
    name = run_on(
        running.runner,
        running.runner_arguments,
        work,
        job,
        timeout_s=running.timeout_s,
        progress=running.progress,
        detach=running.detach,
    )
    if running.detach:
        return JobEnd(work, None, running=name)
    # A worker that an engine starts again finds shards of this very run, too.
    reused = len(before.items() & work.finished().items())
    return JobEnd(work, dataclasses.replace(_published(work, job, RemoteError), reused=reused))


def _published(work: WorkFolder, job: Job, lost: type[FitfeedError]) -> Outcome:
    """What publication decided.

    Raises:
        FitfeedError: If that was not to publish; `lost` if it decided nothing. Dask ends so without its scheduler.
    """
    outcome = work.read_outcome()
    if outcome is None:
        msg = "the runner ended without publishing or saying why. Run the same command again: it continues."
        raise lost(msg)
    require_published(outcome, statistics_split=job.statistics_split, folder=work.root)
    return outcome
