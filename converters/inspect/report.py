"""What `fitfeed inspect` says of a file that fitfeed did not write, and how values are summed up for it.

Every summary holds a bounded number of values, whatever the size of the file.
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
"""Its place in a PNG, in the header chunk that is always first (PNG 1.2, section 4.1.1)."""

DISTINCT_LIMIT = 1000
"""Distinct values are counted up to here: above, a feature is no class label."""

SHORT_BYTES = 64
"""Bytes values up to this length may be names, so their distinct values are counted."""


@dataclasses.dataclass(frozen=True)
class Span:
    """The smallest and the largest of some numbers."""

    min: float
    max: float

    def __str__(self) -> str:
        """E.g. `3` or `3..17`."""
        return f"{self.min:g}" if self.min == self.max else f"{self.min:,}..{self.max:,}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class ForeignFeature:
    """One feature of a TFRecord, or one object of an HDF5 file.

    Attributes:
        name: Its key, or its path inside the HDF5 file.
        role: `feature` of an Example, `context` or `sequence` of a SequenceExample, `dataset` or
            `link` of an HDF5 file.
        dtype: `string`, `float32`, `int64`, `mixed` or `empty`; for HDF5 as NumPy writes it.
        shape: Of one record (TFRecord) or of the whole (HDF5); None where it differs or may grow.
        present: Records that have it (TFRecord).
        length: Values per record (TFRecord), or per step of a sequence.
        steps: Steps per record of a sequence.
        size: Bytes per value of a bytes feature.
        images: Values that begin like an image, by format.
        channels: 1 if all are grey PNG, such as masks.
        values: Finite values of numbers.
        distinct: Number of distinct values, `DISTINCT_LIMIT + 1` for more. None if not counted.
        note: What a reader should know besides.
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
        compression: Of the whole file; HDF5 compresses inside, dataset by dataset.
        content: `tf.train.Example`, `tf.train.SequenceExample`, `bytes` (no such message) or `hdf5`.
        bytes: Size of the file.
        records: Number of records (TFRecord).
        record_bytes: Bytes per record (TFRecord).
        features: In the order of their names.
        parser: Python that reads the file, ready to paste.
    """

    format: Literal["tfrecord", "hdf5"]
    compression: Literal["none", "gzip", "zlib"]
    content: str
    bytes: int
    records: int | None = None
    record_bytes: Span | None = None
    features: tuple[ForeignFeature, ...]
    parser: str

    def to_dict(self) -> JsonObject:
        """The report as JSON types; what does not apply is left out."""
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
    """The smallest and largest number so far."""

    def __init__(self) -> None:
        """Starts without a number."""
        self._min, self._max = math.inf, -math.inf

    def add(self, low: float, high: float | None = None) -> None:
        """Takes in a number, or the extremes of some."""
        self._min = min(self._min, low)
        self._max = max(self._max, low if high is None else high)

    def span(self) -> Span | None:
        """The extremes, or None before the first number."""
        return None if self._min > self._max else Span(self._min, self._max)


class Numbers:
    """Range and distinct values of numbers."""

    def __init__(self) -> None:
        """Starts empty."""
        self._range = RunningSpan()
        self._distinct: set[float] = set()
        self.not_finite = 0

    def add(self, values: npt.NDArray[Any]) -> None:
        """Takes in an array of integers or floats, of any shape."""
        finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values.ravel()
        self.not_finite += values.size - finite.size
        if finite.size == 0:
            return
        self._range.add(finite.min().item(), finite.max().item())
        if len(self._distinct) <= DISTINCT_LIMIT:
            self._distinct.update(np.unique(finite)[: DISTINCT_LIMIT + 1].tolist())

    @property
    def span(self) -> Span | None:
        """Extremes of the finite values."""
        return self._range.span()

    @property
    def distinct(self) -> int:
        """Number of distinct values, at most `DISTINCT_LIMIT + 1`."""
        return min(len(self._distinct), DISTINCT_LIMIT + 1)


class ByteStrings:
    """Sizes, image formats and distinct values of byte strings."""

    def __init__(self) -> None:
        """Starts empty."""
        self._size = RunningSpan()
        self._distinct: set[bytes] = set()
        self._all_short = True
        self.images: dict[str, int] = {}
        self._gray = 0
        self.count = 0

    def add(self, value: bytes) -> None:
        """Takes in one value."""
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
        """1 if all values are grey PNG without alpha, else None."""
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
    """Names the image format that a value begins like, or None."""
    if value.startswith(magic.RIFF) and value[8:12] == b"WEBP":
        return "webp"
    if value.startswith(magic.BMP):  # two letters prove little: the file's size stands next
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
