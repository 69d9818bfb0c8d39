"""Dataflow: workers are machines of Google's, so all places are in buckets."""

from fitfeed.beam_jobs.engines.engine import Engine
from fitfeed.beam_jobs.engines.launch import Launch
from fitfeed.beam_jobs.engines.local_folders import refuse_folders


def check_dataflow(launch: Launch) -> list[str]:
    """Checks that workers can see all places.

    Args:
        launch: What is about to be launched.

    Returns:
        Warnings.

    Raises:
        UsageError: If they cannot.
    """
    refuse_folders(launch, "Dataflow", "gs://BUCKET/flowers")
    return []


DATAFLOW = Engine(
    name="dataflow",
    title="Dataflow",
    runner="DataflowRunner",
    modules=("apitools", "google.cloud.storage"),
    install="pip install 'apache-beam[gcp]'",
    check=check_dataflow,
)
