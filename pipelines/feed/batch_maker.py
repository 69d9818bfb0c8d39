"""Makes the batches of a pipeline as NumPy arrays. `BatchMaker.make` is the whole way of a batch, in one function."""

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from fitfeed.pipelines.arrays.types import ArraySpec
from fitfeed.pipelines.augment.boxes import relative_transforms
from fitfeed.pipelines.augment.compiler.program import Program
from fitfeed.pipelines.augment.device_parameters import DeviceParameters
from fitfeed.pipelines.augment.ops.mixup_cutmix import split_batch
from fitfeed.pipelines.batches.batch_labels import BatchLabels
from fitfeed.pipelines.batches.image_loader import ImageLoader
from fitfeed.pipelines.batches.mask_loader import MaskLoader, check_movable
from fitfeed.pipelines.batches.mix import ImageMixer, Mixer
from fitfeed.pipelines.batches.renderer import compile_batch
from fitfeed.pipelines.batches.sample_weights import NAME as SAMPLE_WEIGHT
from fitfeed.pipelines.batches.sample_weights import SampleWeights
from fitfeed.pipelines.batches.skipped_examples import SkippedOfSplits, compacted, kept_places
from fitfeed.pipelines.batches.workers.process_pool import batches_at_once
from fitfeed.pipelines.batches.workers.shared_memory import BatchLayout, SharedBuffers
from fitfeed.pipelines.batches.writer_threads import WriterThreads
from fitfeed.pipelines.dataset import Dataset
from fitfeed.pipelines.feed.check_depth import check_depth
from fitfeed.pipelines.feed.choose_examples import choose_examples
from fitfeed.pipelines.feed.image_values import image_normalizer, image_type
from fitfeed.pipelines.feed.requests import make_requests
from fitfeed.pipelines.options import PipelineOptions
from fitfeed.pipelines.order.global_batches import EpochSteps
from fitfeed.pipelines.order.owner_process import OwnerProcess
from fitfeed.pipelines.reading.labels import check_any_label, leave_out_label, select_label
from fitfeed.pipelines.reading.payload_ranges import max_payload_bytes
from fitfeed.pipelines.reading.read_ahead import MAX_WAITING_BATCHES, private_memory
from fitfeed.pipelines.reading.records import Records
from fitfeed.pipelines.stages.feed_rates import Machinery
from fitfeed.pipelines.stages.stage_clock import StageClock, untimed
from fitfeed.schemas.errors import UsageError

T = TypeVar("T")

BATCHES_AT_ONCE = 2
"""Batches that threads make at once. While the last blocks of one batch are decoded, idle threads begin the next."""

PARAMETERS = "image/parameters"
"""Name of the array of `DeviceParameters`. No label can have it, as '/' cannot be in the name of a label."""


class BatchMaker:
    """Makes batches: a pure function of epoch and step. Thread-safe; not picklable.

    Attributes:
        steps: The steps of an epoch of this worker.
        specs: What is known of each array of a batch, by name, in the order of an element.
        statistics: Of the splits that normalize.
        choice: Which examples an epoch has, and how often.
        device: What is sampled for `augment_on="device"`; None for "cpu".
        at_once: How many batches should be made at once.
    """

    def __init__(self, dataset: Dataset, split: str | Sequence[str], options: PipelineOptions) -> None:
        """Makes all stages. Nothing is read before the first batch but the index.

        Args:
            dataset: The dataset.
            split: Name of the split, or of several.
            options: Options of the pipeline.

        Raises:
            UsageError: If the images would not all have one size, or `options` do not fit them.
        """
        self._owner = OwnerProcess()
        self._options, self._records = options, dataset.records(split)
        check_depth(options, self._records.depth)
        self.statistics = dataset.statistics_for(options.statistics)
        self.choice = choose_examples(dataset, self._records, options)
        self.steps = EpochSteps(
            examples=len(self.choice),
            batch_size=options.batch_size,
            shard=options.shard,
            drop_remainder=options.drop_remainder,
        )

        # What happens to single images here, what happens to whole batches, and what is left to a device.
        augment, mixes = split_batch(options.augment)
        self.device: DeviceParameters | None = None
        if options.augment_on == "device":
            self.device = DeviceParameters(options.augment, image_size=options.image_size, seed=options.seed)
            augment = list(self.device.on_cpu)
        self._program = Program(augment, image_size=options.image_size, seed=options.seed)
        self._mixer = Mixer(mixes, seed=options.seed)

        self._skipped: SkippedOfSplits | None = None
        if options.on_error == "skip":
            of_split = {name: dataset.skipping(name) for name in self._records.splits}
            self._skipped = SkippedOfSplits(of_split, self._records.place)
        self._threads = threads = WriterThreads(skips=self._skipped is not None)
        self._payload_buffers = self._shared_payloads()
        self._images, self._image_mixer = self._image_stages(threads, mixes=bool(mixes))
        features = dataset.manifest.features
        if options.labels is not None:
            check_any_label(features)
        self._weights: SampleWeights | None = None
        if options.sample_weight is not None:
            self._weights = SampleWeights(
                self._records, features, options.sample_weight, self.choice.examples
            )
        self._labels = BatchLabels(
            self._records,
            leave_out_label(select_label(features, options.label), options.sample_weight),
            labels=options.labels,
            smoothing=options.label_smoothing,
            mixes=[op for _, op in mixes],
        )
        if self._weights is not None and not self._labels.names and options.output == "tuple":
            msg = f"sample_weight weighs the loss of a label, and none is left. Received: sample_weight={options.sample_weight!r}. Use output='dict', or a dataset with another label."
            raise UsageError(msg)
        for name in self._labels.masks:
            check_movable(augment, name, augment_on=options.augment_on)
        self._masks = {name: self._mask_loader(name, threads) for name in self._labels.masks}
        memory = private_memory if self._payload_buffers is None else self._payload_buffers.take
        self._requests = make_requests(
            dataset,
            self._records,
            options,
            self.steps,
            self.choice,
            masks=self._labels.masks,
            memory=memory,
        )
        self.specs = self._array_specs()
        # With these, a request has the bytes of its images already.
        self._is_read_ahead = options.access == "stream" or self._records.are_far
        processes = options.worker_processes
        self.at_once = batches_at_once(processes, options.batch_size) if processes else BATCHES_AT_ONCE

    def make(self, epoch: int, step: int, clock: StageClock | None = None) -> dict[str, npt.NDArray[Any]]:
        """Makes a batch. Read this function to understand what happens to it.

        Args:
            epoch: Number of the epoch.
            step: Number of the step.
            clock: What times the stages. The images are then written by this thread. None: nobody wants to know.

        Returns:
            Arrays by name, as `specs` says: "image", the labels, and as the options ask for it "sample_weight",
            "key", "transform" and `PARAMETERS`. The memory of images and masks is reused when the arrays and
            everything made from them are gone, and not before.

        Raises:
            DamagedExampleError: If an example cannot be read or decoded.
            DamagedDatasetError: If all examples are damaged, although damaged ones are skipped; or if a file
                is missing.
            UsageError: If a function in `augment` does not return an image, or one of another size.
            FeedError: If a worker process has died, or this process was forked from the one that made it.
        """
        self._owner.check()
        timed = untimed if clock is None else clock.time
        # Numbers come first: order, sharding and resuming are decided before anything is read.
        with timed("read" if self._is_read_ahead else "batch"):
            request = self._requests.request(epoch, step)
        examples, rng_index = request.examples, request.rng_index
        # All draws, once: an image, its masks and its transform move together.
        with timed("augment"):
            compiled = compile_batch(self._program, self._records, epoch, examples, rng_index)
        size, sizes = self._images.image_shape[:2], compiled.sizes

        # Decode, augment, normalize: one stage, as each image is written once, at its place in the batch.
        arrays: dict[str, npt.NDArray[Any]] = {}
        arrays["image"], damaged = self._images.load(request, compiled, clock)
        for name, masks in self._masks.items():
            with timed("decode"):
                arrays[name], damaged_masks = masks.load(request, compiled)
            damaged = damaged_masks | damaged
        if self._options.transforms:
            arrays["transform"] = relative_transforms(compiled, size).astype(np.float32)

        # Partners are drawn among all examples of the batch, damaged or not. So what is left out here
        # changes no other image, but for those whose partner it is.
        mixtures = self._mixer.sample(epoch, rng_index, size=size)
        if damaged:
            kept = kept_places(examples, damaged, self._skipped)
            arrays = {name: compacted(array, kept) for name, array in arrays.items()}
            mixtures = [mixture.keep(kept) for mixture in mixtures]
            examples, rng_index, sizes = examples[kept], rng_index[kept], sizes[kept]

        # Mixing needs finished images, all of them. Labels are mixed by the same shares.
        if self._image_mixer is not None:
            with timed("augment"):
                arrays["image"] = self._image_mixer.mix(arrays["image"], mixtures)
        with timed("batch"):
            arrays.update(self._labels.read(examples, mixtures))
            if self._weights is not None:
                arrays[SAMPLE_WEIGHT] = self._weights.read(examples)

        if self._options.output == "dict":
            arrays["key"] = np.array(self._records.keys(examples), object)
        if self.device is not None:
            arrays[PARAMETERS] = self.device.sample(epoch, rng_index, sizes=sizes, mixtures=mixtures)
        return {name: arrays[name] for name in self.specs}

    @property
    def options(self) -> PipelineOptions:
        """The options of the pipeline."""
        return self._options

    @property
    def records(self) -> Records:
        """The examples of the split."""
        return self._records

    @property
    def is_read_ahead(self) -> bool:
        """Whether stored bytes are read before their batch is made, so that batches must come in order."""
        return self._is_read_ahead

    @property
    def batch_size(self) -> int:
        """The largest number of examples in a batch."""
        return self._options.batch_size

    @property
    def machinery(self) -> Machinery:
        """What makes the batches of a long run, once workers have started, if they do."""
        others = self._is_read_ahead or self._image_mixer is not None or bool(self._masks)
        copies = self._images.copies and not others
        return Machinery.of_this_machine(self._images.workers, copying_threads=self.at_once if copies else 0)

    @property
    def image_bytes(self) -> int:
        """Bytes of an image in a batch."""
        return math.prod(self._images.image_shape) * self.specs["image"].dtype.itemsize

    def stage_clock(self) -> StageClock:
        """Makes a clock for `make`, which also counts what threads do for masks and mixing of its batches, and of no others."""
        return StageClock(cpu=lambda: time.thread_time() + self._threads.cpu_s)

    def _image_stages(self, threads: WriterThreads, *, mixes: bool) -> tuple[ImageLoader, ImageMixer | None]:
        """Makes the stages that write images. The last one of them normalizes, unless a device does."""
        options, records, dtype = self._options, self._records, self._image_type
        normalizer = image_normalizer(options, self.statistics) if self.device is None else None
        is_last = self.device is not None or not mixes
        loader = ImageLoader(
            records,
            self._program,
            normalizer if is_last else None,
            batch_size=options.batch_size,
            dtype=dtype if is_last else records.dtype,
            threads=threads,
            processes=options.worker_processes,
            late=options.processes is None,
            epoch_images=len(self.choice) // options.shard[1],
            payload_buffers=self._payload_buffers,
        )
        if is_last:
            return loader, None
        shape = (options.batch_size, *loader.image_shape)
        return loader, ImageMixer(normalizer, shape=shape, dtype=dtype, threads=threads)

    def _shared_payloads(self) -> SharedBuffers | None:
        """Makes the memory through which worker processes get payloads that this process reads ahead of use."""
        options, records = self._options, self._records
        if not options.worker_processes or not records.are_far:
            return None
        # It takes as much memory as payloads are written to it, and gives back none, because all of it is bounded.
        size = options.batch_size * max_payload_bytes(records.index)
        return SharedBuffers(BatchLayout((size,), np.dtype(np.uint8)), spare=MAX_WAITING_BATCHES)

    @property
    def _image_type(self) -> np.dtype[Any]:
        """Type of the images of a batch. A device gets them as they are stored, and converts them last."""
        if self.device is not None:
            return self._records.dtype
        return image_type(self._options)

    def _mask_loader(self, name: str, threads: WriterThreads) -> MaskLoader:
        return MaskLoader(
            self._records,
            self._program,
            name,
            batch_size=self._options.batch_size,
            image_size=self._images.image_shape[:2],
            threads=threads,
        )

    def _array_specs(self) -> dict[str, ArraySpec]:
        options, shape = self._options, self._images.image_shape
        specs = {"image": ArraySpec(shape, self._image_type)}
        for name in self._labels.names:
            specs[name] = self._labels.spec(name, image_size=shape[:2])
        if self._weights is not None:
            specs[SAMPLE_WEIGHT] = ArraySpec((), np.dtype(np.float32))
        if options.output == "dict":
            specs["key"] = ArraySpec((), np.dtype(object))
        if options.transforms:
            if "transform" in specs:
                msg = "transforms=True needs the name 'transform', which a label of this dataset has. Pass labels=None."
                raise UsageError(msg)
            specs["transform"] = ArraySpec((3, 3), np.dtype(np.float32))
        if self.device is not None:
            specs[PARAMETERS] = ArraySpec((self.device.columns,), np.dtype(np.float32))
        # The last batch may be smaller, and any batch from which damaged examples are left out.
        batch = options.batch_size if options.drop_remainder and options.on_error == "raise" else None
        return {name: ArraySpec((batch, *spec.shape), spec.dtype) for name, spec in specs.items()}


def as_element(arrays: Mapping[str, T], options: PipelineOptions) -> T | dict[str, T] | tuple[Any, ...]:
    """Makes the element that `make_pipeline(output=...)` returns of the arrays or tensors of a batch.

    Args:
        arrays: From `BatchMaker.make`, or made from that, without `PARAMETERS`.
        options: Options of the pipeline.

    Returns:
        A dict of all; or (image, label), (image, dict of labels) or the image alone. A sample weight is one
        element more.
    """
    if options.output == "dict":
        return dict(arrays)
    labels = dict(arrays)
    image, weight = labels.pop("image"), labels.pop(SAMPLE_WEIGHT, None)
    if not labels:
        return image
    # `fit` expects a single label by itself, and several by their names.
    label = next(iter(labels.values())) if len(labels) == 1 else labels
    return (image, label) if weight is None else (image, label, weight)
