"""The run on any other Beam runner: the same graph, executed by whoever is named."""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from converters.work import Job, WorkFolder
from schemas.errors import UsageError

POLL_INTERVAL_S = 5.0


def run_on(
    runner: str,
    arguments: Sequence[str],
    work: WorkFolder,
    job: Job,
    *,
    report: Callable[[int, int, int], None],
) -> None:
    """Runs the job on a Beam runner.

    Args:
        runner: A runner's name as Beam knows it, e.g. `DataflowRunner`.
        arguments: Options for Beam, untouched.
        work: The working folder, on storage that all workers reach.
        job: The job.
        report: Called with images, rejects and bytes where the runner tells them while it runs.

    Raises:
        UsageError: If the runner is Beam's `DirectRunner`, or unknown.
    """
    if runner.lower() in ("directrunner", "direct", "switchingdirectrunner"):
        msg = f"--runner {runner} would let Beam download and start an executable. Use --runner local (the default): the same graph, faster, on this machine."
        raise UsageError(msg)
    logging.getLogger("apache_beam").setLevel(logging.WARNING)
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions
    from apache_beam.runners.runner import PipelineState

    from beam_jobs.pipeline import build

    try:
        pipeline = beam.Pipeline(options=PipelineOptions([f"--runner={runner}", *arguments]))
    except (ValueError, ImportError) as error:
        msg = f"Beam does not accept --runner {runner}: {error}. Cloud runners need an extra, for example: pip install 'fitfeed[gcp]'"
        raise UsageError(msg) from error
    build(pipeline, dataset=work.dataset, shards=job.shards)
    result = pipeline.run()
    while not PipelineState.is_terminal(result.state):
        time.sleep(POLL_INTERVAL_S)
        report(*_counters(result))
    result.wait_until_finish()
    report(*_counters(result))


def _counters(result: Any) -> tuple[int, int, int]:
    """Images, rejects and bytes so far, as far as the runner tells."""
    from apache_beam.metrics.metric import MetricsFilter

    from beam_jobs.pipeline import METRICS_NAMESPACE

    if hasattr(result, "_metrics"):
        result._metrics = None  # noqa: SLF001 - PortableRunner caches its first answer for ever
    try:
        counters = result.metrics().query(MetricsFilter().with_namespace(METRICS_NAMESPACE))["counters"]
    except NotImplementedError:  # Dask
        return 0, 0, 0
    values = {counter.key.metric.name: counter.attempted or counter.committed or 0 for counter in counters}
    return values.get("images", 0), values.get("rejects", 0), values.get("source_bytes", 0)
