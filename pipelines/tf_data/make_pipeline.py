"""`make_pipeline`: the whole way from a dataset on disk to batches for `fit`, in one function."""

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from fitfeed.pipelines.augment.base import Augmentation
from fitfeed.pipelines.augment.compiler.program import ImageFunction
from fitfeed.pipelines.batches.normalize import NormalizeKind
from fitfeed.pipelines.batches.workers.process_pool import batches_at_once
from fitfeed.pipelines.dataset import Dataset, class_labels, open_dataset
from fitfeed.pipelines.options import (
    Access,
    AugmentOn,
    Balance,
    Labels,
    OnError,
    Output,
    OutputType,
    PipelineOptions,
)
from fitfeed.pipelines.order.chunks import ChunkOrder, chunk_bounds
from fitfeed.pipelines.order.class_balance import BalancedOrder
from fitfeed.pipelines.order.global_batches import EpochSteps
from fitfeed.pipelines.order.shuffle import Order
from fitfeed.pipelines.reading.records import Records
from fitfeed.pipelines.tf_data.batch_tensors import BatchTensors
from fitfeed.pipelines.tf_data.epoch_counter import EpochCounter
from fitfeed.pipelines.tf_data.py_function import refuse_at_exit, weakly_bound
from fitfeed.pipelines.tf_data.stream import encoded_batches

if TYPE_CHECKING:
    import tensorflow as tf

BATCHES_AT_ONCE = 2
"""While the last blocks of one batch are decoded, idle threads begin the next."""


def make_pipeline(
    dataset: str | os.PathLike[str] | Dataset,
    split: str,
    *,
    batch_size: int,
    image_size: tuple[int, int] | None = None,
    augment: Sequence[Augmentation | ImageFunction] = (),
    augment_on: AugmentOn = "cpu",
    normalize: NormalizeKind | None = "zscore",
    dtype: OutputType = "float32",
    labels: Labels | None = "int",
    label_smoothing: float = 0.0,
    output: Output = "tuple",
    shuffle: bool | None = None,
    seed: int = 0,
    shard: tuple[int, int] = (0, 1),
    start: tuple[int, int] = (0, 0),
    balance: Balance | None = None,
    drop_remainder: bool | None = None,
    access: Access = "auto",
    on_error: OnError = "raise",
    processes: int | None = None,
    transforms: bool = False,
) -> "tf.data.Dataset":
    """Makes a `tf.data.Dataset` of batches, ready for `fit`.

    Each iteration is the next epoch, in a new order (`iter`, a `for` loop, each epoch of `fit`, and
    each round of `.repeat()`). Everything random is a function of seed, epoch and example: the same
    on any number of threads or workers. Do not shuffle, batch, cache or prefetch the result again.

    Args:
        dataset: A dataset's folder, or an open dataset.
        split: Name of the split, such as "train".
        batch_size: Examples per batch, of this worker.
        image_size: (height, width) of the batch. Images are resized to it as they are, so their
            aspect ratio changes, unless `augment` crops: `RandomResizedCrop()` for training and
            `CenterCrop()` for evaluation keep it. None: as stored, if all images have one size.
        augment: Augmentations of this package, in order; also any function from one uint8 (uint16
            where the dataset has 16 bits) (height, width, channels) array to another, which must be safe to call from several
            threads and sees the image as what stands before it in the list has made it. `MixUp` and
            `CutMix` stand at the end, and make class labels soft.
        augment_on: "cpu": each image is written once, finished, by the loader's threads. "device":
            the loader crops and resizes, and what comes after in `augment` runs on the uint8 batch
            as TensorFlow operations, with the same random numbers, followed by normalizing. That
            frees the CPU where there is a GPU, and is slower where there is none; `explain` says
            what runs where. Not with masks, `AugMix` or other Keras backends.
        normalize: "zscore" ((x - mean) / std), "minmax" (0..1 by the stored minimum and maximum),
            "unit" (x / 255, or / 65535 for 16 bits), "symmetric" (-1..1), per channel by the dataset's
            statistics, or None for the values as stored.
        dtype: "float32", "bfloat16", "float16", or with normalize=None "uint8" (a quarter of the
            bytes; normalize on the device by `dataset.normalization`), "uint16" where the dataset has
            16 bits.
        labels: "int" (a class as its number), "onehot" (a class as float32 (classes,)), or None for
            images only. Other labels are the same for both: multiclass float32 (classes,), 1 for each
            class that an example has; float float32; int int64; text string; mask uint8 (height, width,
            1), of the image's size and moved with it. Mixing and smoothing make a class float32 (classes,)
            in any case.
        label_smoothing: How much of each label, 0..1, is spread evenly over the classes, as in
            `keras.losses.CategoricalCrossentropy`. Of a multiclass label every class moves by so much
            towards 1/2, as in `BinaryCrossentropy`.
        output: "tuple" for (image, label), or "dict" for {"image", "label", "key"}. A dataset of several
            labels has them by name: as a dict in the label's place, or beside "image" and "key".
        shuffle: Whether each epoch has its own order. None: yes for the split "train". False: the
            stored order.
        seed: Of order and augmentation; any integer.
        shard: (index, count) of this worker. The workers' batches are disjoint, and equally many.
        start: (epoch, step) where the first iteration begins. With a step other than 0 its length
            differs from that of later epochs, so the cardinality is unknown.
        balance: "class": every class equally often, in each epoch and worker alike; an epoch has as
            many examples as without. A rare class's examples come several times in an epoch, each
            time augmented anew; a frequent class's take turns over the epochs. None: every example
            once.
        drop_remainder: Leave out the examples that do not fill a last batch. None: as `shuffle`.
        access: "indexed" reads single examples, in a perfectly shuffled order; for local files.
            "stream" reads runs of examples and shuffles them in a bounded buffer; for disks that
            seek slowly. "auto": indexed.
        on_error: What happens where an example cannot be read, or is not what was stored. "raise":
            the iteration ends. "skip": its batch is smaller by one, so no batch has a static size;
            every other example stays in its batch and step. Each is logged once, by the logger
            `fitfeed.pipelines`, and counted in `Dataset.skipped`. A batch without any good example,
            and a missing file, are errors all the same.
        processes: 0: the threads of this process make the batches. More: so many worker processes do, each
            on one CPU; the batches are the same. Functions in `augment` must then be importable from a
            module, and access be "indexed". A worker that dies ends the iteration with an error. None: as
            many as CPUs, at most 16, where there are several CPUs, no functions in `augment`, and access
            is "indexed"; threads otherwise.
        transforms: Whether dicts have a "transform" for each image, by which `move_boxes` and `move_points`
            move boxes and keypoints of your own as the image was moved.

    Returns:
        A dataset of (image, label), image alone, or dicts. Image: `dtype`, shape (batch, height,
        width, channels). Label: int64 (batch,) or float32 (batch, classes), or as `labels` says of
        other kinds. Key: string (batch,). Transform: float32 (batch, 3, 3), from relative (x, y, 1) in the
        stored image to the same in this one.
        The batch dimension is static where the remainder is dropped and nothing is skipped.

    Raises:
        UsageError: A ValueError: for an option that is wrong, by itself or for this dataset.
        NotFoundError: If there is no such folder.
        IncompleteDatasetError: If its conversion has not finished.
        DamagedDatasetError: If manifest and index contradict each other. Damage that shows later
            ends the iteration with a `tf.errors.OpError` that names shard, key and byte offset.

    Example:
        >>> train = make_pipeline("flowers", "train", batch_size=128, image_size=(224, 224),
        ...                       augment=[RandomResizedCrop(), RandomFlip("horizontal")], seed=7)
        >>> val = make_pipeline("flowers", "validation", batch_size=128, image_size=(224, 224), augment=[CenterCrop()])
        >>> model.fit(train, validation_data=val, epochs=10)
    """
    shuffle = split == "train" if shuffle is None else shuffle
    options = PipelineOptions(
        batch_size=batch_size,
        image_size=image_size,
        augment=augment,
        normalize=normalize,
        dtype=dtype,
        labels=labels,
        label_smoothing=label_smoothing,
        output=output,
        shuffle=shuffle,
        seed=seed,
        shard=shard,
        start=start,
        balance=balance,
        drop_remainder=shuffle if drop_remainder is None else drop_remainder,
        access=access,
        on_error=on_error,
        augment_on=augment_on,
        processes=processes,
        transforms=transforms,
    )
    dataset = dataset if isinstance(dataset, Dataset) else open_dataset(dataset)
    return _chain(dataset, dataset.records(split), options)


def _chain(dataset: Dataset, records: Records, options: PipelineOptions) -> "tf.data.Dataset":
    """The data path. Read this to understand the pipeline."""
    import tensorflow as tf  # takes seconds, so only when it is needed

    plain = tf.autograph.experimental.do_not_convert  # our functions are written for the graph as they are

    # Inside a `tf.function` the dataset is gone after tracing, and nobody but TensorFlow holds our functions.
    held = _as_it_is if tf.inside_function() else weakly_bound

    steps = EpochSteps(
        examples=len(records),
        batch_size=options.batch_size,
        shard=options.shard,
        drop_remainder=options.drop_remainder,
    )
    epochs = EpochCounter(
        options.start,
        steps=len(steps),
        identity=options.identity(dataset.manifest.fingerprint, records.split),
        is_chief=options.shard[0] == 0,
    )
    batch_tensors = BatchTensors(dataset, records, options)

    # One element, so that each iteration of the result asks once for its epoch. TensorFlow runs this
    # step anew for each iterator: that is the hook that makes every epoch's order a new one.
    batches = tf.data.Dataset.range(1).map(
        plain(lambda _: _call(held(epochs.next), [], [tf.int64, tf.int64], shapes=[[], []]))
    )

    # What identifies a batch, not yet the batch: numbers, or encoded bytes where they must be read
    # in sequence. Order, sharding and resuming are settled here, before anything is decoded.
    if options.access == "stream":
        shards = [shard.examples for shard in dataset.splits[records.split].shards]
        chunks = ChunkOrder(
            chunks=chunk_bounds(shards), steps=steps, shuffle=options.shuffle, seed=options.seed
        )
        batches = batches.flat_map(plain(lambda epoch, first: encoded_batches(records, chunks, epoch, first)))
        load: Callable[..., list[Any]] = batch_tensors.encoded
    else:
        order: Order | BalancedOrder = Order(steps=steps, shuffle=options.shuffle, seed=options.seed)
        if options.balance == "class":
            order = BalancedOrder(steps=steps, labels=class_labels(dataset, records), seed=options.seed)
        batches = batches.flat_map(
            plain(
                lambda epoch, first: tf.data.Dataset.range(first, len(steps)).map(lambda step: (epoch, step))
            )
        )
        load = batch_tensors.numbered(order)

    processes = options.worker_processes
    at_once = batches_at_once(processes, options.batch_size) if processes else BATCHES_AT_ONCE
    # Whole batches cross into Python, not images: the loader has its own threads, and writes every
    # image once, decoded, augmented and normalized, at its final place. Deterministic, for the order.
    batches = batches.map(
        plain(lambda *batch: batch_tensors.shaped(_call(held(load), batch, batch_tensors.types))),
        num_parallel_calls=at_once,
        deterministic=True,
    )

    # The length is known, though not to TensorFlow, which does not look into flat_map. A resumed
    # first epoch is shorter than the others, and then no one number would be true.
    if options.start[1] == 0:
        batches = batches.apply(tf.data.experimental.assert_cardinality(len(steps)))

    # One batch ready while the model works on another. No more: each may be 77 MB. Last, because
    # TensorFlow adds a buffer of its own, of no fixed size, to a pipeline that does not end in one.
    batches = batches.prefetch(1)

    # Sharding is ours (`shard=`): TensorFlow's own would drop batches a second time.
    behavior = tf.data.Options()
    behavior.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    behavior.deterministic = True
    # Nothing here is left to be tuned; and TensorFlow's tuner, which sleeps ever longer (10 ms, doubled up
    # to 60 s), is at times not woken when an iterator is dropped. So an epoch of `fit` would end late: in
    # one of three runs of 1.3 s by 0.6 to 2.3 s, and the more, the longer it was.
    behavior.autotune.enabled = False
    return batches.with_options(behavior)


def _as_it_is(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


def _call(
    function: Callable[..., Any],
    inputs: Sequence[Any],
    types: "Sequence[tf.DType]",
    *,
    shapes: Sequence[Any] = (),
) -> Any:
    """Calls a Python function in the graph; what it returns crosses over without a copy."""
    import tensorflow as tf

    results = tf.py_function(refuse_at_exit(function), inputs, types)
    for result, shape in zip(results, shapes, strict=False):
        result.set_shape(shape)
    return results
