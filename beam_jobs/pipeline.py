"""The Beam graph: shard numbers go out, totals come back, and one step publishes. No image moves through it.

```
Shards (0 .. S-1) -> Spread (reshuffle) -> WriteShard -> Merge -> Publish
```

It is linear, has one output and no side input, because every runner executes such a graph correctly.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, as_completed

import apache_beam as beam
from apache_beam.transforms.window import GlobalWindows
from apache_beam.utils.windowed_value import WindowedValue
from typing_extensions import override

from fitfeed.beam_jobs import process_pool
from fitfeed.beam_jobs.engines.kept_processes import write_in_child
from fitfeed.beam_jobs.shard_metrics import ShardMetrics
from fitfeed.converters.publishing.publish import publish
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.job import Job
from fitfeed.converters.staging.outcome import Outcome
from fitfeed.converters.staging.results import ShardTotals


class NumberShards(beam.PTransform):
    """-> shard numbers. The graph has how many there are, and not each of them: it is of one size for any job."""

    def __init__(self, shards: int) -> None:
        """Remembers the number of shards.

        Args:
            shards: How many there are.
        """
        super().__init__()
        self._shards = shards

    @override
    def expand(self, input_or_inputs: beam.pvalue.PBegin) -> beam.PCollection[int]:
        return (
            input_or_inputs
            | "Count" >> beam.Create([self._shards], reshuffle=False)  # int
            | "Number" >> beam.FlatMap(shard_numbers).with_output_types(int)  # int
        )


def shard_numbers(shards: int) -> Iterable[int]:
    """All shard numbers."""
    return range(shards)


class WriteShard(beam.DoFn):
    """Shard number -> `ShardTotals`.

    A process of ours writes the shard. In the local run there is a pool of them (`process_pool.use`), which writes it while
    the other shard numbers arrive. On an engine's worker the step waits for it, because some engines lose what is yielded
    when a bundle is finished.
    """

    def __init__(self, work: WorkFolder, *, timeout_s: float) -> None:
        """Remembers the folder of the job.

        Args:
            work: The folder, on storage that all workers reach.
            timeout_s: Seconds that decoding one image may take, on an engine's worker; 0 for no limit.
        """
        self._work, self._timeout_s = work, timeout_s
        self._metrics = ShardMetrics()
        self._job: Job | None = None
        self._pending: list[Future[ShardTotals]] = []

    def start_bundle(self) -> None:
        """Drops what is left of an earlier attempt at this bundle."""
        self._pending = []

    def process(self, number: int) -> Iterator[ShardTotals]:
        """Writes a shard, or submits it to the pool."""
        if process_pool.ACTIVE is not None:
            self._pending.append(process_pool.ACTIVE.submit(number))
            return
        if self._job is None:
            self._job = self._work.read_job()
        self._metrics.begin()
        totals = write_in_child(
            self._work, self._job, number, timeout_s=self._timeout_s, look=self._metrics.tell
        )
        self._metrics.finish(totals)
        yield totals

    def finish_bundle(self) -> Iterator[WindowedValue]:
        """Yields the totals of the shards that the pool writes, as they are finished."""
        for future in as_completed(self._pending):
            yield GlobalWindows.windowed_value(future.result())


class MergeTotals(beam.CombineFn):
    """`ShardTotals` -> one list of all of them. Publication adds them up, after it has checked them."""

    def create_accumulator(self) -> list[ShardTotals]:
        """Makes an empty list."""
        return []

    def add_input(self, accumulator: list[ShardTotals], element: ShardTotals) -> list[ShardTotals]:
        """Adds one shard, in place: of a hundred thousand, copies would be a thousand million steps."""
        accumulator.append(element)
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[list[ShardTotals]]) -> list[ShardTotals]:
        """Concatenates lists; they stay as they are."""
        return [totals for accumulator in accumulators for totals in accumulator]

    def extract_output(self, accumulator: list[ShardTotals]) -> list[ShardTotals]:
        """The whole list."""
        return accumulator


def publish_dataset(totals: list[ShardTotals], work: WorkFolder) -> Outcome:
    """Publishes, or records why not."""
    return publish(work, totals)


def build(
    pipeline: beam.Pipeline, *, work: WorkFolder, shards: int, timeout_s: float, spreads: bool = True
) -> None:
    """Adds the conversion to a pipeline.

    Args:
        pipeline: Where to add it.
        work: The folder of the job.
        shards: Number of shards.
        timeout_s: Seconds that decoding one image may take, on an engine's worker; 0 for no limit.
        spreads: Whether a reshuffle spreads elements over workers.
    """
    numbers = NumberShards(shards) if spreads else beam.Create(range(shards), reshuffle=False)
    (
        pipeline
        | "Shards" >> numbers  # int
        | "Spread" >> beam.Reshuffle()  # int; breaks fusion, so that shards run on all workers
        | "WriteShard" >> beam.ParDo(WriteShard(work, timeout_s=timeout_s))  # ShardTotals
        | "Merge" >> beam.CombineGlobally(MergeTotals())  # list[ShardTotals]
        | "Publish" >> beam.Map(publish_dataset, work)  # Outcome
    )
