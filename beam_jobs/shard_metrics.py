"""Counters that the engine adds up while workers write shards, all in one namespace.

| counter | of what |
|---|---|
| `images` | images done, rejected ones too |
| `source_bytes` | bytes of their files |
| `rejects_corrupt` and so on | rejects, by reason |
| `read_ms`, `decode_ms`, `write_ms` | milliseconds of the steps, in all processes together |

An engine counts what a retry does again. So they are for watching; what is published is counted from results.
"""

from apache_beam.metrics import Metrics

from fitfeed.beam_jobs.engines.job_counters import METRICS_NAMESPACE, REJECTS
from fitfeed.converters.shards.worker_process import Counts
from fitfeed.converters.staging.results import ShardTotals


class ShardMetrics:
    """The counters of a step. Picklable, until a shard is being written."""

    def __init__(self) -> None:
        """Names the counters of images."""
        self._images = Metrics.counter(METRICS_NAMESPACE, "images")
        self._bytes = Metrics.counter(METRICS_NAMESPACE, "source_bytes")
        self._told = (0, 0)

    def begin(self) -> None:
        """Begins to count a shard."""
        self._told = (0, 0)

    def tell(self, counts: Counts) -> None:
        """Adds what has been done since the last call. After a crash the shard is begun again, and that is taken back."""
        images, source_bytes = counts[0], counts[2]
        self._images.inc(images - self._told[0])
        self._bytes.inc(source_bytes - self._told[1])
        self._told = (images, source_bytes)

    def finish(self, totals: ShardTotals) -> None:
        """Adds what is known at the end of a shard. One that was finished before is not counted again."""
        if totals.reused:
            return
        for reason, count in totals.rejects.items():
            Metrics.counter(METRICS_NAMESPACE, f"{REJECTS}{reason}").inc(count)
        for step, spent in totals.milliseconds.items():
            Metrics.counter(METRICS_NAMESPACE, f"{step}_ms").inc(spent)
