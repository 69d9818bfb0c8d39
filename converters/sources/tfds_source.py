"""Reads a dataset of TensorFlow Datasets as a source, without TensorFlow: its records are examples, as those of our datasets are.

An example's path, and so its key, is what TFDS calls its `tfds_id`: `beans-train.tfrecord-00000-of-00001__17`. Each shard is
read once, from end to end, since nothing but its records says where images are in it, and what their CRC-32C is. The folder may
be anybody's: both checksums of each record are compared, and nothing outside it is opened.
"""

import math
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import google_crc32c
from google.protobuf.message import DecodeError

from fitfeed.converters.example_proto import SequenceExample
from fitfeed.converters.file_columns import FileColumns
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.rejects import Reject
from fitfeed.converters.source_file import SourceFile, StoredAt
from fitfeed.converters.sources.choose_files import choose_files
from fitfeed.converters.sources.dataset_source import (
    ShardState,
    StoredPart,
    labeled_examples,
    require_no_labels,
    shard_state,
    stored_example,
)
from fitfeed.converters.sources.labeled_source import LabeledSource
from fitfeed.converters.sources.listing import Listing
from fitfeed.converters.sources.open_folder import open_folder
from fitfeed.converters.sources.source_options import SourceOptions
from fitfeed.converters.sources.tfds_folder import TfdsFolder, TfdsShard, open_tfds_folder
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.features import ClassFeature, FloatsFeature, LabelFeature, MulticlassFeature
from fitfeed.schemas.storage.failures import failures_named
from fitfeed.schemas.storage.many import for_each
from fitfeed.schemas.storage.open_file import open_file
from fitfeed.schemas.storage.open_place import GivenPath, open_place
from fitfeed.schemas.storage.place import Place
from fitfeed.schemas.text import short_repr, shortened
from fitfeed.schemas.tfrecord import (
    FOOTER_BYTES,
    HEADER_BYTES,
    CorruptRecordError,
    FramedRecord,
    read_length,
    read_record,
)

MAX_RECORD_BYTES = 1 << 30
"""A record that is longer is not one image with its labels. It is read piece by piece, and refused."""

LARGE_RECORD_BYTES = 1 << 26
"""Longer records are read one at a time: shards are read in many threads, and together they would take all memory."""

_one_large = threading.Lock()


class _ShardExamples(NamedTuple):
    """The examples of a shard.

    Attributes:
        files: The examples as files.
        labels: Their labels by name, as in `ExampleTable`.
        rejects: Examples that have no label, or one that nobody can use.
    """

    files: list[SourceFile]
    labels: dict[str, list[Any]]
    rejects: list[Reject]


class _UnusableLabelError(Exception):
    """A label that cannot be that of an example. Its text says why."""


def read_tfds_folder(given: GivenPath, options: ConvertOptions, reading: SourceOptions) -> LabeledSource:
    """Reads the examples of a dataset of TFDS.

    Args:
        given: The folder with `dataset_info.json`.
        options: Which examples are taken, and which of its labels is a group.
        reading: What else is said of it.

    Raises:
        UsageError: If it is said where labels and splits come from, its examples are not images with labels, or its
            files are not what they must be.
        DamagedDatasetError: If a shard is missing.
    """
    source = open_place(given, "SOURCE")
    require_no_labels(source, options, reading)
    folder = open_tfds_folder(source)
    if reading.labels == "none":  # then no example is rejected for one
        group = {name: label for name, label in folder.labels.items() if name == options.group}
        folder = folder._replace(labels=group)
    with failures_named("cannot read SOURCE", source, UsageError):
        read = for_each(source, lambda shard: _read_shard(source, folder, shard), folder.shards)
    rejects = [reject for examples in read for reject in examples.rejects]
    if not any(examples.files for examples in read):
        msg = f"SOURCE {source}: none of its {len(rejects)} examples has labels that can be used. {shortened(rejects[0].path)}, for example: {rejects[0].detail}. --labels none takes all, without labels."
        raise UsageError(msg)
    parts = [_part(split, folder, read) for split in dict.fromkeys(shard.split for shard in folder.shards)]
    features = {name: label.feature for name, label in folder.labels.items()}
    found = labeled_examples(source, parts, features, options, reading)
    left_out = ", ".join(map(short_repr, folder.left_out))
    warnings = [f"features of {source.name} that no label can be made of are left out: {left_out}"]
    return found._replace(
        rejects=[*found.rejects, *_chosen(source, rejects, options)],
        warnings=[*found.warnings, *(warnings if folder.left_out else [])],
    )


def _chosen(source: Place, rejects: Sequence[Reject], options: ConvertOptions) -> list[Reject]:
    """Those of examples that the options take. What they leave out may have any label, or none."""
    if not rejects:
        return []
    paths = FileColumns.of([SourceFile(reject.path, 0, 0, 0) for reject in rejects])
    try:
        listing, _ = choose_files(Listing(paths, [], [], open_folder(source)), options)
    except UsageError:  # no image is left
        return []
    kept = set(listing.files.paths)
    return [reject for reject in rejects if reject.path in kept]


def _part(split: str, folder: TfdsFolder, read: Iterable[_ShardExamples]) -> StoredPart:
    """The shards of a split, one after the other."""
    of_split = [examples for shard, examples in zip(folder.shards, read, strict=True) if shard.split == split]
    labels = {name: [value for each in of_split for value in each.labels[name]] for name in folder.labels}
    return StoredPart(split, [file for each in of_split for file in each.files], labels)


def _read_shard(source: Place, folder: TfdsFolder, shard: TfdsShard) -> _ShardExamples:
    state = shard_state(source, shard.file)
    found = _ShardExamples([], {name: [] for name in folder.labels}, [])
    number, offset = 0, 0
    with open_file(source, shard.file) as stream:
        try:
            while (length := read_length(stream, offset)) is not None:
                turn: AbstractContextManager[Any] = (
                    _one_large if length > LARGE_RECORD_BYTES else nullcontext()
                )
                with turn:
                    record = read_record(stream, offset, length, max_bytes=MAX_RECORD_BYTES)
                    _add_example(_Record(folder, shard, state, f"{shard.file}__{number}", record), found)
                    del record
                number, offset = number + 1, offset + HEADER_BYTES + length + FOOTER_BYTES
        except (CorruptRecordError, DecodeError, LookupError) as error:
            msg = f"{source.address(shard.file)} is not what TensorFlow Datasets wrote: record {number}: {error}. Restore it, or prepare the dataset again."
            raise UsageError(msg) from error
    if number != shard.examples:
        msg = f"{source.address(shard.file)} has {number} examples, and dataset_info.json says {shard.examples}. Restore it, or prepare the dataset again."
        raise UsageError(msg)
    return found


class _Record(NamedTuple):
    """A record, where it is, and what is known of all records."""

    folder: TfdsFolder
    shard: TfdsShard
    state: ShardState
    key: str
    record: FramedRecord

    def stored(self, path: str, content: bytes) -> SourceFile:
        """A bytes value of it as a file. The same bytes at an earlier place in the record do as well."""
        offset = self.record.offset + HEADER_BYTES + self.record.data.index(content)
        at = StoredAt(self.shard.file, offset, google_crc32c.value(content))
        return stored_example(path, len(content), self.state, at)


def _add_example(record: _Record, found: _ShardExamples) -> None:
    """Parses a record, and adds what it has.

    Raises:
        DecodeError, LookupError: If it is not an example with an image.
    """
    if len(record.record.data) < record.record.length:
        msg = f"it has {record.record.length} bytes"
        raise LookupError(msg)
    message = SequenceExample.FromString(record.record.data)
    values = {entry.key: entry.value for entry in message.context.feature}
    image = values.get(record.folder.image.encode())
    if image is None or len(image.bytes_list.value) != 1:
        msg = f"it has no image {record.folder.image!r}"
        raise LookupError(msg)
    try:
        labels = _labels(record, values)
    except _UnusableLabelError as error:
        found.rejects.append(Reject(record.key, "label_invalid", str(error)))
        return
    found.files.append(record.stored(record.key, image.bytes_list.value[0]))
    for name, value in labels.items():
        found.labels[name].append(value)


def _labels(record: _Record, values: Mapping[bytes, Any]) -> dict[str, Any]:
    labels = {}
    for name, label in record.folder.labels.items():
        value = values.get(label.stored.encode())
        if label.feature.kind == "mask":
            content: Sequence[bytes] = () if value is None else value.bytes_list.value
            if len(content) != 1:
                msg = f"it has no mask {name!r}"
                raise _UnusableLabelError(msg)
            labels[name] = record.stored(f"{name} of {record.key}", content[0])
        else:
            labels[name] = _value(name, label.feature, value)
    return labels


def _value(name: str, feature: LabelFeature, value: Any) -> Any:
    """The value of a label that is not a mask.

    Raises:
        _UnusableLabelError: If it is not there, or cannot be used.
    """
    if isinstance(feature, MulticlassFeature):
        numbers = [] if value is None else value.int64_list.value
        return sorted({_class_number(name, feature, number) for number in numbers})
    if value is None:
        msg = f"it has no {name!r}"
        raise _UnusableLabelError(msg)
    if isinstance(feature, ClassFeature):
        return _class_number(name, feature, _only(name, value.int64_list.value))
    if isinstance(feature, FloatsFeature):
        return [
            _finite(name, number) for number in _of_length(name, value.float_list.value, len(feature.names))
        ]
    if feature.kind == "float":
        return _finite(name, _only(name, value.float_list.value))
    if feature.kind == "int":
        return int(_only(name, value.int64_list.value))
    try:
        return _only(name, value.bytes_list.value).decode()
    except UnicodeDecodeError:
        msg = f"its {name!r} is not UTF-8"
        raise _UnusableLabelError(msg) from None


def _class_number(name: str, feature: ClassFeature | MulticlassFeature, number: int) -> int:
    classes = len(feature.class_names)
    if not 0 <= number < classes:
        none = ", which says that it has none" if number == -1 else ""
        msg = f"its {name!r} is {number}{none}; there are {classes} classes"
        raise _UnusableLabelError(msg)
    return number


def _finite(name: str, number: float) -> float:
    if not math.isfinite(number):
        msg = f"its {name!r} is {number}, not a finite number"
        raise _UnusableLabelError(msg)
    return number


def _only(name: str, values: Any) -> Any:
    return _of_length(name, values, 1)[0]


def _of_length(name: str, values: Any, length: int) -> Any:
    if len(values) != length:
        msg = f"its {name!r} has {len(values)} values instead of {length}"
        raise _UnusableLabelError(msg)
    return values
