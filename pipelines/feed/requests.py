"""The first stage of the feeding path: which examples a batch has."""

from collections.abc import Sequence

from fitfeed.pipelines.dataset import Dataset, class_labels
from fitfeed.pipelines.feed.choose_examples import ExampleChoice
from fitfeed.pipelines.options import PipelineOptions
from fitfeed.pipelines.order.batch_request import EpochOrder, Requests
from fitfeed.pipelines.order.cached_order import CachedOrder
from fitfeed.pipelines.order.chunks import ChunkOrder, chunk_bounds
from fitfeed.pipelines.order.class_balance import BalancedOrder
from fitfeed.pipelines.order.global_batches import EpochSteps
from fitfeed.pipelines.order.selection import SelectedOrder
from fitfeed.pipelines.order.shuffle import Order
from fitfeed.pipelines.order.stream_order import StreamOrder
from fitfeed.pipelines.order.weighted_draws import WeightedOrder
from fitfeed.pipelines.reading.labels import select_label
from fitfeed.pipelines.reading.read_ahead import Memory, ReadAhead, private_memory
from fitfeed.pipelines.reading.records import Records
from fitfeed.pipelines.reading.stream_reader import StreamReader, shuffle_window


def make_requests(
    dataset: Dataset,
    records: Records,
    options: PipelineOptions,
    steps: EpochSteps,
    choice: ExampleChoice,
    *,
    masks: Sequence[str] = (),
    memory: Memory = private_memory,
) -> Requests:
    """Makes what fills the requests of a pipeline.

    The two ways of access differ here and nowhere else: stream access has another order, in which whole
    chunks are read, and its requests come with payloads. So do those of indexed access, if the shards are far away.

    Args:
        dataset: The dataset.
        records: The examples of the split.
        options: Options of the pipeline.
        steps: The steps of this worker.
        choice: Which examples an epoch has, and how often.
        masks: Names of the labels that are masks, which are read ahead, too.
        memory: Gives the memory for what is read ahead.

    Raises:
        UsageError: If classes are to be balanced, and no label gives each image one class.
    """
    if options.access == "stream":
        shards = [shard.examples for shard in records.shards]
        chunks = ChunkOrder(
            chunks=chunk_bounds(shards), steps=steps, shuffle=options.shuffle, seed=options.seed
        )
        return StreamReader(records, StreamOrder(chunks=chunks, window=shuffle_window(records)))
    # An order of as many places as there are examples in an epoch, and then the example at each place.
    order: EpochOrder = Order(steps=steps, shuffle=options.shuffle, seed=options.seed)
    if options.balance == "class":
        labels = class_labels(records, select_label(dataset.manifest.features, options.label))
        labels = labels if choice.examples is None else labels[choice.examples]
        order = BalancedOrder(steps=steps, labels=labels, seed=options.seed)
    if choice.weights is not None:
        order = WeightedOrder(steps=steps, weights=choice.weights, seed=options.seed)
    if choice.examples is not None:
        order = SelectedOrder(order, choice.examples, examples=choice.total)
    requests = CachedOrder(order)
    if not records.are_far:
        return requests
    return ReadAhead(requests, records, steps=len(steps), masks=masks, memory=memory)
