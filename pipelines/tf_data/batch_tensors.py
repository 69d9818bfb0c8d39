"""Turns NumPy batches into the tensors that a pipeline returns."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fitfeed.pipelines.augment.boxes import relative_transforms
from fitfeed.pipelines.augment.compiler.program import Program
from fitfeed.pipelines.augment.ops.mixup_cutmix import Mixture, split_batch
from fitfeed.pipelines.batches.loader import Loader
from fitfeed.pipelines.batches.mask_loader import MaskLoader, check_movable
from fitfeed.pipelines.batches.mix import Mixer
from fitfeed.pipelines.batches.normalize import Normalizer
from fitfeed.pipelines.batches.skipped_examples import compacted
from fitfeed.pipelines.batches.soft_labels import SoftLabels
from fitfeed.pipelines.dataset import Dataset
from fitfeed.pipelines.options import PipelineOptions
from fitfeed.pipelines.order.cached_order import CachedOrder
from fitfeed.pipelines.order.class_balance import BalancedOrder
from fitfeed.pipelines.order.shuffle import Batch, Order
from fitfeed.pipelines.reading.labels import check_onehot, label_batch
from fitfeed.pipelines.reading.records import Records
from fitfeed.pipelines.tf_data.checks import INTEGERS, check_depth
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.features import ClassFeature, MulticlassFeature

if TYPE_CHECKING:
    import tensorflow as tf

    from fitfeed.pipelines.device.stage import DeviceStage


def share(batch: npt.NDArray[Any]) -> "tf.Tensor":
    """Makes a tensor on an array's own memory.

    DLPack passes on the pointer: 1 ms for 77 MB, where `tf.numpy_function`, which copies, takes 65 ms.
    The tensor keeps the array alive. The array must not be written to any more.

    Args:
        batch: Array of any shape and type, C-contiguous, aligned to 64 bytes. (TensorFlow's kernels may
            crash or copy otherwise.)
    """
    import tensorflow as tf

    if batch.dtype.name == "bfloat16":  # this is not a type of NumPy, so NumPy cannot export it
        return tf.bitcast(share(batch.view(np.uint16)), tf.bfloat16)
    return tf.experimental.dlpack.from_dlpack(batch.__dlpack__())


def _device_stage(dataset: Dataset, options: PipelineOptions) -> "DeviceStage | None":
    if options.augment_on == "cpu":
        return None
    from fitfeed.pipelines.device.stage import DeviceStage  # imports Keras

    return DeviceStage(options, dataset.statistics)


class BatchTensors:
    """Makes the tensors of a batch. TensorFlow calls it from its own threads."""

    def __init__(self, dataset: Dataset, records: Records, options: PipelineOptions) -> None:
        """Makes all that loads images, masks and labels.

        Args:
            dataset: The dataset.
            records: The examples of the split.
            options: Options of the pipeline.

        Raises:
            UsageError: If the images would not all have one size, or `options` do not fit them.
        """
        import tensorflow as tf

        check_depth(options, records.depth)
        augment, mixes = split_batch(options.augment)
        self._stage = _device_stage(dataset, options)
        if self._stage is not None:
            augment = list(self._stage.on_cpu)
        program = Program(augment, image_size=options.image_size, seed=options.seed)
        dtype = tf.as_dtype(options.dtype)
        loaded = dtype if self._stage is None else tf.uint8
        normalizer = None
        if loaded.name not in INTEGERS:
            normalizer = Normalizer(options.normalize, dataset.statistics, dtype=dtype.as_numpy_dtype)
        self._records, self._options, self._program = records, options, program
        self._features = dataset.manifest.features
        self._labels = list(self._features.labels) if options.labels is not None else []
        if options.labels == "onehot":
            check_onehot(self._features)
        if options.transforms and "transform" in self._labels:
            msg = "transforms=True needs the name 'transform', which a label of this dataset has. Pass labels=None."
            raise UsageError(msg)
        self._soften = SoftLabels(
            self._features, self._labels, smoothing=options.label_smoothing, mixes=[op for _, op in mixes]
        )
        masks = [name for name in self._labels if self._features.label_kinds[name] == "mask"]
        for name in masks:
            check_movable(augment, name, augment_on=options.augment_on)
        skipped = dataset.skipping(records.split) if options.on_error == "skip" else None
        self._loader = Loader(
            records,
            program,
            normalizer,
            batch_size=options.batch_size,
            dtype=loaded.as_numpy_dtype,
            skipped=skipped,
            mixer=Mixer(mixes, seed=options.seed) if mixes else None,
            mixes_here=self._stage is None,
            processes=options.worker_processes,
        )
        self._masks = {
            name: MaskLoader(
                records,
                program,
                name,
                batch_size=options.batch_size,
                image_size=self._loader.image_shape[:2],
                skipped=skipped,
            )
            for name in masks
        }
        self._specs = self._element_specs(dtype)

    @property
    def types(self) -> "list[tf.DType]":
        """Types of the tensors that are loaded for a batch, in order."""
        import tensorflow as tf

        types = [spec.dtype for spec in self._specs.values()]
        return types if self._stage is None else [tf.uint8, tf.float32, *types[1:]]

    def numbered(self, order: Order | BalancedOrder) -> "Callable[[tf.Tensor, tf.Tensor], list[Any]]":
        """Makes a function that loads a batch by its epoch and step."""
        cached = CachedOrder(order)

        def load(epoch: "tf.Tensor", step: "tf.Tensor") -> list[Any]:
            return self._tensors(int(epoch), cached.batch(int(epoch), int(step)), None)

        return load

    def encoded(self, epoch: "tf.Tensor", examples: "tf.Tensor", payloads: "tf.Tensor") -> list[Any]:
        """Loads a batch whose bytes have been read already.

        Args:
            epoch: int64 scalar.
            examples: int64 (n,), example numbers.
            payloads: string (n,), stored bytes; empty where reading failed.
        """
        numbers = examples.numpy()
        return self._tensors(int(epoch), Batch(numbers, numbers), payloads.numpy())

    def shaped(self, tensors: "list[tf.Tensor]") -> Any:  # a tensor, a tuple or a dict
        """Sets the static shapes of the tensors, and makes the tuple or dict of them.

        With augment_on="device", the images are augmented there first.
        """
        import tensorflow as tf

        if self._stage is not None:
            images, parameters, *tensors = tensors
            shape, columns = self._specs["image"].shape, self._stage.columns
            images = tf.ensure_shape(images, shape)
            tensors = [self._stage(images, tf.ensure_shape(parameters, (shape[0], columns))), *tensors]
        named = {
            name: tf.ensure_shape(tensor, spec.shape)
            for (name, spec), tensor in zip(self._specs.items(), tensors, strict=True)
        }
        if self._options.output == "dict":
            return named
        labels = {name: named[name] for name in self._labels}
        if not labels:
            return named["image"]
        # `fit` expects a single label by itself, and several by their names.
        return named["image"], *(labels.values() if len(labels) == 1 else [labels])

    def _tensors(self, epoch: int, batch: Batch, payloads: Any) -> list[Any]:
        images, examples, mixtures = self._loader.load(
            epoch, batch.examples, payloads, rng_index=batch.rng_index
        )
        if len(examples) != len(batch.examples):  # damaged ones were left out
            batch = Batch(examples, batch.rng_index[np.isin(batch.examples, examples)])
        pictures: dict[str, npt.NDArray[Any]] = {"image": images}
        for name, loader in self._masks.items():
            pictures[name], whole = loader.load(epoch, batch.examples, rng_index=batch.rng_index)
            if not whole.all():
                batch = Batch(batch.examples[whole], batch.rng_index[whole])
                pictures = {each: compacted(array, whole) for each, array in pictures.items()}
        values: dict[str, Any] = {"image": share(pictures["image"])}
        for name in self._labels:
            values[name] = share(pictures[name]) if name in pictures else self._label(name, batch, mixtures)
        if self._options.output == "dict":
            values["key"] = self._records.keys(batch.examples)
        if self._options.transforms:
            values["transform"] = self._transforms(epoch, batch)
        if self._stage is None:
            return list(values.values())
        images, *others = values.values()
        return [
            images,
            self._stage.parameters(
                epoch, batch.rng_index, sizes=self._sizes(batch.examples), mixtures=mixtures
            ),
            *others,
        ]

    def _transforms(self, epoch: int, batch: Batch) -> npt.NDArray[np.float32]:
        heights, widths = self._sizes(batch.examples).T
        compiled = self._program.compile(epoch, batch.rng_index, heights=heights, widths=widths)
        return relative_transforms(compiled, self._loader.image_shape[:2]).astype(np.float32)

    def _sizes(self, examples: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Returns stored heights and widths of examples: int64 (n, 2)."""
        index = self._records.index
        return np.stack([index.height[examples], index.width[examples]], axis=1).astype(np.int64)

    def _label(self, name: str, batch: Batch, mixtures: Sequence[Mixture]) -> Any:
        index, labels = self._records.index, self._options.labels or "int"
        if self._soften.softens(self._features.labels[name]):
            labels = "onehot"
        values = label_batch(index, self._features, name, batch.examples, labels=labels)
        return self._soften(name, values, mixtures)

    def _label_spec(self, name: str) -> tuple[tuple[int, ...], str]:
        """Returns the shape of the label of one example, and its type."""
        feature = self._features.labels[name]
        if isinstance(feature, ClassFeature | MulticlassFeature):
            if (
                feature.kind == "multiclass"
                or self._options.labels == "onehot"
                or self._soften.softens(feature)
            ):
                return (len(feature.class_names),), "float32"
            return (), "int64"
        if feature.kind == "mask":
            return (*self._loader.image_shape[:2], 1), "uint8"
        return (), {"float": "float32", "int": "int64", "text": "string"}[feature.kind]

    def _element_specs(self, dtype: "tf.DType") -> "dict[str, tf.TensorSpec]":
        import tensorflow as tf

        static = self._options.drop_remainder and self._options.on_error == "raise"
        batch = self._options.batch_size if static else None
        specs = {"image": tf.TensorSpec((batch, *self._loader.image_shape), dtype)}
        for name in self._labels:
            shape, label_dtype = self._label_spec(name)
            specs[name] = tf.TensorSpec((batch, *shape), label_dtype)
        if self._options.output == "dict":
            specs["key"] = tf.TensorSpec((batch,), tf.string)
        if self._options.transforms:
            specs["transform"] = tf.TensorSpec((batch, 3, 3), tf.float32)
        return specs
