"""`make_loader`: the whole way from a dataset to batches of NumPy arrays, without TensorFlow."""

import os
from collections.abc import Sequence

from fitfeed.pipelines.augment.base import Augmentation
from fitfeed.pipelines.augment.compiler.user_functions import ImageFunction
from fitfeed.pipelines.batches.normalize import NormalizeKind
from fitfeed.pipelines.dataset import Dataset
from fitfeed.pipelines.feed.open_feed import open_feed
from fitfeed.pipelines.hosts.choose_shard import Shard
from fitfeed.pipelines.loader.loader import Loader
from fitfeed.pipelines.options import (
    Access,
    AugmentOn,
    Balance,
    Examples,
    Labels,
    OnError,
    Output,
    OutputType,
    SamplingWeights,
    is_int,
)
from fitfeed.schemas.errors import UsageError


def make_loader(
    dataset: str | os.PathLike[str] | Dataset,
    split: str | Sequence[str],
    *,
    batch_size: int,
    image_size: tuple[int, int] | None = None,
    augment: Sequence[Augmentation | ImageFunction] = (),
    augment_on: AugmentOn = "cpu",
    normalize: NormalizeKind | None = "zscore",
    dtype: OutputType = "float32",
    label: str | None = None,
    labels: Labels | None = "int",
    label_smoothing: float = 0.0,
    output: Output = "tuple",
    shuffle: bool | None = None,
    statistics: str | Sequence[str] | None = None,
    examples: Examples = None,
    sampling_weights: SamplingWeights = None,
    sample_weight: str | None = None,
    seed: int = 0,
    shard: Shard = None,
    start: tuple[int, int] = (0, 0),
    balance: Balance | None = None,
    drop_remainder: bool | None = None,
    access: Access = "auto",
    on_error: OnError = "raise",
    processes: int | None = None,
    transforms: bool = False,
    cache: str | os.PathLike[str] | None = None,
    cache_size: str | int | None = None,
    prefetch: int = 1,
) -> Loader:
    """Makes a loader of batches as NumPy arrays: those of `make_pipeline`, bit for bit, without TensorFlow.

    It has the arguments of `make_pipeline`, whose documentation says what each of them means. Here is what differs:

    Args:
        dataset: As for `make_pipeline`.
        split: As for `make_pipeline`.
        batch_size: As for `make_pipeline`.
        image_size: As for `make_pipeline`.
        augment: As for `make_pipeline`.
        augment_on: "cpu" only.
        normalize: As for `make_pipeline`.
        dtype: As for `make_pipeline`. "bfloat16" is that of `ml_dtypes`, which JAX takes as it is.
        label: As for `make_pipeline`.
        labels: As for `make_pipeline`.
        label_smoothing: As for `make_pipeline`.
        output: As for `make_pipeline`. Keys are `str`.
        shuffle: As for `make_pipeline`.
        statistics: As for `make_pipeline`.
        examples: As for `make_pipeline`.
        sampling_weights: As for `make_pipeline`.
        sample_weight: As for `make_pipeline`.
        seed: As for `make_pipeline`.
        shard: As for `make_pipeline`.
        start: As for `make_pipeline`. `Loader.load_state_dict` takes its place.
        balance: As for `make_pipeline`.
        drop_remainder: As for `make_pipeline`.
        access: As for `make_pipeline`.
        on_error: As for `make_pipeline`.
        processes: As for `make_pipeline`.
        transforms: As for `make_pipeline`.
        cache: As for `make_pipeline`.
        cache_size: As for `make_pipeline`.
        prefetch: How many finished batches wait for you, besides those that are being made. More are of use where steps
            take unequal time; each takes its memory. 0: each batch is made when you ask for it, in your thread.

    Returns:
        A loader. `for images, labels in loader` is an epoch, and each such loop the next one; `len(loader)` its number of
        batches. `loader.torch()` and `loader.jax()` give the batches as tensors. `state_dict` and `load_state_dict` save
        where it is, also in the middle of an epoch.

    Raises:
        UsageError: A ValueError: if an option is wrong, by itself or for this dataset.
        NotFoundError: If there is no such folder.
        IncompleteDatasetError: If its conversion has not finished.
        DamagedDatasetError: If manifest and index contradict each other. Damage that is found later is raised by the
            iterator, as a DamagedExampleError that names shard, key and byte offset.

    Example:
        >>> loader = make_loader("flowers", "train", batch_size=128, image_size=(224, 224),
        ...                      augment=[RandomResizedCrop(), RandomFlip("horizontal")], seed=7)
        >>> for epoch in range(10):
        ...     for images, labels in loader.torch("cuda"):
        ...         train_step(images, labels)
    """
    if augment_on == "device":
        msg = (
            "make_loader augments on the CPU: its batches are NumPy arrays. Received: augment_on='device'. Leave it out; or "
            "use make_pipeline, or the Keras layer DeviceAugmentation in the model."
        )
        raise UsageError(msg)
    if not is_int(prefetch) or prefetch < 0:
        msg = f"prefetch expects a number of batches, 0 or more. Received: prefetch={prefetch!r}"
        raise UsageError(msg)
    feed = open_feed(
        dataset,
        split,
        cache=cache,
        cache_size=cache_size,
        batch_size=batch_size,
        image_size=image_size,
        augment=augment,
        augment_on=augment_on,
        normalize=normalize,
        dtype=dtype,
        label=label,
        labels=labels,
        label_smoothing=label_smoothing,
        output=output,
        shuffle=shuffle,
        statistics=statistics,
        examples=examples,
        sampling_weights=sampling_weights,
        sample_weight=sample_weight,
        seed=seed,
        shard=shard,
        start=start,
        balance=balance,
        drop_remainder=drop_remainder,
        access=access,
        on_error=on_error,
        processes=processes,
        transforms=transforms,
    )
    return Loader(feed, prefetch=prefetch)
