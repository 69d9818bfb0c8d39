"""`make_pipeline`: the whole way from a dataset to batches for `fit`, in one function."""

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from fitfeed.pipelines.augment.base import Augmentation
from fitfeed.pipelines.augment.compiler.user_functions import ImageFunction
from fitfeed.pipelines.batches.normalize import NormalizeKind
from fitfeed.pipelines.dataset import Dataset
from fitfeed.pipelines.feed.batch_maker import PARAMETERS, BatchMaker, as_element
from fitfeed.pipelines.feed.open_feed import Feed, open_feed
from fitfeed.pipelines.hosts.choose_shard import Shard
from fitfeed.pipelines.monitor.made_batches import MadeBatches
from fitfeed.pipelines.needed_package import load_package
from fitfeed.pipelines.options import (
    Access,
    AugmentOn,
    Balance,
    Examples,
    Labels,
    OnError,
    Output,
    OutputType,
    PipelineOptions,
    SamplingWeights,
)
from fitfeed.pipelines.tf_data.pipelines_of_iterator import attach_counter, attach_made
from fitfeed.pipelines.tf_data.py_function import weakly_bound
from fitfeed.pipelines.tf_data.tensors import call, tensors_of

if TYPE_CHECKING:
    import tensorflow as tf

    from fitfeed.pipelines.tf_data.on_device import DeviceStage

WITHOUT_TENSORFLOW = "Or use make_loader: the same batches as NumPy arrays, for PyTorch, JAX and Keras."


def make_pipeline(
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
) -> "tf.data.Dataset":
    """Makes a `tf.data.Dataset` of batches, ready for `fit`.

    Each iteration is the next epoch, in a new order: `iter`, a `for` loop, each epoch of `fit`, and
    each round of `.repeat()`. Every random number is a function of seed, epoch and example, so it is the
    same for any number of threads or workers. Do not shuffle, batch, cache or prefetch the result again.

    Args:
        dataset: A dataset's folder, its address in an object store ("gs://bucket/flowers", "s3://...", "az://..."),
            or an open dataset.
        split: Name of the split, such as "train"; or a list of names, which are read as one split. Then
            `shuffle` and `statistics` must be given.
        batch_size: Examples per batch, of this worker. `shard` says how many workers share a step.
        image_size: (height, width) of the batch. Images are resized to it as they are, so their
            aspect ratio changes, unless `augment` crops: `RandomResizedCrop()` for training and
            `CenterCrop()` for evaluation keep it. None: as stored, if all images have one size.
        augment: Augmentations of this package, in order. An item may also be any function from one
            (height, width, channels) array to another: uint8, or uint16 if the dataset has 16 bits. It
            must be safe to call from several threads, and gets the result of the item before it.
            `MixUp` and `CutMix` come last, and make class labels soft.
        augment_on: "cpu": each image is written once, finished, by the loader's threads. "device":
            the loader crops and resizes, and the rest of `augment` runs on the uint8 batch as
            TensorFlow operations, with the same random numbers, before normalizing. That relieves the
            CPU if there is a GPU, and is slower if there is none. `explain` says what runs where.
            It does not work with masks, `AugMix` or other Keras backends.
        normalize: "zscore" ((x - mean) / std), "minmax" (0..1 by the stored minimum and maximum),
            "unit" (x / 255, or / 65535 for 16 bits), "symmetric" (-1..1), per channel by `statistics`, or
            None for the values as stored.
        dtype: "float32", "bfloat16", "float16", or with normalize=None "uint8" (a quarter of the
            bytes; normalize on the device by `dataset.normalization`), "uint16" where the dataset has
            16 bits.
        label: Name of the label, if the dataset has several and one is wanted. `balance` then goes by its
            classes. None: all labels.
        labels: "int" (a class as its number), "onehot" (a class as float32 (classes,)), or None for
            images only. Other labels are the same for both. multiclass: float32 (classes,), 1 for each
            class that an example has; float: float32; floats: float32 (numbers,); int: int64; text: string; mask: uint8 (height,
            width, 1), of the size of the image and moved with it. Mixing and smoothing always make a class
            float32 (classes,).
        label_smoothing: How much of each label, 0..1, is spread evenly over the classes, as in
            `keras.losses.CategoricalCrossentropy`. For a multiclass label, each class moves by this
            share toward 1/2, as in `BinaryCrossentropy`.
        output: "tuple" for (image, label), or "dict" for {"image", "label", "key"}. Several labels
            are returned by name: as a dict in the place of the label, or beside "image" and "key".
        shuffle: True: each epoch has its own order. False: the stored order. None: True for the
            split "train", False for "validation" and "test"; it must be given for others.
        statistics: The split, or splits, whose pixels normalize: those that are trained on, for
            evaluation too. They are exact. None: "train", or what `Dataset.statistics` is of.
        examples: The part of the split that is fed: numbers of examples, each once, as a list or an array of
            integers (of several splits, they are numbered through); or an expression of `pyarrow.compute`
            over the columns of `dataset.index(split)`, such as `pc.field("height") >= 224`. Without
            `shuffle` their order is that of the numbers. Access must be "indexed". None: all.
        sampling_weights: How often each example is drawn: a number, 0 or more, for each example of the split,
            or the name of a column of `dataset.index(split)`. An epoch keeps its length n, and has an
            example n * weight / sum of weights times, rounded up or down, and on average exactly so often;
            each time augmented differently. `shuffle` must be True, access "indexed". None: each once.
        sample_weight: The name of a label of numbers, which weighs the loss of each example: the third element
            of tuples, as `fit` takes it, or "sample_weight" in dicts; float32 (batch,). It is then no label.
            `MixUp` and `CutMix` are refused beside it, because a mixed image has two weights. None: no weights.
        seed: Seed of order and augmentation; any integer.
        shard: (index, count) of this worker, where several processes train one model. The batches of the workers
            are disjoint, all have equally many, and each reads its own examples only. "auto": as the strategy of
            `tf.distribute` or TF_CONFIG, `keras.distribution`, `jax.distributed`, or RANK and WORLD_SIZE say; what
            is not shuffled is read as a whole, because parts of equal steps would leave out examples. The logger
            `fitfeed.pipelines` says which it is. Frameworks are asked only if you have imported them. None: the whole,
            and if several workers are seen, the logger says what to write. Under
            `MultiWorkerMirroredStrategy`, call `make_pipeline` in `strategy.distribute_datasets_from_function`;
            `experimental_distribute_dataset` would cut its batches. `keras.distribution` must have
            `auto_shard_dataset=False`.
        start: (epoch, step) where the first iteration begins. With a step other than 0 it is shorter
            than later epochs, so the cardinality is unknown.
        balance: "class": every class is equally frequent, in each epoch and worker. An epoch has as
            many examples as without. The examples of a rare class occur several times in an epoch,
            each time augmented differently. Those of a frequent class alternate over the epochs.
            None: every example occurs once.
        drop_remainder: Whether to leave out the examples that do not fill a last batch. None: as `shuffle`.
        access: "indexed" reads single examples, in a perfectly shuffled order. It is for local files, and for
            object stores, of which many examples are read at once, before their batches are made.
            "stream" reads runs of examples and shuffles them in a bounded buffer. It is for disks that
            seek slowly, and for stores where each request is paid for. "auto" is the same as "indexed".
        on_error: What happens if an example cannot be read, or is not what was stored. "raise":
            the iteration ends. "skip": its batch is smaller by one, so no batch has a static size;
            every other example stays in its batch and step. The logger `fitfeed.pipelines` logs each
            once, and `Dataset.skipped` counts them. A batch without any good example, and a missing
            file, are still errors.
        processes: 0: threads of this process make the batches. More: this many worker processes make them,
            each on one CPU. The batches are the same. With worker processes, functions in `augment` must
            be importable from a module, and access must be "indexed". A worker that ends unexpectedly
            ends the iteration with an error. None: threads, and from a thousand images on one process for
            each CPU, at most 16, if there are several CPUs, no functions in `augment`, access is not
            "stream", and more is done to stored pixels than to copy them.
        transforms: Whether dicts have a "transform" for each image. With it `move_boxes` and `move_points`
            move your own boxes and keypoints as the image was moved.
        cache: As for `open_dataset`: a folder of this machine that keeps what is fetched from a store.
        cache_size: As for `open_dataset`.

    Returns:
        A dataset of (image, label), (image, label, sample weight), images alone, or dicts. Image: `dtype`, (batch, height, width,
        channels). Label: int64 (batch,) or float32 (batch, classes); for other kinds see `labels`. Key:
        string (batch,). Transform: float32 (batch, 3, 3), from relative (x, y, 1) in the stored image to
        the same in this one.
        The batch dimension is static if the remainder is dropped and nothing is skipped.

    Raises:
        UsageError: A ValueError: if an option is wrong, by itself or for this dataset.
        NotFoundError: If there is no such folder.
        IncompleteDatasetError: If its conversion has not finished.
        DamagedDatasetError: If manifest and index contradict each other. Damage that is found later
            ends the iteration with a `tf.errors.OpError` that ends with shard, key and byte offset.
        MissingPackageError: An ImportError: if TensorFlow is not installed.

    Example:
        >>> train = make_pipeline("flowers", "train", batch_size=128, image_size=(224, 224),
        ...                       augment=[RandomResizedCrop(), RandomFlip("horizontal")], seed=7)
        >>> val = make_pipeline("flowers", "validation", batch_size=128, image_size=(224, 224), augment=[CenterCrop()])
        >>> model.fit(train, validation_data=val, epochs=10)
    """
    feed = open_feed(
        dataset,
        split,
        cache=cache,
        cache_size=cache_size,
        batch_size=batch_size,
        image_size=image_size,
        augment=augment,
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
        augment_on=augment_on,
        processes=processes,
        transforms=transforms,
    )
    return _chain(feed)


def _chain(feed: Feed) -> "tf.data.Dataset":
    """Builds the data path. Read this function, and `BatchMaker.make`, to understand the pipeline.

    epochs -> requests -> images -> mix -> labels   |   on_device -> element -> prefetch
              `---------- BatchMaker.make --------'
    """
    load_package("tensorflow", by="make_pipeline", instead=WITHOUT_TENSORFLOW)
    import tensorflow as tf  # this takes seconds, so it is done only when needed

    from fitfeed.pipelines.tf_data.own_iterator import with_own_iterator

    plain = tf.autograph.experimental.do_not_convert  # our functions are written for the graph already

    # Inside a `tf.function` the dataset is gone after tracing, and only TensorFlow holds our functions.
    held = _as_it_is if tf.inside_function() else weakly_bound

    # All that makes batches, as NumPy arrays. Whatever is right or wrong about the options has shown there.
    options, maker, epochs = feed
    stage = _device_stage(maker, options)
    made = MadeBatches(epochs, maker)

    # Epochs. There is one element, so that each iteration of the result asks once for its epoch. TensorFlow
    # runs this step again for each iterator. That is how every epoch gets its own order.
    batches = tf.data.Dataset.range(1).map(
        plain(lambda _: call(held(made.open), [], [tf.int64, tf.int64], shapes=[[], []]))
    )
    attach_counter(batches, epochs)  # so that `ResumeTraining` finds it

    # Steps. These elements identify a batch, but are not the batch: they are two numbers, which say all.
    batches = batches.flat_map(
        plain(
            lambda epoch, first: tf.data.Dataset.range(first, len(maker.steps)).map(
                lambda step: (epoch, step)
            )
        )
    )

    def finished(epoch: "tf.Tensor", step: "tf.Tensor") -> Any:
        # Requests, images, mixing and labels, in Python: called once for a batch, not for each image.
        tensors = tensors_of(held(maker.make), maker.specs, epoch, step, finish=held(made.finish))
        # What is left to a device comes after them, on the finished uint8 batch.
        if stage is not None:
            tensors["image"] = stage(tensors["image"], tensors.pop(PARAMETERS))
        return as_element(tensors, options)

    # These stages are one `map`, as a batch goes through all of them in one thread. Several batches are made
    # at once, so that no CPU waits for the last image of one. Deterministic calls keep the order.
    batches = batches.map(plain(finished), num_parallel_calls=maker.at_once, deterministic=True)

    # We know the length, but TensorFlow does not, as it does not look into flat_map. If a resumed
    # first epoch is shorter than the others, no single number is right.
    if options.start[1] == 0:
        batches = batches.apply(tf.data.experimental.assert_cardinality(len(maker.steps)))

    # One batch is ready while the model works on another. More would take memory: each may have 77 MB.
    # This is the last step, as TensorFlow adds its own buffer, of no fixed size, to a pipeline that
    # does not end in one.
    batches = batches.prefetch(1)

    # We shard the examples (`shard=`). TensorFlow's own sharding would drop batches a second time.
    behavior = tf.data.Options()
    behavior.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    behavior.deterministic = True
    # There is nothing to tune here. And TensorFlow's tuner sleeps ever longer (10 ms, doubled up to 60 s),
    # and is sometimes not woken when an iterator is dropped. Then an epoch of `fit` ends late: one of
    # three epochs of 1.3 s by 0.6 to 2.3 s, and longer epochs by more.
    behavior.autotune.enabled = False
    batches = batches.with_options(behavior)
    attach_made(batches, made)  # so that `InputMonitor` finds it
    return with_own_iterator(batches)  # whose errors end with what fitfeed says


def _device_stage(maker: BatchMaker, options: PipelineOptions) -> "DeviceStage | None":
    if maker.device is None:
        return None
    from fitfeed.pipelines.tf_data.on_device import DeviceStage  # imports Keras

    return DeviceStage(maker.device, options, maker.statistics)


def _as_it_is(function: Callable[..., Any]) -> Callable[..., Any]:
    return function
