"""Counters that a job keeps on its engine, if the engine tells them while it runs."""

from typing import Any

METRICS_NAMESPACE = "fitfeed"

REJECTS = "rejects_"
"""What names of counters of rejects begin with; their reason follows."""


def read_counters(result: Any) -> dict[str, int]:
    """Reads the counters of a job.

    Dask has none, and most engines tell them at the end only. They decorate the progress: what is done is counted in the
    staging area. So where they cannot be read, there are none.

    Args:
        result: The `PipelineResult` of Beam.
    """
    from apache_beam.metrics.metric import MetricsFilter

    if hasattr(result, "_metrics"):
        result._metrics = None  # noqa: SLF001 - PortableRunner caches its first answer for ever
    try:
        found = result.metrics().query(MetricsFilter().with_namespace(METRICS_NAMESPACE))["counters"]
    except Exception:  # noqa: BLE001 - each engine has errors of its own; who waits for the job gets those that matter
        return {}
    return {counter.key.metric.name: counter.attempted or counter.committed or 0 for counter in found}


def count_images(counters: dict[str, int]) -> tuple[int, int, int]:
    """Images, rejects and source bytes so far; 0 if the engine does not say."""
    rejects = sum(count for name, count in counters.items() if name.startswith(REJECTS))
    return counters.get("images", 0), rejects, counters.get("source_bytes", 0)
