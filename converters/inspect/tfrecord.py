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
from fitfeed.converters.inspect.byte_budget import (
    MAX_BYTES_AT_ONCE,
    BudgetedStream,
    BudgetSpentError,
    ByteBudget,
)
from fitfeed.converters.inspect.decompress import Compression, Inflated
from fitfeed.converters.inspect.reader_code import tfrecord_parser
from fitfeed.converters.inspect.report import ByteStrings, ForeignFeature, ForeignReport, Numbers, RunningSpan
from fitfeed.schemas.errors import DamagedDatasetError, UsageError
from fitfeed.schemas.tfrecord import (
    FOOTER_BYTES,
    HEADER_BYTES,
    CorruptRecordError,
    FramedRecord,
    walk_records,
)

MAX_FEATURES = 10_000
RECORD_VALUES = 16
"""A record takes as much time as so many strings: its header, its checksums, and a message to parse."""

RECORD = "(record)"
"""Name of the feature that is the whole record, if that is not a message that we know."""

Role = Literal["feature", "context", "sequence"]


def inspect_tfrecord(path: Path, compression: Compression) -> ForeignReport:
    """Reads a TFRecord file from end to end, and checks every checksum.

    Records of more than `MAX_BYTES_AT_ONCE` are checked, and not parsed. A compressed file that has more than its
    `ByteBudget` is read so far only. The report says both.

    Args:
        path: A TFRecord file.
        compression: Of the whole file.

    Raises:
        DamagedDatasetError: If a record is cut off or does not match its checksum.
        UsageError: If it has more than `MAX_FEATURES` different features.
    """
    size = path.stat().st_size
    scan, budget = _FileScan(), ByteBudget(size)
    for record in _records(path, compression, budget):
        values = scan.add(record)
        if compression != "none":  # else the file itself has bytes for each value
            budget.spend(0, values=values)
    features = scan.features()
    content = scan.content
    return ForeignReport(
        format="tfrecord",
        compression=compression,
        content=content,
        bytes=size,
        left_out=scan.left_out(budget),
        records=scan.records,
        record_bytes=scan.record_bytes.span(),
        features=features,
        parser=tfrecord_parser(
            path, features, compression=compression, content=content, records=scan.records
        ),
    )


def _records(path: Path, compression: Compression, budget: ByteBudget) -> Iterator[FramedRecord]:
    """The records that the budget allows."""
    good, end = 0, 0
    with path.open("rb") as file:
        stream = file if compression == "none" else cast("BinaryIO", BudgetedStream(Inflated(file), budget))
        try:
            for record in walk_records(stream, max_bytes=MAX_BYTES_AT_ONCE):
                yield record
                good, end = good + 1, record.offset + HEADER_BYTES + record.length + FOOTER_BYTES
                if budget.is_spent:
                    return
        except BudgetSpentError:
            return
        except CorruptRecordError as error:
            raise _damaged(path, str(error), good, compression) from error
        except (EOFError, zlib.error) as error:
            raise _damaged(path, f"record at byte {end}: {error}", good, compression) from error


def _damaged(path: Path, what: str, good: int, compression: Compression) -> DamagedDatasetError:
    where = "" if compression == "none" else " (counted in the decompressed data)"
    return DamagedDatasetError(
        f"{path} is damaged: {what}{where}, after {good:,} good records. Restore the file from its source."
    )


def _too_many_features() -> UsageError:
    return UsageError(
        f"its records have more than {MAX_FEATURES:,} different feature names, more than a parser can list"
    )


class _FileScan:
    """Sums up the records of a file."""

    def __init__(self) -> None:
        self.records = 0
        self.record_bytes = RunningSpan()
        self._too_long = 0
        self._unknown = ByteStrings()
        self._has_sequences = False
        self._features: dict[tuple[Role, str], _FeatureScan] = {}

    def add(self, record: FramedRecord) -> int:
        """Adds a record. Returns how many values it has that take time: strings, steps of sequences, and `RECORD_VALUES`."""
        self.records += 1
        self.record_bytes.add(record.length)
        if len(record.data) < record.length:
            self._too_long += 1
            return RECORD_VALUES
        message = SequenceExample()
        try:
            message.ParseFromString(record.data)
        except DecodeError:
            self._unknown.add(record.data)
            return RECORD_VALUES
        single, sequences = message.context.feature, message.feature_lists.feature_list
        if not single and not sequences:
            self._unknown.add(record.data)
        self._has_sequences |= bool(sequences)
        if len(single) + len(sequences) > MAX_FEATURES:
            raise _too_many_features()
        return (
            RECORD_VALUES
            + self._add_all("context", {entry.key: [entry.value] for entry in single})
            + self._add_all("sequence", {entry.key: entry.value.feature for entry in sequences})
        )

    def _add_all(self, role: Role, features: Mapping[str, Iterable[Any]]) -> int:
        count = 0
        for name, steps in features.items():
            if len(self._features) == MAX_FEATURES and (role, name) not in self._features:
                raise _too_many_features()
            count += self._features.setdefault((role, name), _FeatureScan()).add(steps)
        return count

    def left_out(self, budget: ByteBudget) -> str | None:
        """What was not read or not parsed; None if nothing."""
        notes = []
        if self._too_long:
            notes.append(
                f"{self._too_long:,} records of more than {MAX_BYTES_AT_ONCE:,} bytes were not parsed"
            )
        if budget.is_spent:
            notes.append(
                f"only the first {self.records:,} records were read: values of {budget.limit:,} bytes are enough"
            )
        return "; ".join(notes) or None

    @property
    def content(self) -> str:
        """The message that all records are; `bytes` if they are none."""
        if self._unknown.count or self.records == self._too_long:
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

    def add(self, steps: Iterable[Any]) -> int:
        """Adds the `Feature` messages of one record: one, or the steps of a sequence.

        Returns:
            How many steps and strings they have together.
        """
        count = present = strings = 0
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
            strings += len(values) if kind == "bytes_list" else 0
        self._steps.add(count)
        self._present += present
        return count + strings

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
