"""A complete dataset to which images are appended: what is in it, and which images are new."""

import dataclasses
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np

from fitfeed.converters.option_parts.values import as_written, flag_of
from fitfeed.converters.options import RECORDED_ORDER, ConvertOptions
from fitfeed.converters.planning.comparison import ComparisonProgress, compare_files
from fitfeed.converters.planning.known_sources import KnownSources
from fitfeed.converters.planning.source_listing import list_files
from fitfeed.converters.rejects import Reject, text_path
from fitfeed.converters.source_file import SHOWN_FILES, Comparison, SourceRoot
from fitfeed.converters.sources.examples import ExampleTable, in_split_order
from fitfeed.converters.sources.number_classes import renumber_classes
from fitfeed.converters.sources.splits import PlacesOfSplits
from fitfeed.converters.staging.job import AppendTarget
from fitfeed.schemas.class_order import ClassOrder, follows
from fitfeed.schemas.errors import DamagedDatasetError, UsageError
from fitfeed.schemas.features import ClassFeature, FloatsFeature, MulticlassFeature
from fitfeed.schemas.files import damaged_file
from fitfeed.schemas.index import Index
from fitfeed.schemas.index_columns import MaskColumn
from fitfeed.schemas.manifest import Manifest, read_as_one
from fitfeed.schemas.manifest_parts import File
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


class SourceRecord(NamedTuple):
    """What is known of the file from which an example was made.

    Attributes:
        bytes: Its size.
        labels: All labels but masks. A class is its name.
        split: Its split.
        source: Number of its source.
        masks: The digests of the files of its masks, in hexadecimal.
    """

    bytes: int
    labels: tuple[Any, ...]
    split: str
    source: int = 0
    masks: tuple[str, ...] = ()


class BaseDataset:
    """A complete dataset that was opened. Its index and its rejects are read and checked, but not its shards.

    Attributes:
        place: Where it is.
        manifest: Its manifest.
        indexes: Split name to index.
        rejects: The lines of its list of rejects.
    """

    def __init__(
        self, place: Place, manifest: Manifest, indexes: dict[str, Index], rejects: list[Reject]
    ) -> None:
        """Use `open_base_dataset`."""
        self.place, self.manifest, self.indexes, self.rejects = place, manifest, indexes, rejects

    @cached_property
    def known(self) -> dict[str, SourceRecord]:
        """For every example: its key to what is known of its file."""
        return {
            index.key(row): SourceRecord(
                size, self._values(index, row), split, int(index.source[row]), _mask_digests(index, row)
            )
            for split, index in self.indexes.items()
            for row, size in enumerate(index.source_bytes.tolist())
        }

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

    def _values(self, index: Index, row: int) -> tuple[Any, ...]:
        """The labels of an example but masks, as JSON: a class is its name."""
        features = self.manifest.features.labels
        named = []
        for name, column in index.labels.items():
            if isinstance(column, MaskColumn):
                continue
            label = _plain(column[row])
            names = getattr(features[name], "class_names", None)
            if names is None:
                named.append(label)
            else:
                several = isinstance(label, list)  # as in `ExampleTable.value`
                named.append(sorted(names[number] for number in label) if several else names[label])
        return tuple(named)

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
    """
    return read_as_one(place, partial(_open, place))


def _open(place: Place, manifest: Manifest) -> BaseDataset:
    _require_shards(place, manifest)
    indexes = {}
    for name, split in manifest.splits.items():
        with open_whole(place, split.index) as stream:
            address = place.address(split.index.file)
            indexes[name] = Index(address, manifest.features.label_kinds, stream=stream)
    return BaseDataset(place, manifest, indexes, read_rejects(place, manifest.rejects_file))


def _require_shards(place: Place, manifest: Manifest) -> None:
    # In a store, one request lists a thousand of them.
    listed = {found.name: found.bytes for found in place.files()} if place.is_far else {}
    for split in manifest.splits.values():
        for shard in split.shards:
            try:
                size = listed[shard.file] if shard.file in listed else place.find(shard.file).bytes
            except OSError as error:
                raise damaged_file(place.address(shard.file), error) from error
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


def select_new(
    base: BaseDataset,
    example_table: ExampleTable,
    splits: PlacesOfSplits,
    roots: Mapping[int, SourceRoot],
    known: Any | None,
    *,
    check_content: bool = False,
    progress: ComparisonProgress | None = None,
) -> tuple[PlacesOfSplits, Comparison]:
    """Leaves out the files that the dataset has already.

    A file is recognized by its key. Its source, its content, its labels and its split must not have
    changed, because an example is never replaced.

    Args:
        base: The dataset.
        example_table: All files of the source.
        splits: Split name to their places.
        roots: The sources, by number.
        known: What the dataset's `sources.arrow` knows of their files, or None.
        check_content: Whether files are read although their size and times are the known ones.
        progress: Receives the progress of reading.

    Returns:
        The places of the other files by split, with the splits of the dataset first, and how those that the dataset
        has were compared. No split is empty.

    Raises:
        UsageError: If a file has the key of an example, but another content, label or split.
    """
    new: dict[str, list[int]] = {}
    same: list[int] = []
    changed: list[str] = []
    names = [name for name, kind in example_table.kinds.items() if kind != "mask"]
    for split in base.split_order(splits):
        places = splits.get(split, np.empty(0, np.int64))
        columns = (example_table.values(name, places) for name in names)
        rows = zip(places.tolist(), example_table.files.take(places), *columns, strict=True)
        for place, file, *labels in rows:
            path = text_path(file.path)
            there = base.known.get(path)
            here = SourceRecord(file.bytes, tuple(labels), split, file.source)
            if there is None:
                new.setdefault(split, []).append(place)
            elif there[:4] != here[:4]:
                changed.append(f"  {path}: {_difference(there, here, names)}")
            else:
                same.append(place)
    comparison = compare_files(
        list_files(roots.values(), example_table, same),
        known,
        base.indexes,
        check_content=check_content,
        check_masks=True,  # nothing says which mask each example had; only its bytes do
        progress=progress,
    )
    changed += [
        f"  {path}: {'as many bytes, but others' if path in base.known else 'not what the mask of its image was'}"
        for path in comparison.changed
    ]
    if changed:
        msg = (
            f"{len(changed)} files in SOURCE have the path of an example of {base.place}, but differ from it:"
        )
        mend = "--append never changes an example. If these are other images, give them other names: a folder of their own below that of their class is enough. If they were edited, convert everything again with --overwrite instead of --append."
        raise UsageError(msg, *changed[:SHOWN_FILES], mend)
    return {split: np.array(places, np.int64) for split, places in new.items()}, comparison


def _difference(there: SourceRecord, here: SourceRecord, labels: Sequence[str]) -> str:
    names = ["bytes", *labels, "split", "source"]
    values = [(known.bytes, *known.labels, known.split, known.source) for known in (there, here)]
    parts = [f"{name} {old}, now {new}" for name, old, new in zip(names, *values, strict=True) if old != new]
    return "; ".join(parts)


def _mask_digests(index: Index, row: int) -> tuple[str, ...]:
    return tuple(digests[row].tobytes().hex() for digests in index.mask_source_digests.values())


def _plain(label: Any) -> Any:
    """A value of an index column as JSON."""
    if isinstance(label, np.ndarray):
        return label.tolist()
    return label.item() if isinstance(label, np.generic) else label


def all_rows(base: BaseDataset, listed: Iterable[Sequence[Any]]) -> list[Sequence[Any]]:
    """All files of the dataset and of the source together, for the digest in the manifest.

    Args:
        base: The dataset.
        listed: Path, size, labels and split of each file of the source.
    """
    rows: dict[str, Sequence[Any]] = {
        path: [path, file.bytes, *file.labels, file.split, *file.masks] for path, file in base.known.items()
    }
    rows |= {row[0]: row for row in listed}
    return [rows[path] for path in sorted(rows)]


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
