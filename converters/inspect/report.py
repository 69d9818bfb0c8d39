"""The report of `fitfeed inspect` on a file of another program."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

from fitfeed.schemas.strict_json import Json, JsonObject

DISTINCT_LIMIT = 1000
"""Distinct values are counted up to this number. A feature with more of them is not a class label."""

FEW = 10
"""So many distinct values are listed."""


@dataclasses.dataclass(frozen=True)
class Span:
    """The smallest and the largest of some numbers."""

    min: int | float
    max: int | float

    def __str__(self) -> str:
        """For example `3` or `3..17`. Every number is whole: `1,234,567`, `0.1`, `1e+30`."""
        return (
            number_text(self.min)
            if self.min == self.max
            else f"{number_text(self.min)}..{number_text(self.max)}"
        )


def number_text(number: float) -> str:
    """A number with all its digits."""
    return f"{number:,}" if isinstance(number, int) else repr(number)


@dataclasses.dataclass(frozen=True)
class Content:
    """What the byte strings of a feature hold, if all of them hold the same.

    Attributes:
        kind: An encoded `image`, raw `pixels`, a serialized `tensor` (tf.io.serialize_tensor) or an array as `npy`.
        dtype: Of the decoded values, as NumPy writes it.
        shape: Of one decoded value; None for a side that differs, or is not known.
        formats: Of images: `jpeg`, `png` and so on, in the order of their names.
        channels: Of images: as many as keep all of each; None if they are not known.
        is_palette: Whether images are PNG whose pixels are numbers of colors.
        sides: Of pixels: the features that have the shape, in order. One may have all of it. Of images one after another
            in one HDF5 data set: the data set of their offsets.
    """

    kind: Literal["image", "pixels", "tensor", "npy"]
    dtype: str
    shape: tuple[int | None, ...] | None = None
    formats: tuple[str, ...] = ()
    channels: int | None = None
    is_palette: bool = False
    sides: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class ForeignFeature:
    """One feature of a TFRecord, or one object of an HDF5 file, or many objects that are alike.

    Attributes:
        name: Its key, or its path inside the HDF5 file. What is not UTF-8 in it is escaped, and `literal` is given. Of
            objects that are alike, what differs is a `*`.
        role: `feature` of an Example, `context` or `sequence` of a SequenceExample, `group`, `dataset` or `link` of
            an HDF5 file.
        dtype: `string`, `float32`, `int64`, `mixed` or `empty`; for HDF5 as NumPy writes it.
        literal: The name as a Python literal, if it is not UTF-8.
        count: Number of objects that are alike.
        shape: Shape in one record (TFRecord) or of the whole (HDF5); None for a side that differs or may grow.
        present: Number of records that have it (TFRecord).
        length: Values per record (TFRecord), or per step of a sequence.
        steps: Steps per record of a sequence.
        size: Bytes per value of a bytes feature.
        images: Values that begin like an image, by format.
        content: What all byte strings hold.
        values: Range of the finite numbers.
        distinct: Number of distinct values, `DISTINCT_LIMIT + 1` for more; None if they are not counted.
        few: The distinct values, if there are at most `FEW`.
        values_read: Number of values that were read, if these are not all.
        attributes: Of an HDF5 object; long ones are shortened.
        also: Other names of the same HDF5 object.
        note: What else a reader should know.
    """

    name: str
    role: Literal["feature", "context", "sequence", "group", "dataset", "link"]
    dtype: str
    literal: str | None = None
    count: int = 1
    shape: tuple[int | None, ...] = ()
    present: int | None = None
    length: Span | None = None
    steps: Span | None = None
    size: Span | None = None
    images: dict[str, int] = dataclasses.field(default_factory=dict)
    content: Content | None = None
    values: Span | None = None
    distinct: int | None = None
    few: tuple[str | int | float, ...] = ()
    values_read: int | None = None
    attributes: dict[str, str] = dataclasses.field(default_factory=dict)
    also: tuple[str, ...] = ()
    note: str | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class ForeignReport:
    """What is in a file.

    Attributes:
        format: Container.
        compression: Compression of the whole file. HDF5 compresses inside the file, dataset by dataset.
        content: `tf.train.Example`, `tf.train.SequenceExample`, `bytes` (neither of them), `hdf5` or `matlab` (7.3).
        bytes: Size of the file.
        is_sample: Whether values, records or objects were left out, so that counts are at least so large.
        left_out: What was not read, or not parsed. Of an HDF5 data set its `values_read` or `note` says it.
        note: What else a reader should know, such as that the file is being written.
        records: Number of records (TFRecord).
        records_is_at_least: Whether there may be more.
        record_bytes: Bytes per record (TFRecord).
        empty_records: How many records are an Example without a feature.
        features: In the order of their names.
        parser: Python that reads the file, ready to paste.
    """

    format: Literal["tfrecord", "hdf5"]
    compression: Literal["none", "gzip", "zlib"]
    content: str
    bytes: int
    is_sample: bool = False
    left_out: str | None = None
    note: str | None = None
    records: int | None = None
    records_is_at_least: bool = False
    record_bytes: Span | None = None
    empty_records: int = 0
    features: tuple[ForeignFeature, ...]
    parser: str

    def to_dict(self) -> JsonObject:
        """The report as JSON. What does not apply is left out."""
        features = [
            _known(feature)
            | ({"distinct_is_at_least": True} if (feature["distinct"] or 0) > DISTINCT_LIMIT else {})
            for feature in map(dataclasses.asdict, self.features)
        ]
        return _known(dataclasses.asdict(self)) | {"features": features}


def _known(fields: Mapping[str, Any]) -> dict[str, Json]:
    """The fields that say something. The shape of a scalar is `[]`, and it does."""
    return {
        name: value
        for name, value in fields.items()
        if name == "shape" or not (value is None or value is False or value in ({}, ()))
    }
