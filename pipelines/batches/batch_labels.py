"""The labels of a batch, but for masks: read from the index, mixed and smoothed."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fitfeed.pipelines.arrays.types import ArraySpec
from fitfeed.pipelines.augment.ops.mixup_cutmix import BatchAugmentation, Mixture
from fitfeed.pipelines.batches.soft_labels import SoftLabels
from fitfeed.pipelines.reading.labels import Labels, check_onehot, label_batch
from fitfeed.pipelines.reading.records import Records
from fitfeed.schemas.features import ClassFeature, Features, FloatsFeature, MulticlassFeature

TYPES: dict[str, np.dtype[Any]] = {
    "float": np.dtype(np.float32),
    "int": np.dtype(np.int64),
    "text": np.dtype(object),
}
"""Kinds of labels of one value without classes, and the types of their arrays."""


class BatchLabels:
    """Reads the labels of a batch. Immutable, thread-safe.

    Attributes:
        names: All labels that a batch has, masks too.
        masks: Those that are masks, which a `MaskLoader` reads.
    """

    def __init__(
        self,
        records: Records,
        features: Features,
        *,
        labels: Labels | None,
        smoothing: float,
        mixes: Sequence[BatchAugmentation],
    ) -> None:
        """Checks that the labels can be what they are to be.

        Args:
            records: The examples of the split.
            features: Features of the dataset.
            labels: As for `make_pipeline`. None: there are no labels.
            smoothing: As for `make_pipeline(label_smoothing=...)`.
            mixes: The operations that mix the images.

        Raises:
            UsageError: If a label cannot be one-hot, mixed or smoothed.
        """
        if labels == "onehot":
            check_onehot(features)
        self._records, self._features, self._labels = records, features, labels
        self.names = list(features.labels) if labels is not None else []
        self.masks = [name for name in self.names if features.label_kinds[name] == "mask"]
        self._soften = SoftLabels(features, self.names, smoothing=smoothing, mixes=mixes)

    def read(
        self, examples: npt.NDArray[np.int64], mixtures: Sequence[Mixture]
    ) -> dict[str, npt.NDArray[Any]]:
        """Reads all labels of a batch but the masks.

        Args:
            examples: int64 (n,), example numbers.
            mixtures: How the images are mixed.

        Returns:
            Arrays (n, ...) by name, as `spec` says.
        """
        return {
            name: self._soften(name, self._read_one(name, examples), mixtures)
            for name in self.names
            if name not in self.masks
        }

    def spec(self, name: str, *, image_size: tuple[int, int]) -> ArraySpec:
        """Returns shape and type of the label of one example; `image_size`: (height, width) of the images."""
        feature = self._features.labels[name]
        if isinstance(feature, ClassFeature | MulticlassFeature):
            if feature.kind == "multiclass" or self._is_onehot(name):
                return ArraySpec((len(feature.class_names),), np.dtype(np.float32))
            return ArraySpec((), np.dtype(np.int64))
        if isinstance(feature, FloatsFeature):
            return ArraySpec((len(feature.names),), np.dtype(np.float32))
        if feature.kind == "mask":
            return ArraySpec((*image_size, 1), np.dtype(np.uint8))
        return ArraySpec((), TYPES[feature.kind])

    def _is_onehot(self, name: str) -> bool:
        return self._labels == "onehot" or self._soften.softens(self._features.labels[name])

    def _read_one(self, name: str, examples: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        labels: Labels = "onehot" if self._is_onehot(name) else "int"
        values = label_batch(self._records.index, self._features, name, examples, labels=labels)
        return values if isinstance(values, np.ndarray) else np.array(values, object)
