"""Attends a job on an engine: on SIGINT or SIGTERM it is cancelled, and when it has failed the next launch need not wait."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from fitfeed.beam_jobs.engines.remote_job import RemoteJob
from fitfeed.beam_jobs.signals import interrupt, stop_on_signals
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.job import Job
from fitfeed.schemas.errors import FitfeedError, InterruptedConversionError

CANCEL_S = 30.0
"""Seconds to wait until an engine has cancelled a job."""


@contextmanager
def attended(start: Callable[[], RemoteJob], work: WorkFolder, job: Job) -> Iterator[RemoteJob]:
    """Starts a job and attends it while the block runs, at whose end it goes on if it has not ended.

    If the block fails, the folder of the job is no longer its own: what still runs of it stops at its next shard.

    Args:
        start: Starts it.
        work: The folder of the job.
        job: The job.

    Raises:
        InterruptedConversionError: On SIGINT or SIGTERM.
    """
    remote: RemoteJob | None = None
    try:
        with stop_on_signals(interrupt):
            remote = start()
            work.launch.name_job(job.launch, remote.name)
            yield remote
    except KeyboardInterrupt:
        work.launch.withdraw(job.launch)
        raise InterruptedConversionError(_cancel(remote)) from None
    except BaseException:
        work.launch.withdraw(job.launch)
        raise
    finally:
        if remote is not None:
            remote.close()


def _cancel(remote: RemoteJob | None) -> str:
    """Cancels a job; returns what the user is told."""
    continues = "The same command continues where it stopped."
    if remote is None:
        return f"interrupted before the job was started. {continues}"
    try:
        remote.cancel()
        with suppress(InterruptedConversionError):  # it says that it was cancelled
            remote.wait(CANCEL_S)
    except FitfeedError as error:
        return f"interrupted; {remote.name} could not be cancelled, and stops at its next shard ({error}). {continues}"
    return f"interrupted; {remote.name} was cancelled. {continues}"
