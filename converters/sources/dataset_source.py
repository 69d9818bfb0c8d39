"""Reads a dataset as a source: each of its examples is a file, whose path is its key, with the labels of its index.

The dataset may be anybody's. Its indexes are compared with the manifest, byte by byte and row by row, and nothing outside
its folder is opened.
"""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fitfeed.converters.file_columns import FileColumns
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.source_file import RawPixels, SourceFile, StoredAt
from fitfeed.converters.sources.choose_files import choose_files
from fitfeed.converters.sources.examples import ExampleTable
from fitfeed.converters.sources.given_source import GivenSource
from fitfeed.converters.sources.image_lookup import TablePaths
from fitfeed.converters.sources.labeled_source import LabeledSource
from fitfeed.converters.sources.listing import Listing
from fitfeed.converters.sources.open_folder import open_folder
from fitfeed.converters.sources.source_options import SourceOptions
from fitfeed.converters.sources.split_lists import SplitLists, divide_by_lists, require_lists_alone
from fitfeed.converters.sources.tfds_folder import TfdsFolder, open_tfds_folder
from fitfeed.converters.sources.tfds_json import is_tfds_folder
from fitfeed.schemas.categories import Categories
from fitfeed.schemas.checked_index import open_checked_index
from fitfeed.schemas.class_order import ClassOrder, natural_order, sort_classes
from fitfeed.schemas.errors import DamagedDatasetError, UsageError
from fitfeed.schemas.features import (
    ClassFeature,
    FloatsFeature,
    ImageFeature,
    LabelFeature,
    MulticlassFeature,
    PlannedLabel,
)
from fitfeed.schemas.index import Index
from fitfeed.schemas.index_columns import MaskColumn
from fitfeed.schemas.index_labels import classes_at, floats_at
from fitfeed.schemas.manifest import MANIFEST_NAME, Manifest, read_as_one, read_manifest
from fitfeed.schemas.storage.failures import failures_named
from fitfeed.schemas.storage.many import for_each
from fitfeed.schemas.storage.open_place import GivenPath, open_place
from fitfeed.schemas.storage.place import Place
from fitfeed.schemas.text import short_repr


def is_dataset(source: GivenPath) -> bool:
    """Whether a folder has the manifest and the index of a dataset. Other programs write a `manifest.json`, too."""
    return open_place(source, "SOURCE").choose(local=_is_local_dataset, far=_is_far_dataset)


def _is_local_dataset(folder: Path) -> bool:
    return (folder / MANIFEST_NAME).is_file() and any(folder.glob("*.index.arrow"))


def _is_far_dataset(place: Place) -> bool:
    try:
        place.find(MANIFEST_NAME)
        return any(found.name.endswith(".index.arrow") for found in place.files())
    except OSError:  # listing it will say what is wrong
        return False


def kept_options(sources: Sequence[GivenSource], given: dict[str, object]) -> dict[str, object]:
    """The options that datasets decide unless they are given: channels and bits of their images.

    Otherwise an image of 16 bits would lose half of them, and nobody has asked for it.

    Args:
        sources: All sources. If they differ, or one of them is not a dataset, nothing is decided.
        given: The options that the user gave, by name.
    """
    images = [image for source in sources if (image := _stored_images(source.path)) is not None]
    if len(images) < len(sources):
        return {}
    kept: dict[str, object] = {}
    if len({image.channels for image in images}) == 1:
        kept["channels"] = images[0].channels
    needs_8_bits = given.get("encoding") == "jpeg" or given.get("color") == "srgb"
    if len({image.depth for image in images}) == 1 and not needs_8_bits:
        kept["depth"] = images[0].depth
    return kept


def _stored_images(source: Place) -> ImageFeature | TfdsFolder | None:
    """What a dataset says of its images; None if it is not one."""
    if is_dataset(source):
        return read_manifest(source).features.image
    return open_tfds_folder(source) if is_tfds_folder(source) else None


class StoredPart(NamedTuple):
    """The examples of a split.

    Attributes:
        split: Its name.
        files: The examples as files.
        labels: Their labels, by name, as in `ExampleTable`.
        lost_profiles: How many of them had a color profile, and were encoded anew.
    """

    split: str
    files: list[SourceFile]
    labels: dict[str, list[Any]]
    lost_profiles: int = 0


def read_dataset(given: GivenPath, options: ConvertOptions, reading: SourceOptions) -> LabeledSource:
    """Reads the examples of a dataset. Their payloads are not read yet.

    Args:
        given: The dataset.
        options: Which examples are taken, and which of its labels is a group.
        reading: What else is said of it.

    Raises:
        UsageError: If it is said where labels and splits come from: a dataset has them.
        DamagedDatasetError, FormatVersionError: If it cannot be read, or is not what was published.
    """
    source = open_place(given, "SOURCE")
    require_no_labels(source, options, reading)

    def read(manifest: Manifest) -> tuple[Manifest, list[StoredPart]]:
        return manifest, [_read_split(source, manifest, name) for name in manifest.splits]

    with failures_named("cannot read SOURCE", source, UsageError):
        manifest, parts = read_as_one(source, read)
    found = labeled_examples(source, parts, manifest.features.labels, options, reading, _raw_pixels(manifest))
    return found._replace(warnings=[*found.warnings, *_lost_profiles(source, manifest, parts, options)])


def labeled_examples(
    source: Place,
    parts: Sequence[StoredPart],
    features: Mapping[str, LabelFeature],
    options: ConvertOptions,
    reading: SourceOptions,
    raw: RawPixels | None = None,
) -> LabeledSource:
    """Makes a table of the examples of a dataset.

    Args:
        source: The dataset.
        parts: Its splits.
        features: All its labels.
        options: Which examples are taken, and which of its labels is a group.
        reading: What else is said of it.
        raw: How its images are stored, if they are plain pixels.

    Raises:
        UsageError: If no example is left, a group is not a label, or a list is not as it must be.
        DamagedDatasetError: If two examples have the same key.
    """
    files = list(itertools.chain.from_iterable(part.files for part in parts))
    labels: dict[str, Sequence[Any]] = {
        name: list(itertools.chain.from_iterable(part.labels[name] for part in parts)) for name in features
    }
    _require_unique(source, files)
    taken = {} if reading.labels == "none" else features
    columns = FileColumns.of(files)
    example_table = ExampleTable(
        files=columns,
        labels={name: labels[name] for name in taken},
        features={name: _planned(feature, labels[name], options) for name, feature in taken.items()},
        splits=Categories(
            [part.split for part in parts],
            np.repeat(np.arange(len(parts)), [len(part.files) for part in parts]),
        ),
        groups=_groups(source, features, labels, options),
    )
    links = open_folder(source)
    listing, warnings = choose_files(Listing(columns, [], [], links), options)
    kept = set(listing.files)
    example_table = example_table.without({place for place, file in enumerate(files) if file not in kept})
    found = LabeledSource(source, "dataset", links, example_table, [], listing.ignored, warnings, raw)
    return _with_lists(found, TablePaths(links), reading.split_lists) if reading.split_lists else found


def _with_lists(found: LabeledSource, paths: TablePaths, lists: SplitLists) -> LabeledSource:
    """Gives each example the split of the list that names it, instead of the one that it had."""
    divided = divide_by_lists(found.example_table, found.example_table.files, paths, lists)
    return found._replace(
        example_table=divided.example_table,
        rejects=divided.rejects,
        ignored=[*found.ignored, *divided.left_out],
        warnings=[*found.warnings, *divided.warnings],
    )


def _read_split(source: Place, manifest: Manifest, split: str) -> StoredPart:
    index = open_checked_index(source, manifest, split, whole=True)
    index.require_valid()
    shards = manifest.splits[split].shards
    states = for_each(source, lambda shard: shard_state(source, shard.file), shards)
    of_shard = index.shard.tolist()
    keys: list[str] = index.columns()["key"].to_pylist()

    def stored(paths: Sequence[str], place: Index | MaskColumn) -> list[SourceFile]:
        rows = zip(
            *(paths, place.length.tolist(), of_shard, place.offset.tolist(), place.crc32c.tolist()),
            strict=True,
        )
        return [
            stored_example(path, length, states[shard], StoredAt(shards[shard].file, offset, crc32c))
            for path, length, shard, offset, crc32c in rows
        ]

    labels = {}
    for name, feature in manifest.features.labels.items():
        column = index.labels[name]
        if isinstance(column, MaskColumn):
            labels[name] = stored([f"{name} of {key}" for key in keys], column)
        else:
            labels[name] = _values(source, index, name, feature)
    reencoded = index.source_bytes != index.length
    had_profile = index.profile.numbers(slice(None)) >= 0
    return StoredPart(split, stored(keys, index), labels, int((reencoded & had_profile).sum()))


class ShardState(NamedTuple):
    """The times of a shard, or in a store its ETag, as those of a `SourceFile`."""

    mtime_ns: int = 0
    ctime_ns: int = 0
    etag: str = ""


def shard_state(place: Place, file: str) -> ShardState:
    """What tells that a shard was changed; nothing if it cannot be opened, so that each of its examples says it.

    Raises:
        OSError: If the store does not answer.
    """
    return place.choose(local=lambda _: _times_of(place, file), far=lambda far: _etag_of(far, file))


def _times_of(place: Place, file: str) -> ShardState:
    try:
        found = place.find(file)
    except OSError:
        return ShardState()
    return ShardState(found.mtime_ns, found.ctime_ns)


def _etag_of(place: Place, file: str) -> ShardState:
    try:
        return ShardState(etag=place.find(file).identity)
    except (FileNotFoundError, PermissionError):
        return ShardState()


def stored_example(path: str, size: int, state: ShardState, stored: StoredAt) -> SourceFile:
    """An example as a file."""
    return SourceFile(path, size, state.mtime_ns, state.ctime_ns, state.etag, stored=stored)


def _values(source: Place, index: Index, name: str, feature: LabelFeature) -> list[Any]:
    """The values of a label that is not a mask."""
    column = index.labels[name]
    if isinstance(feature, MulticlassFeature):
        numbers = range(len(index))
        rows = (classes_at(column[row], feature, name, row, index=index.address) for row in numbers)
        return [sorted(set(row.tolist())) for row in rows]
    if isinstance(feature, FloatsFeature):
        vectors = [floats_at(column[row], feature, name, row).tolist() for row in range(len(index))]
        _require_finite(source, name, np.array(vectors, np.float64))
        return vectors
    if feature.kind == "text":
        texts: list[Any] = index.columns()[name].to_pylist()
        return texts
    if feature.kind == "float":
        _require_finite(source, name, column)
    values: list[Any] = column.tolist()
    return values


def _planned(feature: LabelFeature, values: Sequence[Any], options: ConvertOptions) -> PlannedLabel:
    """What is known of a label. Its classes keep their numbers, unless `--class-order text` asks for another order."""
    if isinstance(feature, FloatsFeature):
        return PlannedLabel(kind=feature.kind, value_names=feature.names)
    if not isinstance(feature, ClassFeature | MulticlassFeature):
        return PlannedLabel(kind=feature.kind)
    names = feature.class_names
    several = isinstance(feature, MulticlassFeature)
    used = set(itertools.chain.from_iterable(values) if several else values)
    by = natural_order(names)
    order: ClassOrder = by
    if options.class_order == "text":
        order = "text"
    elif len(used) < len(names) or sort_classes(names, by) != names:
        order = "given"
    return PlannedLabel(kind=feature.kind, class_names=names, class_order=order)


def _groups(
    source: Place,
    features: Mapping[str, LabelFeature],
    labels: Mapping[str, Sequence[Any]],
    options: ConvertOptions,
) -> list[str] | None:
    """The group of each example: a label of the dataset."""
    if options.group is None:
        return None
    usable = [name for name, feature in features.items() if feature.kind in ("class", "int", "text")]
    if options.group not in usable:
        msg = f"--group {options.group}: SOURCE {source} is a dataset, which knows nothing of images but its labels. Those that can be groups are: {', '.join(usable) or 'none'}. Give one of them, or --group-from REGEX."
        raise UsageError(msg)
    return [str(value) for value in labels[options.group]]


def require_no_labels(source: Place, options: ConvertOptions, reading: SourceOptions) -> None:
    """Checks that it is not said where labels and splits come from.

    Raises:
        UsageError: If it is: a dataset has them.
    """
    given = {
        "--labels": reading.labels not in (None, "none"),
        "--label-column": options.label_columns,
        "--path-column": options.path_column,
        "--split-column": options.split_column,
        "--label-separator": options.label_separator,
        "--mask-from": options.mask_from,
        "--split-folders": options.split_folders,
        "--class-from": options.class_from != "first",
        reading.table_format.given_flag or "": reading.table_format.given_flag,
    }
    if reading.split_lists:
        require_lists_alone(options)
    for flag, value in given.items():
        if value:
            msg = f"SOURCE {source} is a dataset, which has its labels and splits already, so it takes no {flag}. Leave it out; --split and --split-list divide its examples anew, and --labels none leaves their labels out."
            raise UsageError(msg)


def _require_unique(source: Place, files: Sequence[SourceFile]) -> None:
    """Checks that each key is one, and names one example. A forged index may have others."""
    seen: set[str] = set()
    for file in files:
        if not file.path or "\0" in file.path or file.path in seen:
            msg = f"{source} has an example with the key {short_repr(file.path)}, which is empty, is not text or occurs twice. Restore it, or convert it again from its images."
            raise DamagedDatasetError(msg)
        seen.add(file.path)


def _require_finite(source: Place, name: str, values: npt.NDArray[np.float64]) -> None:
    if not np.isfinite(values).all():
        msg = f"{source} has a value of {name!r} that is not a finite number. Restore it, or convert it again from its images."
        raise DamagedDatasetError(msg)


def _lost_profiles(
    source: Place, manifest: Manifest, parts: Sequence[StoredPart], options: ConvertOptions
) -> list[str]:
    lost = sum(part.lost_profiles for part in parts)
    if options.color != "srgb" or not lost or manifest.options.get("color") == "srgb":
        return []
    return [
        f"--color srgb cannot convert {lost} images of {source.name}, which had a color profile that is not stored with them; "
        "convert them from their files"
    ]


def _raw_pixels(manifest: Manifest) -> RawPixels | None:
    image = manifest.features.image
    height, width, channels = image.shape
    if image.encoding != "raw" or height is None or width is None:
        return None
    return RawPixels(height, width, channels, image.depth)
