"""The local run: Beam's `FnApiRunner` in memory, with a pool of processes behind `WriteShard`.

It executes the graph that a cluster gets, at the speed of bare multiprocessing, opens no port and
downloads nothing. Beam is imported only here and in `remote`, after the pool has started.
"""

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from beam_jobs.pool import ShardPool, use
from converters.work import Job, WorkFolder
from schemas.errors import InterruptedConversionError

Report = Callable[[int, int, int], None]
"""Called now and then with images done, rejects among them and source bytes."""

REPORT_INTERVAL_S = 0.2


def run_local(work: WorkFolder, job: Job, *, workers: int, report: Report) -> None:
    """Runs the job on this machine.

    Args:
        work: Its working folder.
        job: The job.
        workers: Number of processes.
        report: Called with the progress, from another thread.

    Raises:
        InterruptedConversionError: On SIGINT or SIGTERM. No process is left then.
        FitfeedError: If a shard could not be written.
    """
    pool = ShardPool(work, job, workers=min(workers, job.shards))
    try:
        with _stop_on_signals(pool), _reporting(pool, report), use(pool):
            _run_graph(work, job, pool)
    finally:
        pool.close()


def _run_graph(work: WorkFolder, job: Job, pool: ShardPool) -> None:
    pipeline_module, runner, options = _import_beam()
    if pool.interrupted.is_set():
        raise InterruptedConversionError("interrupted")
    pipeline = pipeline_module.beam.Pipeline(runner=runner, options=options)
    pipeline_module.build(pipeline, dataset=work.dataset, shards=job.shards)
    try:
        pipeline.run().wait_until_finish()
    except Exception:
        # Beam wraps what a step raises; the pool has kept the original.
        if pool.interrupted.is_set():
            raise InterruptedConversionError("interrupted") from None
        if pool.error is not None:
            raise pool.error from None
        raise


def _import_beam():  # type: ignore[no-untyped-def]  # noqa: ANN202 - modules of an untyped library
    logging.getLogger("apache_beam").setLevel(logging.CRITICAL)  # errors come as exceptions already
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)  # "apitools not found", said to the root logger
    try:
        from apache_beam.options.pipeline_options import PipelineOptions
        from apache_beam.runners.portability.fn_api_runner import FnApiRunner

        from beam_jobs import pipeline
    finally:
        logging.disable(disabled)
    # Not DirectRunner: that would look for an executable to download first.
    return pipeline, FnApiRunner(), PipelineOptions(["--direct_running_mode=in_memory"])


@contextmanager
def _stop_on_signals(pool: ShardPool) -> Iterator[None]:
    """Lets the first SIGINT or SIGTERM stop the pool; a second one acts as usual."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals can only be handled in the main thread; the caller's handlers stay
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def stop(number: int, frame: FrameType | None) -> None:
        for each, handler in before.items():
            signal.signal(each, handler)
        pool.stop()

    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _reporting(pool: ShardPool, report: Report) -> Iterator[None]:
    done = threading.Event()

    def loop() -> None:
        while not done.wait(REPORT_INTERVAL_S):
            report(*pool.progress())

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
    report(*pool.progress())
