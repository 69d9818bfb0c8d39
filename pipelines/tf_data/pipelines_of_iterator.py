"""Finds the pipelines of `make_pipeline` that an iterator reads."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from fitfeed.pipelines.order.epoch_counter import EpochCounter

if TYPE_CHECKING:
    import tensorflow as tf

ATTRIBUTE = "_fitfeed_epoch_counter"


def attach_counter(dataset: "tf.data.Dataset", counter: EpochCounter) -> None:
    """Marks the dataset whose iterators ask for their epoch. What is derived from it leads back to it."""
    setattr(dataset, ATTRIBUTE, counter)


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
        counter = getattr(dataset, ATTRIBUTE, None)
        if counter is not None:
            counters[id(counter)] = counter
        found += dataset._inputs()  # noqa: SLF001  each dataset of TensorFlow knows those it was made from
    return list(counters.values())


def _datasets(iterator: Any) -> list[Any]:
    parts: Iterable[Any] = getattr(iterator, "_iterators", [iterator])  # one for each worker, if distributed
    datasets = (getattr(part, "_dataset", None) for part in parts)  # an iterator keeps its dataset alive
    return [dataset for dataset in datasets if dataset is not None]
