"""Meets the jobs of earlier launches, which an engine may still be running: follows the same one, or leaves way to another.

| what was left in the staging area | this launch |
|---|---|
| the same job, and it moves | counts its results, waits for the end, and ends as if it had run it |
| the same job, and its publication has finished | the same |
| the same job, and nothing moves | takes over: equal jobs write equal bytes, and what is left of the older launch stops |
| another job that moves | is refused |
| another job that is being published | waits for its end, and plans again |
| another job, and nothing moves | removes it |
"""

from collections.abc import Sequence

from fitfeed.beam_jobs.job_end import JobEnd
from fitfeed.beam_jobs.progress import ProgressReport, report_progress
from fitfeed.beam_jobs.remote import REPORT_INTERVAL_S, finished_shards
from fitfeed.beam_jobs.signals import interrupt, stop_on_signals
from fitfeed.converters.publishing.refusals import require_published
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.job import Job
from fitfeed.converters.staging.launch import JobLaunch
from fitfeed.converters.staging.sign_of_life import JobWatch
from fitfeed.converters.staging.staging import Staging
from fitfeed.schemas.errors import InterruptedConversionError, UsageError


def follow_launched(
    staging: Staging,
    launched: Sequence[WorkFolder],
    planned: Job,
    progress: ProgressReport,
    *,
    detach: bool = False,
) -> JobEnd | None:
    """Follows the job of an earlier launch, if that is the same and still runs, or has ended and nobody has seen it.

    Args:
        staging: The staging area, locked.
        launched: The folders of jobs that were launched on engines (`Staging.launched`).
        planned: The job that was planned now.
        progress: Receives the progress.
        detach: Whether to leave the job running.

    Returns:
        What became of it; None if this launch is to work itself. The dataset may be another one then.

    Raises:
        UsageError: If another job is running.
        SplitLeakError, DuplicateImagesError, TooManyRejectsError: If it was not published.
        InterruptedConversionError: On SIGINT or SIGTERM. The job stops then.
    """
    for work in launched:
        job = _same_job(work, planned)
        if job is None:
            _wait_for_another(staging, work, progress)
        elif end := _follow(work, job, progress, detach=detach):
            return end
    return None


def _same_job(work: WorkFolder, planned: Job) -> Job | None:
    """The job of a folder, if it was begun in this place and does what was planned now."""
    job = work.find_earlier() if work.digest == planned.digest else None
    return job if job is not None and job.does_the_same(planned) else None


def _wait_for_another(staging: Staging, work: WorkFolder, progress: ProgressReport) -> None:
    """Waits until another job has ended or is dead.

    Raises:
        UsageError: If it runs, and is not just being published.
    """
    watch = JobWatch(work)
    launch = watch.launch
    if _has_ended(watch, launch):
        return
    progress.notify(f"{launch}, converts into {staging.dataset}; waiting to see whether it still does")
    while not (_has_ended(watch, launch) or watch.is_dead):
        if watch.has_moved and not work.has_outcome():
            msg = f"another conversion into {staging.dataset} is running: {launch}. Wait for it, or choose another folder."
            raise UsageError(msg)
        watch.look()


def _follow(work: WorkFolder, job: Job, progress: ProgressReport, *, detach: bool) -> JobEnd | None:
    """Waits for the end of a job. None if it does not move, or is another launch's now."""
    watch = JobWatch(work)
    launch = watch.launch
    if launch is None:
        return None
    try:
        with stop_on_signals(interrupt):
            if not launch.ended:
                progress.notify(f"{launch}, does this conversion already; following it")
                _wait_for_end(watch, launch, work, job, progress, detach=detach)
    except KeyboardInterrupt:
        work.launch.withdraw(launch.token)
        msg = f"interrupted; what runs of {launch}, stops at its next shard. The same command continues where it stopped."
        raise InterruptedConversionError(msg) from None
    if not _has_ended(watch, launch):
        if not watch.is_dead:
            return JobEnd(work, None, running=str(launch))
        progress.notify(f"nothing of {launch}, moves; this launch continues in its place")
        return None
    outcome = work.read_outcome() if watch.launch is not None and watch.launch.token == launch.token else None
    if outcome is None:
        return None
    work.launch.withdraw(launch.token)  # whoever gives this command again does not want the same answer
    require_published(outcome, statistics_split=job.statistics_split, folder=work.root)
    return JobEnd(work, outcome)


def _wait_for_end(
    watch: JobWatch, launch: JobLaunch, work: WorkFolder, job: Job, progress: ProgressReport, *, detach: bool
) -> None:
    """Waits until a job has ended or is dead or, to leave it, until it is seen to move."""
    progress.start(images=job.files, shards=job.shards)
    with report_progress(finished_shards(work), progress.update_shards, interval_s=REPORT_INTERVAL_S):
        while not (_has_ended(watch, launch) or watch.is_dead or (detach and watch.has_moved)):
            watch.look()


def _has_ended(watch: JobWatch, launch: JobLaunch | None) -> bool:
    """Whether the publication of a launch has finished, or the folder is not its own any more."""
    now = watch.launch
    return launch is None or now is None or now.token != launch.token or now.ended
