"""The local run: Beam's `FnApiRunner` in memory, and a pool of processes that does the work of `WriteShard`.

It executes the same graph as a cluster, at the speed of bare multiprocessing. It opens no port and downloads
nothing. Beam is imported only here and in `remote`, after the pool has started.
"""

from fitfeed.beam_jobs.engines.quiet_beam import quiet_beam
from fitfeed.beam_jobs.engines.temporary_folders import pipeline_folder_removed
from fitfeed.beam_jobs.process_pool import INTERRUPTED, ShardPool, use
from fitfeed.beam_jobs.progress import Report, report_progress
from fitfeed.beam_jobs.signals import stop_on_signals
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.job import Job
from fitfeed.schemas.errors import FitfeedError, InterruptedConversionError

REPORT_INTERVAL_S = 0.2


def run_local(work: WorkFolder, job: Job, *, workers: int, timeout_s: float, report: Report) -> None:
    """Runs the job on this machine.

    Args:
        work: The folder of the job.
        job: The job.
        workers: Number of processes.
        timeout_s: Seconds that one image may take; 0 for no limit.
        report: Receives the progress, from another thread.

    Raises:
        InterruptedConversionError: On SIGINT or SIGTERM. All processes have ended then.
        FitfeedError: If a shard could not be written.
    """
    pool = ShardPool(work, job, workers=min(workers, job.shards), timeout_s=timeout_s)
    try:
        with (
            stop_on_signals(pool.stop),
            report_progress(pool.progress, report, interval_s=REPORT_INTERVAL_S),
            use(pool),
        ):
            pool.submit_early(range(job.shards))  # the graph will send these very numbers
            _run_graph(work, job, pool)
    finally:
        pool.close()


def _run_graph(work: WorkFolder, job: Job, pool: ShardPool) -> None:
    with quiet_beam():
        import apache_beam as beam
        from apache_beam.options.pipeline_options import PipelineOptions
        from apache_beam.runners.portability.fn_api_runner import FnApiRunner

        from fitfeed.beam_jobs.pipeline import build
    if pool.interrupted.is_set():
        raise InterruptedConversionError(INTERRUPTED)
    # DirectRunner would look for an executable to download first.
    options = PipelineOptions(["--direct_running_mode=in_memory"])
    pipeline = beam.Pipeline(runner=FnApiRunner(), options=options)
    try:
        with pipeline_folder_removed(pipeline):
            build(pipeline, work=work, shards=job.shards, timeout_s=0)  # the pool has the limit
            pipeline.run().wait_until_finish()
    except Exception as error:
        # Beam wraps the error of a step; the pool has kept the original.
        if pool.interrupted.is_set():
            raise InterruptedConversionError(INTERRUPTED) from None
        if pool.error is not None:
            raise pool.error from None
        if isinstance(error, FitfeedError):
            first, *rest = error.args
            raise type(error)(first.partition(" [while running")[0], *rest) from None
        raise
