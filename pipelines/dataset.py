"""A dataset on disk, opened for reading."""

import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fitfeed.pipelines.batches.normalize import NormalizeKind, keras_layer
from fitfeed.pipelines.batches.skipped_examples import Skipped
from fitfeed.pipelines.reading.records import Records
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.features import ClassFeature
from fitfeed.schemas.manifest import Manifest, Split, read_manifest
from fitfeed.schemas.statistics import ChannelStatistics, class_weights

if TYPE_CHECKING:
    import keras


def open_dataset(path: str | os.PathLike[str]) -> "Dataset":
    """Opens a dataset that `fitfeed convert` made.

    Reads the manifest only, so it costs the same for ten examples and ten million.

    Args:
        path: The dataset's folder.

    Raises:
        NotFoundError: If there is no such folder.
        IncompleteDatasetError: If its conversion has not finished.
        UsageError: If it is no dataset.
        DamagedDatasetError: If its manifest is not what was published.

    Example:
        >>> dataset = open_dataset("flowers")
        >>> dataset.class_names
        ['daisy', 'rose']
        >>> dataset.records("train")[0]["image"].shape
        (333, 500, 3)
    """
    folder = Path(path)
    return Dataset(folder, read_manifest(folder))


class Dataset:
    """What a dataset holds. Immutable but for `skipped`, thread-safe, picklable.

    Attributes:
        path: Its folder.
        manifest: All that is known about it.
    """

    def __init__(self, path: Path, manifest: Manifest) -> None:
        """Use `open_dataset`."""
        self.path = path
        self.manifest = manifest
        self._records = {name: Records(path, manifest, name) for name in manifest.splits}
        self._skipped = {name: Skipped(name) for name in manifest.splits}

    def __repr__(self) -> str:
        """Path and splits."""
        splits = ", ".join(f"{name}: {split.examples}" for name, split in self.splits.items())
        return f"Dataset({str(self.path)!r}, {{{splits}}})"

    @property
    def splits(self) -> dict[str, Split]:
        """Name to split; each has `examples`, `shards`, `class_counts` and more."""
        return self.manifest.splits

    @property
    def class_names(self) -> list[str]:
        """Label i is `class_names[i]`. Of the first label that has classes; empty if none has."""
        return self.manifest.class_names

    @cached_property
    def statistics(self) -> ChannelStatistics:
        """Per channel, of the training split's pixels as stored, in the range 0..255, or 0..65535 for 16 bits.

        Has `mean`, `std`, `min`, `max`, `percentile(p)` and `histogram`.
        """
        return self.manifest.statistics.exact

    @property
    def class_weight(self) -> dict[int, float]:
        """Label to weight, for `fit(class_weight=...)`: every class of the training split counts equally.

        Raises:
            UsageError: If no label has classes.
        """
        if not self.class_names:
            kinds = ", ".join(f"{name} ({kind})" for name, kind in self.manifest.features.label_kinds.items())
            msg = f"{self.path} has no label with classes to weigh, only: {kinds or 'none'}."
            raise UsageError(msg)
        return class_weights(self.splits[self.manifest.statistics.split].class_counts)

    @property
    def skipped(self) -> dict[str, int]:
        """Split to number of different examples that `make_pipeline(on_error="skip")` has left out.

        Of all pipelines of this object; an example that is left out in each epoch counts once. A
        pickled copy counts for itself.
        """
        return {name: len(skipped) for name, skipped in self._skipped.items()}

    def skipping(self, split: str) -> Skipped:
        """Where to note what is left out of a split."""
        return self._skipped[split]

    def normalization(self, kind: NormalizeKind) -> "keras.layers.Normalization":
        """A Keras layer that normalises as `make_pipeline(normalize=kind)` does.

        For models that should take images as stored, on the device or once deployed. It is a built-in
        layer, so a saved model that contains it loads without fitfeed.

        Args:
            kind: "zscore" ((x - mean) / std), "minmax" (0..1 by stored min and max), "unit"
                (x / 255, or / 65535 for 16 bits) or "symmetric" (-1..1), each per channel. A channel whose pixels are all
                equal has no spread to divide by: it becomes 0, with a warning.

        Returns:
            A layer from (..., channels), values as stored, of any dtype, to floats of the same shape.

        Raises:
            UsageError: If there is no such kind.
        """
        return keras_layer(kind, self.statistics)

    def records(self, split: str) -> Records:
        """Random access to a split, without TensorFlow.

        Args:
            split: One of `splits`.

        Raises:
            UsageError: If there is no such split.
        """
        if split not in self._records:
            names = ", ".join(repr(name) for name in self.splits)
            msg = f"{self.path} has no such split. Received: split={split!r}. Use one of: {names}."
            raise UsageError(msg)
        return self._records[split]

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles path and manifest; the copy opens its own files."""
        return Dataset, (self.path, self.manifest)


def class_labels(dataset: Dataset, records: Records) -> npt.NDArray[np.int64]:
    """The class of each example: int64 (examples,), of the label that `class_names` is about.

    Raises:
        UsageError: If no label gives each image one class.
    """
    labels = dataset.manifest.features.classes
    if labels is None or not isinstance(labels[1], ClassFeature):
        kinds = ", ".join(f"{name}:{kind}" for name, kind in dataset.manifest.features.label_kinds.items())
        msg = f"balance='class' needs a label that gives each image one class. The dataset has {kinds or 'no labels'}."
        raise UsageError(msg)
    column: npt.NDArray[np.int64] = records.index.labels[labels[0]]
    return column
