"""Says what is in a TFRecord file: its messages, their features, and a parser for them.

An Example is read as a SequenceExample, whose `context` is the Example's `features`.
"""

import dataclasses
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Literal, cast

import numpy as np
from google.protobuf.message import DecodeError

from fitfeed.converters.example_proto import SequenceExample
from fitfeed.converters.inspect.decompress import Compression, Inflated
from fitfeed.converters.inspect.reader_code import tfrecord_parser
from fitfeed.converters.inspect.report import ByteStrings, ForeignFeature, ForeignReport, Numbers, RunningSpan
from fitfeed.schemas.errors import DamagedDatasetError, UsageError
from fitfeed.schemas.tfrecord import CorruptRecordError, iter_records

MAX_RECORD_BYTES = 2 << 30  # 2 GiB, the most that a protobuf message can have
MAX_FEATURES = 10_000

RECORD = "(record)"
"""Name of the feature that is the whole record, if that is not a message that we know."""

Role = Literal["feature", "context", "sequence"]


def inspect_tfrecord(path: Path, compression: Compression) -> ForeignReport:
    """Reads a TFRecord file from end to end, and checks every checksum.

    Args:
        path: A TFRecord file.
        compression: Of the whole file.

    Raises:
        DamagedDatasetError: If a record is cut off or does not match its checksum.
        UsageError: If it has more than `MAX_FEATURES` different features.
    """
    scan = _FileScan()
    for record in _records(path, compression):
        scan.add(record)
    features = scan.features()
    content = scan.content
    return ForeignReport(
        format="tfrecord",
        compression=compression,
        content=content,
        bytes=path.stat().st_size,
        records=scan.records,
        record_bytes=scan.record_bytes.span(),
        features=features,
        parser=tfrecord_parser(
            path, features, compression=compression, content=content, records=scan.records
        ),
    )


def _records(path: Path, compression: Compression) -> Iterator[bytes]:
    good, end = 0, 0
    with path.open("rb") as file:
        plain = _Limited(file, file_bytes=path.stat().st_size)
        stream = cast("BinaryIO", plain if compression == "none" else _Limited(Inflated(file)))
        try:
            for offset, record in iter_records(stream):
                yield record
                good, end = good + 1, offset + len(record) + 16  # 12 bytes of header, 4 of footer
        except CorruptRecordError as error:
            raise _damaged(path, str(error), good, compression) from error
        except (EOFError, zlib.error, _TooLargeError) as error:
            raise _damaged(path, f"record at byte {end}: {error}", good, compression) from error


def _damaged(path: Path, what: str, good: int, compression: Compression) -> DamagedDatasetError:
    where = "" if compression == "none" else " (counted in the decompressed data)"
    return DamagedDatasetError(
        f"{path} is damaged: {what}{where}, after {good:,} good records. Restore the file from its source."
    )


class _TooLargeError(Exception):
    pass


class _Limited:
    """A stream that does not allocate memory for the length in a forged header."""

    def __init__(self, stream: BinaryIO | Inflated, file_bytes: int = MAX_RECORD_BYTES) -> None:
        self._stream = stream
        self._file_bytes = file_bytes

    def read(self, size: int) -> bytes:
        if size > MAX_RECORD_BYTES:
            msg = f"it claims {size} bytes, and no record may have more than {MAX_RECORD_BYTES}"
            raise _TooLargeError(msg)
        return self._stream.read(min(size, self._file_bytes))


class _FileScan:
    """Sums up the records of a file."""

    def __init__(self) -> None:
        self.records = 0
        self.record_bytes = RunningSpan()
        self._unknown = ByteStrings()
        self._has_sequences = False
        self._features: dict[tuple[Role, str], _FeatureScan] = {}

    def add(self, record: bytes) -> None:
        self.records += 1
        self.record_bytes.add(len(record))
        message = SequenceExample()
        try:
            message.ParseFromString(record)
        except DecodeError:
            self._unknown.add(record)
            return
        single = {entry.key: entry.value for entry in message.context.feature}
        sequences = {entry.key: entry.value.feature for entry in message.feature_lists.feature_list}
        if not single and not sequences:
            self._unknown.add(record)
        self._has_sequences |= bool(sequences)
        self._add_all("context", {name: [feature] for name, feature in single.items()})
        self._add_all("sequence", sequences)

    def _add_all(self, role: Role, features: Mapping[str, Iterable[Any]]) -> None:
        for name, steps in features.items():
            if len(self._features) == MAX_FEATURES and (role, name) not in self._features:
                msg = f"its records have more than {MAX_FEATURES:,} different feature names, more than a parser can list"
                raise UsageError(msg)
            self._features.setdefault((role, name), _FeatureScan()).add(steps)

    @property
    def content(self) -> str:
        """The message that all records are; `bytes` if they are none."""
        if self._unknown.count or not self.records:
            return "bytes"
        return "tf.train.SequenceExample" if self._has_sequences else "tf.train.Example"

    def features(self) -> tuple[ForeignFeature, ...]:
        found = [
            scan.feature(name, role if self._has_sequences else "feature", self.records)
            for (role, name), scan in sorted(self._features.items())
        ]
        if self._unknown.count:
            found.append(self._unknown_feature())
        return tuple(found)

    def _unknown_feature(self) -> ForeignFeature:
        return ForeignFeature(
            name=RECORD,
            role="feature",
            dtype="string",
            present=self._unknown.count,
            size=self._unknown.size,
            images=self._unknown.images,
            note=f"{self._unknown.count:,} of {self.records:,} records are not a tf.train.Example",
        )


class _FeatureScan:
    """Sums up one feature over all records."""

    def __init__(self) -> None:
        self._present = 0
        self._kinds: set[str] = set()
        self._length = RunningSpan()
        self._steps = RunningSpan()
        self._numbers = Numbers()
        self._strings = ByteStrings()

    def add(self, steps: Iterable[Any]) -> None:
        """Adds the `Feature` messages of one record: one, or the steps of a sequence."""
        count = present = 0
        for feature in steps:
            count += 1
            kind = feature.WhichOneof("kind")
            if kind is None:
                self._length.add(0)
                continue
            present = 1
            self._kinds.add(kind)
            values = getattr(feature, kind).value
            self._length.add(len(values))
            self._add_values(kind, values)
        self._steps.add(count)
        self._present += present

    def _add_values(self, kind: str, values: Any) -> None:
        if kind != "bytes_list":
            self._numbers.add(np.array(values, np.float32 if kind == "float_list" else np.int64))
            return
        for value in values:
            self._strings.add(value)

    def feature(self, name: str, role: Role, records: int) -> ForeignFeature:
        length = self._length.span()
        dtype = _DTYPES[min(self._kinds)] if len(self._kinds) == 1 else "mixed" if self._kinds else "empty"
        is_string = dtype == "string"
        summary = ForeignFeature(
            name=name,
            role=role,
            dtype=dtype,
            shape=_shape(length, always=self._present == records or role == "sequence"),
            present=self._present,
            length=length,
            steps=self._steps.span() if role == "sequence" else None,
            size=self._strings.size,
            images=self._strings.images,
            channels=self._strings.channels,
            values=self._numbers.span,
            distinct=self._strings.distinct
            if is_string
            else self._numbers.distinct
            if dtype == "int64"
            else None,
        )
        return dataclasses.replace(summary, note=self._note(summary))

    def _note(self, summary: ForeignFeature) -> str | None:
        if summary.dtype == "mixed":
            return f"has values of several types ({', '.join(sorted(_DTYPES[kind] for kind in self._kinds))})"
        if summary.dtype == "empty":
            return "has no value in any record"
        if self._numbers.not_finite:
            return f"{self._numbers.not_finite:,} values are not finite"
        images = sum(summary.images.values())
        if 0 < images < self._strings.count:
            return f"{self._strings.count - images:,} of {self._strings.count:,} values are not images"
        return None


_DTYPES = {"bytes_list": "string", "float_list": "float32", "int64_list": "int64"}


def _shape(length: Any, *, always: bool) -> tuple[int | None, ...]:
    if length is None or length.min != length.max or length.max == 0 or not always:
        return (None,)
    return () if length.max == 1 else (int(length.max),)
