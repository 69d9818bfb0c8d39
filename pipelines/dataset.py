"""Opens a dataset for reading, in a folder or in an object store."""

import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fitfeed.pipelines.batches.normalize import NormalizeKind, keras_layer
from fitfeed.pipelines.batches.skipped_examples import Skipped
from fitfeed.pipelines.dataset_views import DatasetViews
from fitfeed.pipelines.reading.cache_options import cache_options
from fitfeed.pipelines.reading.dataset_files import DatasetFiles
from fitfeed.pipelines.reading.index_table import index_table
from fitfeed.pipelines.reading.joined_index import JoinedIndex
from fitfeed.pipelines.reading.records import Records
from fitfeed.pipelines.reading.traffic import Traffic
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.features import ClassFeature, Features
from fitfeed.schemas.manifest import Manifest, find_manifest
from fitfeed.schemas.manifest_line import manifest_line
from fitfeed.schemas.manifest_parts import Split
from fitfeed.schemas.statistics import ChannelStatistics, class_weights
from fitfeed.schemas.storage.open_place import open_place

if TYPE_CHECKING:
    import keras
    import pyarrow as pa


def open_dataset(
    path: str | os.PathLike[str],
    *,
    cache: str | os.PathLike[str] | None = None,
    cache_size: str | int | None = None,
) -> "Dataset":
    """Opens a dataset that `fitfeed convert` made.

    It reads only the manifest, so it costs the same for ten examples and for ten million.

    Args:
        path: The dataset's folder, or its address in an object store: "gs://bucket/flowers", "s3://...", "az://...".
        cache: A folder of this machine that keeps what is fetched, for later epochs, later runs and other processes.
            It is made if it does not exist. It is also of use for a folder on a slow network drive. None: nothing
            is kept.
        cache_size: Bytes that the folder may have, such as "100GB". None: as many as fit on its disk.

    Raises:
        NotFoundError: If there is no such folder.
        IncompleteDatasetError: If its conversion has not finished.
        UsageError: If the folder is not a dataset, or cannot be read.
        DamagedDatasetError: If its manifest is not what was published.

    Example:
        >>> dataset = open_dataset("flowers")
        >>> dataset.class_names
        ['daisy', 'rose']
        >>> dataset.records("train")[0]["image"].shape
        (333, 500, 3)
    """
    place = open_place(path, "DATASET").absolute()  # as the script may change its folder later
    options = cache_options(cache, cache_size)
    manifest, identity = find_manifest(place)
    return Dataset(DatasetFiles(place, identity, options), manifest)


class Dataset(DatasetViews):
    """An open dataset. Thread-safe and picklable. Only `skipped` and `traffic` change.

    Attributes:
        manifest: All facts about it.
    """

    def __init__(self, files: DatasetFiles, manifest: Manifest) -> None:
        """Stores files and manifest; users call `open_dataset`."""
        self._files = files
        self.manifest = manifest
        self._records: dict[tuple[str, ...], Records] = {}
        self._skipped = {name: Skipped(name) for name in manifest.splits}

    def __repr__(self) -> str:
        """Names the place, the splits, the labels and the images, on one line."""
        return f"<Dataset {manifest_line(self.address, self.manifest)}>"

    @property
    def address(self) -> str:
        """Where the dataset is: the path of its folder, or its address in a store."""
        return str(self._files.place)

    @property
    def path(self) -> Path:
        """The folder of the dataset.

        Raises:
            UsageError: If it is in a store: see `address`.
        """
        folder = self._files.place.local_folder
        if folder is None:
            msg = (
                f"{self.address} is in an object store, and has no path of this machine. Use dataset.address."
            )
            raise UsageError(msg)
        return folder

    @property
    def traffic(self) -> Traffic:
        """What was fetched so far, if the dataset is in a store or has a cache: requests, bytes, hit rate, stalls.

        All pipelines and records of this object count together. A pickled copy counts by itself.

        Example:
            >>> open_dataset("gs://bucket/flowers", cache="/tmp/cache").traffic.to_dict()
            {'requests': 1, 'bytes_fetched': 5120, 'bytes_from_cache': 0, 'hit_rate': 0.0, 'stalls': 0, 'stall_s': 0.0}
        """
        return self._files.traffic.read()

    @property
    def splits(self) -> dict[str, Split]:
        """The splits by name. Each has `examples`, `shards`, `class_counts` and more."""
        return self.manifest.splits

    @property
    def class_names(self) -> list[str]:
        """The names of the classes: label i means `class_names[i]`. Empty if no label has classes.

        If several labels have classes, these are the classes of the first one.
        """
        return self.manifest.class_names

    @cached_property
    def statistics(self) -> ChannelStatistics:
        """Statistics of the stored pixels of the training split, per channel: 0..255, or 0..65535 for 16 bits.

        They have `mean`, `std`, `min`, `max`, `percentile(p)` and `histogram`.
        """
        return self.statistics_of(self.manifest.statistics.split)

    def statistics_of(self, *splits: str) -> ChannelStatistics:
        """Statistics of the stored pixels of some splits together, exact like those of one.

        Args:
            splits: One or more of `splits`.

        Raises:
            UsageError: If there is no such split, or if they have no images.

        Example:
            >>> open_dataset("flowers").statistics_of("train", "validation").mean
            [117.2, 108.9, 96.4]
        """
        self._require_splits(splits)
        if not sum(self.splits[split].examples for split in splits):
            msg = f"{self.address} has no images in these splits. Received: splits={list(splits)}. Name one with images."
            raise UsageError(msg)
        return self.manifest.exact_statistics(splits)

    @property
    def class_weight(self) -> dict[int, float]:
        """Class number to weight, for `fit(class_weight=...)`, so that all classes count equally.

        They are those of the training split.

        Raises:
            UsageError: If no label has classes.
        """
        return self.class_weight_of(self.manifest.statistics.split)

    def class_weight_of(self, *splits: str) -> dict[int, float]:
        """Weights of the classes, as `class_weight`, for training on some splits together.

        Args:
            splits: One or more of `splits`.

        Raises:
            UsageError: If there is no such split, or no label has classes.
        """
        self._require_splits(splits)
        if not self.class_names:
            kinds = ", ".join(f"{name} ({kind})" for name, kind in self.manifest.features.label_kinds.items())
            msg = f"{self.address} has no label with classes to weigh, only: {kinds or 'none'}."
            raise UsageError(msg)
        counts = np.sum([self.splits[split].class_counts for split in splits], axis=0)
        return class_weights(counts.tolist())

    @property
    def skipped(self) -> dict[str, int]:
        """How many different examples of each split `make_pipeline(on_error="skip")` has left out.

        All pipelines of this object count together. An example that is left out in each epoch counts
        once. A pickled copy counts by itself.
        """
        return {name: len(skipped) for name, skipped in self._skipped.items()}

    def skipping(self, split: str) -> Skipped:
        """Returns the record of the examples that are left out of a split."""
        return self._skipped[split]

    def normalization(
        self, kind: NormalizeKind, statistics: str | Sequence[str] | None = None
    ) -> "keras.layers.Normalization":
        """Makes a Keras layer that normalizes as `make_pipeline(normalize=kind)` does.

        It is for models that take images as stored: on the device, or after deployment. It is a built-in
        layer, so a saved model that contains it loads without fitfeed.

        Args:
            kind: "zscore" ((x - mean) / std), "minmax" (0..1 by stored min and max), "unit"
                (x / 255, or / 65535 for 16 bits) or "symmetric" (-1..1), each per channel. A channel whose
                pixels are all equal has no spread to divide by. It becomes 0, with a warning.
            statistics: As for `make_pipeline`: the splits whose pixels count. None: the training split.

        Returns:
            A layer that takes stored values (..., channels) of any dtype, and returns floats of that shape.

        Raises:
            UsageError: If there is no such kind or split.
            MissingPackageError: An ImportError: if Keras is not installed.
        """
        return keras_layer(kind, self.statistics_for(statistics))

    def statistics_for(self, splits: str | Sequence[str] | None) -> ChannelStatistics:
        """Returns the statistics of some splits; None: those of the training split.

        Raises:
            UsageError: If there is no such split, or if they have no images.
        """
        return self.statistics if splits is None else self.statistics_of(*names_of(splits))

    def records(self, split: str | Sequence[str]) -> Records:
        """Returns random access to a split, or to several as one, without TensorFlow.

        Args:
            split: One of `splits`, or a list of them. Their examples are numbered through, in this order.

        Raises:
            UsageError: If there is no such split, or if one is named twice.
        """
        splits = names_of(split)
        self._require_splits(splits)
        if splits not in self._records:
            return self._records.setdefault(splits, Records(self._files, self.manifest, splits))
        return self._records[splits]

    def index(self, split: str | Sequence[str]) -> "pa.Table":
        """Returns the index of a split, or of several, as an Arrow table: a row for each example, in stored order.

        Columns are those of the files, which are not copied: `key`, the labels by name, `height`, `width`,
        `mean`, `deviation`, digests and more (docs/format.md says what each is), and before them `example`
        (its number), `split`, and for a label with classes `<label>_name`. `.to_pandas()` makes a data frame.

        Args:
            split: As for `records`.

        Raises:
            UsageError: If there is no such split, or if one is named twice.
            DamagedDatasetError: If an index is not what was stored.

        Example:
            >>> index = dataset.index("train")
            >>> index.filter(pc.field("label_name") == "daisy").group_by("source_format").aggregate([([], "count_all")])
        """
        records = self.records(split)
        index = records.index
        parts = index.parts if isinstance(index, JoinedIndex) else [index]
        return index_table(parts, self.manifest.features, records.splits)

    def _require_splits(self, splits: Sequence[str]) -> None:
        known = ", ".join(repr(name) for name in self.splits)
        for split in splits:
            if split not in self.splits:
                msg = f"{self.address} has no such split. Received: split={split!r}. Use one of: {known}."
                raise UsageError(msg)
        if not splits or len(set(splits)) < len(splits):
            msg = f"expected one split or more, each once. Received: {list(splits)}. Name some of: {known}."
            raise UsageError(msg)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles address and manifest. The copy opens its own files."""
        return Dataset, (self._files, self.manifest)


def names_of(split: str | Sequence[str]) -> tuple[str, ...]:
    """Returns the names of one or more splits.

    Raises:
        UsageError: If it is neither a name nor a list of names.
    """
    names: Sequence[object] = [split] if isinstance(split, str) else split
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        msg = f"expected the name of a split, or a list of names, such as 'train' or ['fold0', 'fold1']. Received: {split!r}"
        raise UsageError(msg)
    return tuple(map(str, names))


def class_labels(records: Records, features: Features) -> npt.NDArray[np.int64]:
    """Reads the class of each example, of the first label that has classes.

    Args:
        records: The examples of a split, or of several.
        features: Features of the dataset, or with one of its labels.

    Returns:
        int64 (examples,).

    Raises:
        UsageError: If no label gives each image one class.
    """
    labels = features.classes
    if labels is None or not isinstance(labels[1], ClassFeature):
        kinds = ", ".join(f"{name}:{kind}" for name, kind in features.label_kinds.items())
        msg = f"balance='class' needs a label that gives each image one class. The dataset has {kinds or 'no labels'}."
        raise UsageError(msg)
    return np.asarray(records.index.labels[labels[0]])
