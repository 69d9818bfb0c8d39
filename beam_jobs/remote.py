"""The run on any other Beam runner, which executes the same graph."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fitfeed.beam_jobs.progress import Report, report_progress
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.job import Job
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.processes.child_process import safe_environment

if TYPE_CHECKING:
    import apache_beam as beam

REPORT_INTERVAL_S = 5.0


EXECUTABLES = {
    "PrismRunner": "prism_location",
    "FlinkRunner": "flink_job_server_jar",
    "SparkRunner": "spark_job_server_jar",
    "KafkaStreamsRunner": "kafka_streams_job_server_jar",
}
"""Runners that start an executable, and the option that says where it is. Without it Beam downloads one."""


def check_runner(runner: str, arguments: Sequence[str]) -> None:
    """Refuses runners that must not be used, and options that the runner does not take.

    What counts is what Beam makes of all options together: a runner has several names, and an option can name another.

    Raises:
        UsageError: If it is Beam's `DirectRunner`, if Beam would download an executable, or if Beam does not know the
            runner or refuses its options.
    """
    if runner == "local":
        return
    pipeline = _open_pipeline(runner, arguments)
    # InteractiveRunner, for notebooks, runs on another one.
    chosen = type(getattr(pipeline.runner, "_underlying_runner", pipeline.runner))
    names = [each.__name__ for each in chosen.__mro__]
    if "SwitchingDirectRunner" in names:
        msg = f"--runner {runner} is Beam's DirectRunner, which would download and start an executable. Use --runner local (the default): the same graph, faster, on this machine."
        raise UsageError(msg)
    options = pipeline.options.get_all_options()
    where = next((EXECUTABLES[name] for name in names if name in EXECUTABLES), None)
    if where is None or options["job_endpoint"]:
        return
    path = options[where]
    if path is None or not Path(path).is_file():
        msg = f"{chosen.__name__} would let Beam download and start an executable: --{where} is {path or 'not given'}. Give the path of a local file, as -- --{where}=FILE, or the address of a server that runs, as -- --job_endpoint=HOST:PORT."
        raise UsageError(msg)


def _open_pipeline(runner: str, arguments: Sequence[str]) -> "beam.Pipeline":
    """Makes an empty pipeline. Nothing is started."""
    logging.getLogger("apache_beam").setLevel(logging.WARNING)
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions

    try:
        return beam.Pipeline(options=PipelineOptions([f"--runner={runner}", *arguments]))
    except (AttributeError, ImportError, ValueError) as error:  # the first: a module without such a class
        msg = f"Beam does not accept --runner {runner}: {error}. Some runners need an extra of Beam's, for example: pip install 'apache-beam[gcp]'"
        raise UsageError(msg) from error


def run_on(
    runner: str,
    arguments: Sequence[str],
    work: WorkFolder,
    job: Job,
    *,
    report: Report,
) -> None:
    """Runs the job on a Beam runner.

    Args:
        runner: Name of a runner in Beam, for example `DataflowRunner`.
        arguments: Options that are passed on to Beam.
        work: The folder of the job, on storage that all workers reach.
        job: The job.
        report: Receives images, rejects and bytes, if the runner has such counts while it runs.

    Raises:
        UsageError: If Beam does not know the runner, or refuses its options.
    """
    from fitfeed.beam_jobs.pipeline import build

    pipeline = _open_pipeline(runner, arguments)
    build(pipeline, work=work, shards=job.shards)
    with safe_environment():  # some runners start processes on this machine
        result = pipeline.run()
        with report_progress(lambda: _counters(result), report, interval_s=REPORT_INTERVAL_S):
            result.wait_until_finish()


def _counters(result: Any) -> tuple[int, int, int]:
    """Images, rejects and bytes so far; 0 if the runner does not say."""
    from apache_beam.metrics.metric import MetricsFilter

    from fitfeed.beam_jobs.pipeline import METRICS_NAMESPACE

    if hasattr(result, "_metrics"):
        result._metrics = None  # noqa: SLF001 - PortableRunner caches its first answer for ever
    try:
        counters = result.metrics().query(MetricsFilter().with_namespace(METRICS_NAMESPACE))["counters"]
    except NotImplementedError:  # Dask
        return 0, 0, 0
    values = {counter.key.metric.name: counter.attempted or counter.committed or 0 for counter in counters}
    return values.get("images", 0), values.get("rejects", 0), values.get("source_bytes", 0)
