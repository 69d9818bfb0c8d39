"""The graph: shard numbers out, totals back, publication. No image bytes move through it.

```
Shards (0 .. S-1) -> Spread (reshuffle) -> WriteShard -> Merge -> Publish
```

It is linear with one output and no side input, because that is what every runner executes
faithfully.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, as_completed

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.transforms.window import GlobalWindows
from apache_beam.utils.windowed_value import WindowedValue

from fitfeed.beam_jobs import process_pool
from fitfeed.converters.publishing.publish import publish
from fitfeed.converters.shards.write_shard import write_shard
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.job import Job
from fitfeed.converters.staging.outcome import Outcome
from fitfeed.converters.staging.results import ShardTotals

METRICS_NAMESPACE = "fitfeed"


class WriteShard(beam.DoFn):
    """Shard number -> `ShardTotals`.

    On a cluster the shard is written here. The local launcher sets up a pool of processes first
    (`process_pool.use`), and the shard is written there while the other shard numbers arrive.
    """

    def __init__(self, work: WorkFolder) -> None:
        """Takes the folder of the job, which all workers reach."""
        self._work = work
        self._images = Metrics.counter(METRICS_NAMESPACE, "images")
        self._rejects = Metrics.counter(METRICS_NAMESPACE, "rejects")
        self._bytes = Metrics.counter(METRICS_NAMESPACE, "source_bytes")
        self._job: Job | None = None
        self._pending: list[Future[ShardTotals]] = []

    def start_bundle(self) -> None:
        """Forgets an earlier attempt at this bundle."""
        self._pending = []

    def process(self, number: int) -> Iterator[ShardTotals]:
        """Writes a shard, or hands it to the pool."""
        if process_pool.ACTIVE is not None:
            self._pending.append(process_pool.ACTIVE.submit(number))
            return
        if self._job is None:
            self._job = self._work.read_job()
        yield write_shard(self._work, self._job, number, self._count)

    def finish_bundle(self) -> Iterator[WindowedValue]:
        """Waits for the shards that the pool writes."""
        for future in as_completed(self._pending):
            yield GlobalWindows.windowed_value(future.result())

    def _count(self, source_bytes: int, rejected: bool) -> None:
        self._images.inc()
        self._bytes.inc(source_bytes)
        if rejected:
            self._rejects.inc()


class MergeTotals(beam.CombineFn):
    """`ShardTotals` -> one list of all of them. Addition is left to publication, which checks first."""

    def create_accumulator(self) -> list[ShardTotals]:
        """Starts empty."""
        return []

    def add_input(self, accumulator: list[ShardTotals], element: ShardTotals) -> list[ShardTotals]:
        """Adds one shard."""
        return [*accumulator, element]

    def merge_accumulators(self, accumulators: Iterable[list[ShardTotals]]) -> list[ShardTotals]:
        """Joins partial lists, changing none of them."""
        return [totals for accumulator in accumulators for totals in accumulator]

    def extract_output(self, accumulator: list[ShardTotals]) -> list[ShardTotals]:
        """The whole list."""
        return accumulator


def publish_dataset(totals: list[ShardTotals], work: WorkFolder) -> Outcome:
    """Publishes, or records why not."""
    return publish(work, totals)


def build(pipeline: beam.Pipeline, *, work: WorkFolder, shards: int) -> None:
    """Adds the conversion to a pipeline.

    Args:
        pipeline: Where to add it.
        work: The folder of the job.
        shards: Number of shards.
    """
    (
        pipeline
        | "Shards" >> beam.Create(range(shards), reshuffle=False)  # int
        | "Spread" >> beam.Reshuffle()  # int; breaks fusion, so that shards run on all workers
        | "WriteShard" >> beam.ParDo(WriteShard(work))  # ShardTotals
        | "Merge" >> beam.CombineGlobally(MergeTotals())  # list[ShardTotals]
        | "Publish" >> beam.Map(publish_dataset, work)  # Outcome
    )
