"""Sums up the records of a TFRecord file: which messages they are, and the features of these.

An Example is read as a SequenceExample, whose `context` is the Example's `features`.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

import numpy as np
from google.protobuf.message import DecodeError

from fitfeed.converters.example_proto import SequenceExample
from fitfeed.converters.inspect.byte_budget import FEATURE_BYTES, RECORD_BYTES, VALUE_BYTES, ByteBudget
from fitfeed.converters.inspect.decompress import Compression
from fitfeed.converters.inspect.limits import MIB, Limits
from fitfeed.converters.inspect.names import decoded_name
from fitfeed.converters.inspect.raw_pixels import PixelsScan, is_side
from fitfeed.converters.inspect.reader.record_facts import RecordFacts
from fitfeed.converters.inspect.record_fields import has_many_fields
from fitfeed.converters.inspect.report import ForeignFeature, Span
from fitfeed.converters.inspect.summaries import ByteStrings, Numbers, RunningSpan
from fitfeed.schemas.tfrecord import FramedRecord

LONG_BYTES = 2 * MIB
"""Fields of longer records are counted before they are parsed."""

RECORD = "(record)"
"""Name of the feature that is the whole record, if that is not a message that we know."""

Role = Literal["feature", "context", "sequence"]


class ExampleScan:
    """Sums up records.

    Attributes:
        records: How many there were.
        empty: How many were an Example without a feature.
        names: How many different names of features there were; not all are listed if they are more than the limit.
    """

    def __init__(self, limits: Limits, budget: ByteBudget) -> None:
        """Starts with no record.

        Args:
            limits: How much is parsed and listed.
            budget: Counts what takes time beside bytes.
        """
        self.records = self.empty = 0
        self._limits, self._budget = limits, budget
        self._unparsed = 0
        self._unknown = ByteStrings()
        self._has_sequences = False
        self._features: dict[tuple[Role, bytes], _FeatureScan] = {}
        self._left_out_names: set[int] = set()
        self._pixels = PixelsScan()

    def add(self, record: FramedRecord) -> None:
        """Adds a record."""
        self.records += 1
        self._budget.spend(RECORD_BYTES)
        if len(record.data) < record.length or self._takes_much(record.data):
            self._unparsed += 1
            return
        message = SequenceExample()
        try:
            message.ParseFromString(record.data)
        except DecodeError:
            self._unknown.add(record.data)
            return
        single, sequences = message.context.feature, message.feature_lists.feature_list
        if not single and not sequences:
            self._add_empty(record.data)
        self._has_sequences |= bool(sequences)
        self._add_all("context", {entry.key: [entry.value] for entry in single})
        self._add_all("sequence", {entry.key: entry.value.feature for entry in sequences})
        if single and not sequences:
            self._pixels.add(*_lengths_and_sides(single))

    def _takes_much(self, data: bytes) -> bool:
        return (
            len(data) > LONG_BYTES
            and data[:1] in (b"\n", b"\x12")  # the first field of an Example or SequenceExample
            and has_many_fields(data, self._limits.fields)
        )

    def _add_empty(self, data: bytes) -> None:
        """An Example without a feature has no byte, or says that it has `features` of none."""
        if data in (b"", b"\n\0"):
            self.empty += 1
        else:
            self._unknown.add(data)

    def _add_all(self, role: Role, features: Mapping[bytes, Iterable[Any]]) -> None:
        for name, steps in features.items():
            self._budget.spend(FEATURE_BYTES)
            scan = self._features.get((role, name))
            if scan is None:
                if len(self._features) == self._limits.features:
                    self._leave_out(name)
                    continue
                scan = self._features[role, name] = _FeatureScan()
            self._budget.spend(VALUE_BYTES * scan.add(steps))

    def _leave_out(self, name: bytes) -> None:
        if len(self._left_out_names) < MAX_LEFT_OUT:
            self._left_out_names.add(hash(name))

    def left_out(self) -> Iterator[str]:
        """What was not parsed or is not listed."""
        if self._unparsed:
            yield f"{self._unparsed:,} records were not parsed: they have more than {self._limits.at_once >> 20} MiB, or {self._limits.fields:,} fields"
        if self._left_out_names:
            more = len(self._left_out_names)
            least = "at least " if more == MAX_LEFT_OUT else ""
            yield f"{least}{len(self._features) + more:,} different feature names, the first {len(self._features):,} are listed"

    def facts(self, compression: Compression) -> RecordFacts:
        """What code that reads the records must know beside their features."""
        return RecordFacts(compression, self.content, self.records, self.empty, bool(self._left_out_names))

    @property
    def content(self) -> str:
        """The message that all records are; `bytes` if they are none."""
        if self._unknown.count or self.records == self._unparsed:
            return "bytes"
        return "tf.train.SequenceExample" if self._has_sequences else "tf.train.Example"

    def features(self) -> tuple[ForeignFeature, ...]:
        """All features, in the order of their names."""
        whole = self.records - self.empty
        found = [
            scan.feature(name, role if self._has_sequences else "feature", whole)
            for (role, name), scan in sorted(self._features.items())
        ]
        if not self._has_sequences and not self._unknown.count:
            found = [self._with_pixels(feature) for feature in found]
        if self._unknown.count:
            found.append(self._unknown_feature())
        return tuple(found)

    def _with_pixels(self, feature: ForeignFeature) -> ForeignFeature:
        pixels = self._pixels.content(feature.name)
        if feature.content is None and feature.shape == () and not feature.images and pixels is not None:
            return dataclasses.replace(feature, content=pixels)
        return feature

    def _unknown_feature(self) -> ForeignFeature:
        unknown = self._unknown
        is_all = unknown.count == self.records
        note = (
            None
            if is_all and unknown.content
            else f"{unknown.count:,} of {self.records:,} records are not a tf.train.Example"
        )
        return ForeignFeature(
            name=RECORD,
            role="feature",
            dtype="string",
            present=unknown.count,
            size=unknown.size,
            images=dict(unknown.images),
            content=unknown.content if is_all else None,
            note=note,
        )


MAX_LEFT_OUT = 1_000_000
"""Names that are counted and not listed."""


def _lengths_and_sides(entries: Iterable[Any]) -> tuple[dict[str, int], dict[str, list[int]]]:
    lengths, numbers = {}, {}
    for entry in entries:
        kind = entry.value.WhichOneof("kind")
        name = entry.key.decode("utf-8", "backslashreplace")
        if kind == "bytes_list" and len(entry.value.bytes_list.value) == 1:
            lengths[name] = len(entry.value.bytes_list.value[0])
        elif kind == "int64_list" and 1 <= len(entry.value.int64_list.value) <= 3 and is_side(name):
            numbers[name] = list(entry.value.int64_list.value)
    return lengths, numbers


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
            How many steps and strings they have together; eight numbers count as one.
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
            strings += len(values) if kind == "bytes_list" else len(values) // 8
        self._steps.add(count)
        self._present += present
        return count + strings

    def _add_values(self, kind: str, values: Any) -> None:
        if kind != "bytes_list":
            self._numbers.add_list(values, np.float32 if kind == "float_list" else np.int64)
            return
        for value in values:
            self._strings.add(value)

    def feature(self, name: bytes, role: Role, records: int) -> ForeignFeature:
        length = self._length.span()
        dtype = _DTYPES[min(self._kinds)] if len(self._kinds) == 1 else "mixed" if self._kinds else "empty"
        text, literal = decoded_name(name)
        is_string, is_number = dtype == "string", dtype in ("int64", "float32")
        summary = ForeignFeature(
            name=text,
            literal=literal,
            role=role,
            dtype=dtype,
            shape=_shape(length, always=self._present == records or role == "sequence"),
            present=self._present,
            length=length,
            steps=self._steps.span() if role == "sequence" else None,
            size=self._strings.size,
            images=dict(self._strings.images),
            content=self._strings.content if is_string else None,
            values=self._numbers.span,
            distinct=self._strings.distinct if is_string else self._numbers.distinct if is_number else None,
            few=self._strings.few if is_string else self._numbers.few if is_number else (),
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


def _shape(length: Span | None, *, always: bool) -> tuple[int | None, ...]:
    if length is None or length.min != length.max or length.max == 0 or not always:
        return (None,)
    return () if length.max == 1 else (int(length.max),)
