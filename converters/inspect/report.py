"""The report of `fitfeed inspect` on a file of another program, and the summaries of values in it.

A summary holds a limited number of values, for files of any size.
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from fitfeed.schemas import magic
from fitfeed.schemas.strict_json import Json, JsonObject

PNG_COLOR_TYPE = 25
"""Byte of the color type in a PNG. It is in the header chunk, which is always first (PNG 1.2, section 4.1.1)."""

DISTINCT_LIMIT = 1000
"""Distinct values are counted up to this number. A feature with more of them is not a class label."""

SHORT_BYTES = 64
"""Longest bytes values that may be names. Their distinct values are counted."""


@dataclasses.dataclass(frozen=True)
class Span:
    """The smallest and the largest of some numbers."""

    min: int | float
    max: int | float

    def __str__(self) -> str:
        """For example `3` or `3..17`."""
        return f"{self.min:g}" if self.min == self.max else f"{self.min:,}..{self.max:,}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class ForeignFeature:
    """One feature of a TFRecord, or one object of an HDF5 file.

    Attributes:
        name: Its key, or its path inside the HDF5 file.
        role: `feature` of an Example, `context` or `sequence` of a SequenceExample, `dataset` or
            `link` of an HDF5 file.
        dtype: `string`, `float32`, `int64`, `mixed` or `empty`; for HDF5 as NumPy writes it.
        shape: Shape in one record (TFRecord) or of the whole (HDF5); None for a side that differs or may grow.
        present: Number of records that have it (TFRecord).
        length: Values per record (TFRecord), or per step of a sequence.
        steps: Steps per record of a sequence.
        size: Bytes per value of a bytes feature.
        images: Values that begin like an image, by format.
        channels: 1 if all are gray PNG, such as masks.
        values: Range of the finite numbers.
        distinct: Number of distinct values, `DISTINCT_LIMIT + 1` for more; None if they are not counted.
        note: What else a reader should know.
    """

    name: str
    role: Literal["feature", "context", "sequence", "dataset", "link"]
    dtype: str
    shape: tuple[int | None, ...] = ()
    present: int | None = None
    length: Span | None = None
    steps: Span | None = None
    size: Span | None = None
    images: dict[str, int] = dataclasses.field(default_factory=dict)
    channels: int | None = None
    values: Span | None = None
    distinct: int | None = None
    note: str | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class ForeignReport:
    """What is in a file.

    Attributes:
        format: Container.
        compression: Compression of the whole file. HDF5 compresses inside the file, dataset by dataset.
        content: `tf.train.Example`, `tf.train.SequenceExample`, `bytes` (neither of them) or `hdf5`.
        bytes: Size of the file.
        left_out: What was not read, or not parsed, because it is too large; of HDF5 it is said of each object.
        records: Number of records (TFRecord).
        record_bytes: Bytes per record (TFRecord).
        features: In the order of their names.
        parser: Python that reads the file, ready to paste.
    """

    format: Literal["tfrecord", "hdf5"]
    compression: Literal["none", "gzip", "zlib"]
    content: str
    bytes: int
    left_out: str | None = None
    records: int | None = None
    record_bytes: Span | None = None
    features: tuple[ForeignFeature, ...]
    parser: str

    def to_dict(self) -> JsonObject:
        """The report as JSON. What does not apply is left out."""
        features = [
            {"distinct_is_at_least": True, **_known(feature)}
            if (feature["distinct"] or 0) > DISTINCT_LIMIT
            else _known(feature)
            for feature in map(dataclasses.asdict, self.features)
        ]
        return _known(dataclasses.asdict(self)) | {"features": features}


def _known(fields: Mapping[str, Any]) -> dict[str, Json]:
    return {name: value for name, value in fields.items() if value is not None and value != {}}


class RunningSpan:
    """Keeps the smallest and the largest number."""

    def __init__(self) -> None:
        """Starts without a number."""
        self._min, self._max = math.inf, -math.inf

    def add(self, low: float, high: float | None = None) -> None:
        """Adds a number, or the smallest and largest of several."""
        self._min = min(self._min, low)
        self._max = max(self._max, low if high is None else high)

    def span(self) -> Span | None:
        """The smallest and the largest number; None before the first one."""
        return None if self._min > self._max else Span(self._min, self._max)


class Numbers:
    """Sums up numbers: their range and distinct values."""

    def __init__(self) -> None:
        """Starts empty."""
        self._range = RunningSpan()
        self._distinct: set[float] = set()
        self.not_finite = 0

    def add(self, values: npt.NDArray[Any]) -> None:
        """Adds an array of integers or floats, of any shape."""
        finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values.ravel()
        self.not_finite += values.size - finite.size
        if finite.size == 0:
            return
        self._range.add(finite.min().item(), finite.max().item())
        if len(self._distinct) <= DISTINCT_LIMIT:
            self._distinct.update(np.unique(finite)[: DISTINCT_LIMIT + 1].tolist())

    @property
    def span(self) -> Span | None:
        """The smallest and the largest finite value."""
        return self._range.span()

    @property
    def distinct(self) -> int:
        """Number of distinct values, at most `DISTINCT_LIMIT + 1`."""
        return min(len(self._distinct), DISTINCT_LIMIT + 1)


class ByteStrings:
    """Sums up byte strings: their sizes, image formats and distinct values."""

    def __init__(self) -> None:
        """Starts empty."""
        self._size = RunningSpan()
        self._distinct: set[bytes] = set()
        self._all_short = True
        self.images: dict[str, int] = {}
        self._gray = 0
        self.count = 0

    def add(self, value: bytes) -> None:
        """Adds one value."""
        self.count += 1
        self._size.add(len(value))
        image = image_format(value)
        if image is not None:
            self.images[image] = self.images.get(image, 0) + 1
            self._gray += image == "png" and value[PNG_COLOR_TYPE : PNG_COLOR_TYPE + 1] == b"\0"
        if len(value) > SHORT_BYTES:
            self._all_short = False
            self._distinct.clear()
        elif self._all_short and len(self._distinct) <= DISTINCT_LIMIT:
            self._distinct.add(value)

    @property
    def channels(self) -> int | None:
        """1 if all values are gray PNG without alpha, else None."""
        return 1 if self.count and self._gray == self.count else None

    @property
    def size(self) -> Span | None:
        """Bytes per value."""
        return self._size.span()

    @property
    def distinct(self) -> int | None:
        """Number of distinct values, at most `DISTINCT_LIMIT + 1`; None unless all are short."""
        return len(self._distinct) if self._all_short and self.count else None


def image_format(value: bytes) -> str | None:
    """The image format that a value begins like; None if it is not an image."""
    if value.startswith(magic.RIFF) and value[8:12] == b"WEBP":
        return "webp"
    if value.startswith(magic.BMP):  # two letters prove little, but the size of the file comes next
        return "bmp" if int.from_bytes(value[2:6], "little") == len(value) else None
    if value[4:8] == b"ftyp":
        return "avif" if value[8:12] in (b"avif", b"avis") else "heic" if value[8:11] == b"hei" else None
    return next((name for starts, name in _IMAGE_STARTS if value.startswith(starts)), None)


_IMAGE_STARTS: list[tuple[bytes | tuple[bytes, ...], str]] = [
    (magic.JPEG, "jpeg"),
    (magic.PNG, "png"),
    (magic.GIF, "gif"),
    (magic.TIFF, "tiff"),
    (magic.JPEG_XL, "jxl"),
]
