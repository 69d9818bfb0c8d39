"""A complete dataset to which images are appended: what is in it, and which options and classes its images have."""

import dataclasses
import errno
import json
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from functools import partial
from io import BufferedReader
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fitfeed.converters.option_parts.values import as_written, flag_of
from fitfeed.converters.options import RECORDED_ORDER, ConvertOptions
from fitfeed.converters.planning.known_sources import KnownSources
from fitfeed.converters.rejects import Reject
from fitfeed.converters.sources.examples import ExampleTable, in_split_order
from fitfeed.converters.sources.number_classes import renumber_classes
from fitfeed.converters.staging.job import AppendTarget
from fitfeed.schemas.categories import Categories
from fitfeed.schemas.class_order import ClassOrder, follows
from fitfeed.schemas.errors import DamagedDatasetError, UsageError
from fitfeed.schemas.features import ClassFeature, FloatsFeature, MulticlassFeature
from fitfeed.schemas.files import RefusedFileError, damaged_file
from fitfeed.schemas.index import Index
from fitfeed.schemas.index_columns import MaskColumn
from fitfeed.schemas.index_labels import class_numbers_at, classes_at
from fitfeed.schemas.manifest import Manifest, read_as_one
from fitfeed.schemas.manifest_parts import File
from fitfeed.schemas.storage.open_file import open_file
from fitfeed.schemas.storage.place import Place
from fitfeed.schemas.whole_file import open_whole

ARRANGEMENT = ("shards", "shard_bytes")
"""Options that may differ for appended images: they only decide how many files the images fill."""

OF_A_SOURCE = (
    *("label_separator", "classes", "rename_classes", "drop_classes"),
    *("split_folders", "include", "exclude"),
)
"""Options about how a source is written: the table, its classes and its folders. What is appended may be written in another
way."""


class BaseDataset:
    """A complete dataset that was opened: its indexes and its rejects are of one manifest, whatever is published meanwhile.

    Attributes:
        place: Where it is.
        manifest: Its manifest.
        indexes: Split name to index.
        rejects: The lines of its list of rejects.
    """

    def __init__(
        self, place: Place, manifest: Manifest, indexes: dict[str, Index], rejects: list[Reject]
    ) -> None:
        """Use `open_base_dataset` or `open_to_compare`."""
        self.place, self.manifest, self.indexes, self.rejects = place, manifest, indexes, rejects

    @property
    def class_names(self) -> dict[str, list[str]]:
        """Label name to its class names, of the labels that have classes."""
        labels = self.manifest.features.labels
        return {
            name: label.class_names
            for name, label in labels.items()
            if isinstance(label, ClassFeature | MulticlassFeature)
        }

    def labels(self, index: Index, row: int) -> list[Any]:
        """The labels of an example as in the results of its shard: a class is its number, a mask its length and checksum."""
        values: list[Any] = []
        for column in index.labels.values():
            if isinstance(column, MaskColumn):
                values += [int(column.length[row]), int(column.crc32c[row])]
            else:
                values.append(_plain(column[row]))
        return values

    def column(
        self, split: str, name: str, rows: npt.NDArray[np.integer[Any]]
    ) -> Categories[str] | list[Any]:
        """A label of some examples, as `ExampleTable.column` has it of files. It is not a mask.

        Raises:
            DamagedDatasetError: If an example has a class that does not exist.
        """
        index, feature = self.indexes[split], self.manifest.features.labels[name]
        column, where = index.labels[name], index.address
        if isinstance(feature, ClassFeature):
            return Categories(feature.class_names, class_numbers_at(column, feature, name, rows, index=where))
        if isinstance(feature, MulticlassFeature):
            names = feature.class_names
            several = (
                classes_at(column[row], feature, name, row, index=where).tolist() for row in rows.tolist()
            )
            return [sorted(names[number] for number in numbers) for numbers in several]
        return [_plain(column[row]) for row in rows.tolist()]

    def has_key(self, key: str) -> bool:
        """Whether it has an example of this key."""
        wanted = pa.scalar(key, pa.large_string())
        columns = (index.valid_column("key") for index in self.indexes.values())
        return any(pc.index(column, wanted).as_py() >= 0 for column in columns)

    @property
    def sources(self) -> KnownSources:
        """The sources that it was made from."""
        return KnownSources([source.name for source in self.manifest.sources], self.indexes)

    def shards(self, split: str) -> int:
        """Number of shards of a split; 0 if the dataset does not have it."""
        return len(self.manifest.splits[split].shards) if split in self.manifest.splits else 0

    def split_order(self, found: Collection[str]) -> list[str]:
        """The splits of the dataset, and after them those that are new."""
        names = list(self.manifest.splits)
        return [*names, *in_split_order(set(found) - set(names))]

    def statistics_split(self, splits: Collection[str]) -> str:
        """Which split the statistics describe when these splits have images."""
        return "train" if "train" in splits else self.manifest.statistics.split

    def append_target(self, listed: Collection[str], source_files: int) -> AppendTarget:
        """What a job that appends to it must know.

        Args:
            listed: Paths in the source that are not examples yet.
            source_files: Number of files from which the dataset and the job are made, together.
        """
        retried = sorted({reject.path for reject in self.rejects} & set(listed))
        return AppendTarget(
            fingerprint=self.manifest.fingerprint,
            source_files=source_files,
            retried=retried,
        )


def open_base_dataset(place: Place) -> BaseDataset:
    """Opens a dataset to append to.

    Raises:
        NotFoundError, IncompleteDatasetError, UsageError: If it is not a complete dataset.
        DamagedDatasetError: If its manifest, an index or the list of rejects is not what was published, or a shard is
            missing or has another size.
        OSError: If that cannot be found out.
    """
    return read_as_one(place, partial(_open, place))


def open_to_compare(place: Place, found: tuple[Manifest, str] | None = None) -> BaseDataset:
    """Opens a dataset that a source is compared with. Its shards are not looked at, and its indexes may be damaged inside.

    Args:
        place: The dataset.
        found: Its manifest and the identity of that file, if they were read just now.

    Raises:
        NotFoundError, IncompleteDatasetError, UsageError: If it is not a complete dataset.
        DamagedDatasetError: If its manifest or the list of rejects is not what was published, or an index is missing or
            cannot be read.
        OSError: If that cannot be found out.
    """
    return read_as_one(place, partial(_open_unread, place), found=found)


def _open(place: Place, manifest: Manifest) -> BaseDataset:
    _require_shards(place, manifest)
    return _open_indexes(place, manifest, lambda entry: open_whole(place, entry))


def _open_unread(place: Place, manifest: Manifest) -> BaseDataset:
    return _open_indexes(place, manifest, lambda entry: open_file(place, entry.file))


def _open_indexes(
    place: Place, manifest: Manifest, open_: Callable[[File], AbstractContextManager[BufferedReader]]
) -> BaseDataset:
    indexes = {}
    for name, split in manifest.splits.items():
        with open_(split.index) as stream:
            address = place.address(split.index.file)
            indexes[name] = Index(address, manifest.features.label_kinds, stream=stream)
    return BaseDataset(place, manifest, indexes, read_rejects(place, manifest.rejects_file))


def _require_shards(place: Place, manifest: Manifest) -> None:
    shards = [shard for split in manifest.splits.values() for shard in split.shards]
    found = place.find_each(shard.file for shard in shards)
    for shard in shards:
        try:
            size = next(found).bytes
        except OSError as error:  # others, such as a list that may not be asked for, are no damage
            if isinstance(error, FileNotFoundError | RefusedFileError) or error.errno == errno.ELOOP:
                raise damaged_file(place.address(shard.file), error) from error
            raise
        if size != shard.bytes:
            msg = f"{place.address(shard.file)} has {size} bytes, and the manifest says {shard.bytes}. Restore it, or convert again with --overwrite."
            raise DamagedDatasetError(msg)


def read_rejects(place: Place, entry: File) -> list[Reject]:
    """Reads the list of rejects of a dataset.

    Raises:
        DamagedDatasetError: If it is not what was published.
    """
    with open_whole(place, entry) as stream:
        lines = stream.read().decode().splitlines()
    return [Reject(**json.loads(line)) for line in lines]


def join_classes(base: BaseDataset, example_table: ExampleTable) -> ExampleTable:
    """Numbers the classes of a source as in a dataset. New classes come after those of the dataset, in their order.

    So no label of the dataset changes.

    Raises:
        UsageError: If the source has other labels than the dataset.
    """
    features, labels = dict(example_table.features), dict(example_table.labels)
    if example_table.kinds != base.manifest.features.label_kinds:
        had, has = (
            ", ".join(f"{name}:{kind}" for name, kind in each.items())
            for each in (base.manifest.features.label_kinds, example_table.kinds)
        )
        msg = f"the dataset has the labels {had or 'none'}, and SOURCE has {has or 'none'}. Give the table and the columns that it was made with."
        raise UsageError(msg)
    for name, label in example_table.features.items():
        held = base.manifest.features.labels[name]
        if isinstance(held, FloatsFeature) and held.names != label.value_names:
            msg = f"the numbers of {name!r} are {', '.join(held.names)} in the dataset, and {', '.join(label.value_names)} in SOURCE. Give the same columns in the same order."
            raise UsageError(msg)
        if not label.class_names:
            continue
        if not isinstance(held, ClassFeature | MulticlassFeature):
            continue
        there = dict.fromkeys(held.class_names)
        names = list(there | dict.fromkeys(label.class_names))
        order: ClassOrder = held.class_order if follows(names, held.class_order) else "given"
        number_of = {each: number for number, each in enumerate(names)}
        renumbered = [number_of[each] for each in label.class_names]
        features[name] = dataclasses.replace(label, class_names=names, class_order=order)
        labels[name] = renumber_classes(labels[name], renumbered)
    return dataclasses.replace(example_table, features=features, labels=labels)


def _plain(label: Any) -> Any:
    """A value of an index column as JSON."""
    if isinstance(label, np.ndarray):
        return label.tolist()
    return label.item() if isinstance(label, np.generic) else label


def append_options(existing: Manifest, given: Mapping[str, Any]) -> ConvertOptions:
    """The options for images that are appended: those with which the dataset was made.

    Args:
        existing: Manifest of the dataset.
        given: Options that the user gave, by name. Those of `ARRANGEMENT` and `OF_A_SOURCE` may differ. `shards` is not
            taken from the dataset, because the same number of shards would be too many for a few images.

    Raises:
        UsageError: If one contradicts the dataset's.
    """
    try:
        inherited = ConvertOptions.from_json(existing.options)
    except (TypeError, ValueError) as error:
        msg = f"the dataset's options are not those of this fitfeed ({error}), so nothing can be appended. Convert again with --overwrite."
        raise UsageError(msg) from error
    asked = ConvertOptions.from_json({**inherited.to_json(), **given, **dict.fromkeys(ARRANGEMENT)})
    names = (name for name in RECORDED_ORDER if name not in (*ARRANGEMENT, *OF_A_SOURCE))
    wrong = [name for name in names if getattr(inherited, name) != getattr(asked, name)]
    if wrong:
        details = ", ".join(
            f"{flag_of(name)} {as_written(name, getattr(asked, name))} (it has {as_written(name, getattr(inherited, name))})"
            for name in wrong
        )
        msg = f"the dataset was made with other options: {details}. With --append leave them out, or choose another folder."
        raise UsageError(msg)
    if inherited.stratify:
        msg = "the dataset was divided with --stratify, which depends on all images together: new images would move others to another split. Convert everything again with --overwrite."
        raise UsageError(msg)
    shards, shard_bytes = (given.get(name) for name in ARRANGEMENT)
    if shards is None and shard_bytes is None:
        shard_bytes = inherited.shard_bytes
    of_source = {name: getattr(asked, name) for name in OF_A_SOURCE if given.get(name) not in (None, (), [])}
    return dataclasses.replace(inherited, shards=shards, shard_bytes=shard_bytes, **of_source)
