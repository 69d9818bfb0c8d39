"""The run on an engine, which executes the same graph."""

import logging
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from functools import partial

from fitfeed.beam_jobs.attend import attended
from fitfeed.beam_jobs.engines.job_counters import count_images
from fitfeed.beam_jobs.engines.job_failure import failure_of
from fitfeed.beam_jobs.engines.kept_processes import KEPT
from fitfeed.beam_jobs.engines.known_engines import engine_named, engine_of
from fitfeed.beam_jobs.engines.open_pipeline import launched_by, open_pipeline
from fitfeed.beam_jobs.engines.quiet_beam import quiet_beam, quiet_readers
from fitfeed.beam_jobs.engines.remote_job import RemoteJob
from fitfeed.beam_jobs.engines.temporary_folders import staging_folders_removed
from fitfeed.beam_jobs.progress import ProgressReport, report_progress
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.job import Job
from fitfeed.schemas.processes.child_process import safe_environment

REPORT_INTERVAL_S = 5.0


def run_on(
    runner: str,
    arguments: Sequence[str],
    work: WorkFolder,
    job: Job,
    *,
    timeout_s: float,
    progress: ProgressReport,
    detach: bool = False,
) -> str:
    """Runs the job on an engine, and waits for its end.

    Args:
        runner: Name of an engine, or of a runner in Beam.
        arguments: Options that are passed on to Beam.
        work: The folder of the job, on storage that all workers reach.
        job: The job.
        timeout_s: Seconds that decoding one image may take; 0 for no limit.
        progress: Receives the shards that are finished, and images and bytes if the engine counts them while it runs.
        detach: Return as soon as the engine has the job.

    Returns:
        What messages call the job.

    Raises:
        UsageError: If Beam does not know the runner, or refuses its options.
        RemoteError: If the job failed.
        InterruptedConversionError: On SIGINT or SIGTERM. The job is cancelled.
    """
    start = partial(start_job, runner, arguments, work, job, timeout_s=timeout_s)
    # Some runners start processes here, which must not import from the current folder.
    with quiet_beam(logging.CRITICAL), quiet_readers(), safe_environment():
        with attended(start, work, job) as remote:
            if detach:
                return remote.name
            if remote.id is not None:
                progress.notify(f"{remote.name} has started")
            with report_progress(
                finished_shards(work, remote), progress.update_shards, interval_s=REPORT_INTERVAL_S
            ):
                remote.wait()
        KEPT.end()  # of a worker that runs in this process
    return remote.name


def start_job(
    runner: str, arguments: Sequence[str], work: WorkFolder, job: Job, *, timeout_s: float
) -> RemoteJob:
    """Starts a job on an engine. Arguments are those of `run_on`.

    Raises:
        UsageError: If Beam does not know the runner, or refuses its options.
        RemoteError: If the job cannot be started.
    """
    from fitfeed.beam_jobs.pipeline import build

    named = engine_named(runner)
    if named is not None:
        arguments = named.complete(arguments, job.shards)
    with open_pipeline(runner, arguments, named) as pipeline:
        engine, options = engine_of(launched_by(pipeline.runner)), pipeline.options.get_all_options()
        title = runner if engine is None else engine.title
        spreads = engine is None or engine.spreads
        build(pipeline, work=work, shards=job.shards, timeout_s=timeout_s, spreads=spreads)
        try:
            with staging_folders_removed(), named.launching() if named else nullcontext():
                result = pipeline.run()
            return RemoteJob(result, title, partial(engine.console, options) if engine else lambda _: "")
        except Exception as error:
            raise failure_of(error, f"the {title} job") from error


def finished_shards(
    work: WorkFolder, remote: RemoteJob | None = None
) -> Callable[[], tuple[int, int, int, int]]:
    """Counts what is done: finished shards, and images, rejects and bytes so far, 0 if the engine does not say.

    Finished shards are counted in the staging area, which is exact on every engine, and after restarts of its workers.
    """
    last = 0

    def count() -> tuple[int, int, int, int]:
        nonlocal last
        with suppress(OSError):  # the job goes on, and so does counting when the store answers again
            last = len(work.finished())
        return last, *count_images({} if remote is None else remote.counters())

    return count
