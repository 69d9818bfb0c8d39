"""From the arguments of `make_pipeline` and `make_loader` to what makes their batches."""

import os
from collections.abc import Sequence
from typing import Any, NamedTuple

from fitfeed.pipelines.dataset import Dataset, open_dataset
from fitfeed.pipelines.feed.batch_maker import BatchMaker
from fitfeed.pipelines.options import PipelineOptions
from fitfeed.pipelines.order.epoch_counter import EpochCounter
from fitfeed.schemas.errors import UsageError


class Feed(NamedTuple):
    """What makes the batches of a pipeline or a loader.

    Attributes:
        options: The checked options.
        maker: Makes batches: a pure function of epoch and step.
        epochs: Says which epoch an iteration is.
    """

    options: PipelineOptions
    maker: BatchMaker
    epochs: EpochCounter


def open_feed(
    dataset: str | os.PathLike[str] | Dataset,
    split: str | Sequence[str],
    *,
    cache: str | os.PathLike[str] | None,
    cache_size: str | int | None,
    **options: Any,
) -> Feed:
    """Checks the arguments, and makes all stages of the feeding path. Nothing is read before the first batch but the index.

    Args:
        dataset: As for `make_pipeline`.
        split: As for `make_pipeline`.
        cache: As for `make_pipeline`.
        cache_size: As for `make_pipeline`.
        **options: All other arguments of `make_pipeline`.

    Raises:
        UsageError: If an option is wrong, by itself or for this dataset.
        NotFoundError: If there is no such folder.
        IncompleteDatasetError: If its conversion has not finished.
        DamagedDatasetError: If manifest and index contradict each other.
    """
    if not isinstance(dataset, Dataset):
        dataset = open_dataset(dataset, cache=cache, cache_size=cache_size)
    elif cache is not None or cache_size is not None:
        msg = f"an open dataset has its cache already, or none. Received: a Dataset, cache={cache!r}, cache_size={cache_size!r}. Pass them to open_dataset."
        raise UsageError(msg)
    # A split that is misspelled has no default of `shuffle`, which is not what is wrong.
    dataset.records(split)
    checked = PipelineOptions.of_split(split, **options)
    maker = BatchMaker(dataset, split, checked)
    epochs = EpochCounter(
        checked.start,
        steps=len(maker.steps),
        identity={**checked.identity(dataset.manifest.fingerprint, split), **maker.choice.identity()},
        is_chief=checked.shard[0] == 0,
    )
    return Feed(checked, maker, epochs)
