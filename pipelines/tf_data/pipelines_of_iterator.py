"""Finds the pipelines of `make_pipeline` that an iterator reads."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from fitfeed.pipelines.monitor.made_batches import MadeBatches
from fitfeed.pipelines.order.epoch_counter import EpochCounter

if TYPE_CHECKING:
    import tensorflow as tf

COUNTER, MADE = "_fitfeed_epoch_counter", "_fitfeed_made_batches"

TUNED = -1
"""`tf.data.AUTOTUNE`."""

BATCH_BY_BATCH = {
    "Map",
    "ParallelMap",
    "Prefetch",
    "Options",
    "Take",
    "Repeat",
    "AssertCardinality",
    "AutoShard",
    "Rebatch",
}
"""Datasets of TensorFlow that pass on the batches of their input, each by itself and in order."""


def attach_counter(batches: "tf.data.Dataset", counter: EpochCounter) -> None:
    """Marks the dataset whose iterators ask for their epoch. What is derived from it leads back to it."""
    setattr(batches, COUNTER, counter)


def attach_made(batches: "tf.data.Dataset", made: MadeBatches) -> None:
    """Marks the dataset whose elements are the batches."""
    setattr(batches, MADE, made)


def counters_of(iterator: Any) -> list[EpochCounter]:
    """Finds the epoch counters of the pipelines that an iterator reads, each once.

    Args:
        iterator: What Keras passes to `train_function`: an iterator of a dataset, or of a distributed dataset.

    Returns:
        The counters. Those of datasets that a function has captured (`flat_map`) are not found.
    """
    counters: dict[int, EpochCounter] = {}
    found = _datasets(iterator)
    while found:
        dataset = found.pop()
        counter = getattr(dataset, COUNTER, None)
        if counter is not None:
            counters[id(counter)] = counter
        found += dataset._inputs()  # noqa: SLF001  each dataset of TensorFlow knows those it was made from
    return list(counters.values())


def made_of(iterator: Any) -> tuple[MadeBatches, int] | None:
    """Returns what was made for an iterator, if each of its elements is one batch of one pipeline; None otherwise.

    The number is how many batches must be made besides one, before the iterator gives that one. Keras adds a `prefetch` of a
    size to be tuned if there are class weights. Where nothing is tuned, it passes on a batch when it has the next.
    """
    found, later = _datasets(iterator), 0
    while len(found) == 1:
        (dataset,) = found
        made: MadeBatches | None = getattr(dataset, MADE, None)
        if made is not None:
            return made, later
        later += int(getattr(dataset, "_buffer_size", 0) == TUNED)
        kind = type(dataset).__name__.strip("_").removeprefix("Legacy").removesuffix("Dataset")
        found = dataset._inputs() if kind in BATCH_BY_BATCH else []  # noqa: SLF001
    return None


def _datasets(iterator: Any) -> list[Any]:
    parts: Iterable[Any] = getattr(iterator, "_iterators", [iterator])  # one for each worker, if distributed
    datasets = (getattr(part, "_dataset", None) for part in parts)  # an iterator keeps its dataset alive
    return [dataset for dataset in datasets if dataset is not None]
