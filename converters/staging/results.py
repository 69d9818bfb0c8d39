"""The result of a shard: what publication needs of it, besides its file."""

import base64
import dataclasses
import itertools
import sys
from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from pydantic import Field, TypeAdapter

from fitfeed.converters.rejects import Reject
from fitfeed.schemas.base_model import Count
from fitfeed.schemas.features import LabelKind
from fitfeed.schemas.histogram_json import HistogramJson
from fitfeed.schemas.index import DIGEST_BYTES
from fitfeed.schemas.manifest_parts import Shard
from fitfeed.schemas.strict_json import JsonObject

Words = npt.NDArray[np.uint64]
"""uint64 (examples, 2)."""

Numbers: TypeAlias = "array[int]"
"""Columns of numbers. The rows of all shards are in memory together: a number takes 8 bytes or less here, and 40 in a list."""

NUMBERS = {
    **dict.fromkeys(("length", "crc32c", "height", "width", "source_bytes", "offset"), "q"),
    **dict.fromkeys(("mean", "deviation", "source_largest"), "H"),
    "source": "h",
    **dict.fromkeys(("source_height", "source_width"), "i"),
    **dict.fromkeys(("orientation", "source_depth"), "B"),
}
"""Columns of numbers, and what an array calls their type."""

TEXTS = ("key", "path")
COUNTED = frozenset({"source_depth", "source_largest"})
"""Columns that the manifest counts, and the index does not have."""

NAMES = ("source_format", "profile")
"""Columns of texts that repeat; each text is held once."""

_TEXTS, _NULLABLE_TEXTS = TypeAdapter(list[str]), TypeAdapter(list[str | None])
_COLUMNS = TypeAdapter(dict[str, list[Any]])
_REJECTS = TypeAdapter(list[Reject])
_HISTOGRAM: TypeAdapter[HistogramJson] = TypeAdapter(HistogramJson)
_MASK_VALUES = TypeAdapter(dict[str, Annotated[list[Count], Field(min_length=256, max_length=256)]])
"""What a result must hold when it is read. `array` checks columns of numbers."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ShardTotals:
    """What a shard adds to the whole. It is small, for shards of any size.

    Attributes:
        number: Number of the shard.
        planned: Files that were planned for it.
        examples: Records in it.
        bytes: Size of its file.
        rejects: Number of rejects by reason.
        reused: Whether it had been finished before.
        milliseconds: How long reading, decoding and writing took, by step; nothing if it was finished before.
    """

    number: int
    planned: int
    examples: int
    bytes: int
    rejects: dict[str, int]
    reused: bool
    milliseconds: dict[str, int] = dataclasses.field(default_factory=dict, compare=False)


def label_columns(labels: Mapping[str, LabelKind]) -> list[str]:
    """Those of them that tell one label from another."""
    names = (
        [f"{name}_length", f"{name}_crc32c"] if kind == "mask" else [name] for name, kind in labels.items()
    )
    return list(itertools.chain(*names))


def digest_columns(labels: Mapping[str, LabelKind]) -> list[str]:
    """Columns of the index that are digests of files: of the image's, and of each mask's."""
    return ["source_digest", *(f"{name}_source_digest" for name, kind in labels.items() if kind == "mask")]


class PayloadPlace(NamedTuple):
    """The place of a payload in its shard, and the CRC-32C of its bytes."""

    offset: int
    length: int
    crc32c: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class RowColumns:
    """What the index has of a shard's examples: columns with one entry for each, in stored order.

    Attributes:
        key: Unique names.
        path: Paths below their sources, as text.
        source: Numbers of their sources in the manifest's list.
        labels: By column of the index. A label has one of its name; a mask has three: `<name>_offset`
            (once the shard is whole), `<name>_length` and `<name>_crc32c`.
        digests: By column of the index, 16 bytes for each example, one after the other: `source_digest`
            of the files that were converted, and `<name>_source_digest` of those of each mask.
        length: Bytes of the images' payloads.
        crc32c: CRC-32C of the payloads.
        height: In pixels, as stored.
        width: In pixels, as stored.
        source_bytes: Sizes of the files that were converted.
        offset: Where the payloads start in the file; empty until the shard is whole.
        mean: How bright the images as stored are: see `fitfeed.converters.images.pixel_counter`.
        deviation: How much they vary.
        orientation: EXIF orientation that was undone, 1 to 8.
        source_depth: Bits per value of the files that were converted; only counted, not in the index.
        source_largest: Largest values of those that have more than 8 bits, or 0 (see
            `fitfeed.converters.images.decode.SourceFacts`); only counted, not in the index.
        source_height: In pixels, upright, before any resizing.
        source_width: The same.
        source_format: Formats of the files that were converted.
        profile: Names of their color profiles; None where there is none.
    """

    key: list[str] = dataclasses.field(default_factory=list)
    path: list[str] = dataclasses.field(default_factory=list)
    source: Numbers = dataclasses.field(default_factory=lambda: array("h"))
    labels: dict[str, list[Any]] = dataclasses.field(default_factory=dict)
    digests: dict[str, bytearray] = dataclasses.field(default_factory=dict)
    length: Numbers = dataclasses.field(default_factory=lambda: array("q"))
    crc32c: Numbers = dataclasses.field(default_factory=lambda: array("q"))
    height: Numbers = dataclasses.field(default_factory=lambda: array("q"))
    width: Numbers = dataclasses.field(default_factory=lambda: array("q"))
    source_bytes: Numbers = dataclasses.field(default_factory=lambda: array("q"))
    offset: Numbers = dataclasses.field(default_factory=lambda: array("q"))
    mean: Numbers = dataclasses.field(default_factory=lambda: array("H"))
    deviation: Numbers = dataclasses.field(default_factory=lambda: array("H"))
    orientation: Numbers = dataclasses.field(default_factory=lambda: array("B"))
    source_depth: Numbers = dataclasses.field(default_factory=lambda: array("B"))
    source_largest: Numbers = dataclasses.field(default_factory=lambda: array("H"))
    source_height: Numbers = dataclasses.field(default_factory=lambda: array("i"))
    source_width: Numbers = dataclasses.field(default_factory=lambda: array("i"))
    source_format: list[str] = dataclasses.field(default_factory=list)
    profile: list[str | None] = dataclasses.field(default_factory=list)

    @classmethod
    def for_labels(cls, labels: Mapping[str, LabelKind]) -> "RowColumns":
        """Makes empty columns.

        Args:
            labels: Label name to kind.
        """
        return cls(
            labels={name: [] for name in label_columns(labels)},
            digests={name: bytearray() for name in digest_columns(labels)},
        )

    def with_brightness(self, mean: Numbers, deviation: Numbers) -> "RowColumns":
        """The same rows with these two columns."""
        return dataclasses.replace(self, mean=mean, deviation=deviation)

    def placed(self, offsets: Iterable[int], mask_offsets: Mapping[str, list[int]]) -> "RowColumns":
        """The same rows in a shard that is whole.

        Args:
            offsets: Where the image of each row starts.
            mask_offsets: The same for each mask, by feature name.
        """
        masks = {f"{name}_offset": column for name, column in mask_offsets.items()}
        return dataclasses.replace(self, offset=array("q", offsets), labels={**self.labels, **masks})

    def select(self, rows: Sequence[int]) -> "RowColumns":
        """Only some rows."""
        return RowColumns(
            key=[self.key[row] for row in rows],
            path=[self.path[row] for row in rows],
            source_format=[self.source_format[row] for row in rows],
            profile=[self.profile[row] for row in rows],
            labels={name: [column[row] for row in rows] for name, column in self.labels.items()},
            digests={name: _select_digests(column, rows) for name, column in self.digests.items()},
            **{
                name: array(kind, [getattr(self, name)[row] for row in rows])
                for name, kind in NUMBERS.items()
            },
        )

    def place(self, row: int, mask: str | None = None) -> PayloadPlace:
        """The place of the image of a row, or of one of its masks."""
        if mask is None:
            return PayloadPlace(self.offset[row], self.length[row], self.crc32c[row])
        return PayloadPlace(*(self.labels[f"{mask}_{part}"][row] for part in PayloadPlace._fields))

    def by_name(self) -> dict[str, Sequence[Any]]:
        """All columns by the names that they have in the index."""
        return {
            **{name: getattr(self, name) for name in (*TEXTS, *NAMES, *NUMBERS) if name not in COUNTED},
            **self.labels,
            **{name: _split_digests(column) for name, column in self.digests.items()},
        }

    def to_json(self) -> JsonObject:
        """All columns as lists; those of digests as text, 22 characters an example."""
        return {
            **{name: list(getattr(self, name)) for name in (*TEXTS, *NAMES, *NUMBERS)},
            "labels": self.labels,
            "digests": {name: _to_base64(column) for name, column in self.digests.items()},
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "RowColumns":
        """Inverse of `to_json`. A path that is equal to its key takes only a pointer.

        Raises:
            TypeError, ValueError, KeyError: If it is not what this version writes.
        """
        keys, paths = (_TEXTS.validate_python(content[name]) for name in TEXTS)
        return cls(
            key=keys,
            path=[key if key == path else path for key, path in zip(keys, paths, strict=True)],
            labels=_COLUMNS.validate_python(content["labels"]),
            digests={name: bytearray(base64.b64decode(text)) for name, text in content["digests"].items()},
            source_format=[sys.intern(name) for name in _TEXTS.validate_python(content["source_format"])],
            profile=[
                None if name is None else sys.intern(name)
                for name in _NULLABLE_TEXTS.validate_python(content["profile"])
            ],
            **{name: array(kind, content[name]) for name, kind in NUMBERS.items()},
        )


def _split_digests(column: bytes | bytearray) -> list[bytes]:
    return [bytes(column[start : start + DIGEST_BYTES]) for start in range(0, len(column), DIGEST_BYTES)]


def _select_digests(column: bytes | bytearray, rows: Sequence[int]) -> bytearray:
    return bytearray().join(column[row * DIGEST_BYTES : (row + 1) * DIGEST_BYTES] for row in rows)


def _to_base64(column: bytes | bytearray) -> str:
    return base64.b64encode(column).decode()


@dataclasses.dataclass(frozen=True, eq=False)
class HashColumns:
    """Image hashes of a shard's examples, in stored order: see `fitfeed.converters.duplicates.image_hashes`.

    Attributes:
        digests: Digests of the pixels, uint64 (examples, 2).
        hashes: Difference hashes, uint64 (examples, 2).
    """

    digests: Words
    hashes: Words

    @classmethod
    def from_bytes(cls, digests: bytes | bytearray, hashes: bytes | bytearray) -> "HashColumns":
        """Takes 16 bytes an example of each."""
        words = (np.frombuffer(bytes(column), "<u8").reshape(-1, 2) for column in (digests, hashes))
        return cls(*words)

    def select(self, rows: Sequence[int]) -> "HashColumns":
        """Only some rows."""
        chosen = list(rows)
        return HashColumns(self.digests[chosen], self.hashes[chosen])

    def to_json(self) -> dict[str, str]:
        """Both columns as text, with 22 + 22 characters for an example."""
        return {
            "digests": _to_base64(self.digests.tobytes()),
            "hashes": _to_base64(self.hashes.tobytes()),
        }

    @classmethod
    def from_json(cls, content: Mapping[str, str]) -> "HashColumns":
        """Inverse of `to_json`."""
        return cls.from_bytes(base64.b64decode(content["digests"]), base64.b64decode(content["hashes"]))


@dataclasses.dataclass(frozen=True, kw_only=True)
class ShardResult:
    """The result of a shard: all that publication needs of it, besides its file.

    Attributes:
        stamp: Stamp of the plan by which it was written: see `Job.stamps`.
        shard: Its entry in the manifest.
        rows: What the index will have of its examples.
        image_hashes: The image hashes of its examples.
        rejects: Files of the plan that are not in it.
        histogram: Of its pixels, as in the manifest (`fitfeed.schemas.histogram_json`): as numbers,
            those of 16 bits would take megabytes.
        mask_values: For each mask, how many of its pixels have each of the 256 values.
        identity: Of its file (`file_identity`): as long as that holds, its bytes need not be read again. Empty if it
            is not known.
    """

    stamp: str
    shard: Shard
    rows: RowColumns
    image_hashes: HashColumns
    rejects: list[Reject]
    histogram: Sequence[str | Sequence[int]]
    mask_values: Mapping[str, Sequence[int]] = dataclasses.field(default_factory=dict)
    identity: str = ""

    def to_json(self) -> JsonObject:
        """The result as the staging area stores it."""
        return {
            "stamp": self.stamp,
            "shard": self.shard.model_dump(),
            "rows": self.rows.to_json(),
            "image_hashes": self.image_hashes.to_json(),
            "rejects": [dataclasses.asdict(reject) for reject in self.rejects],
            "histogram": self.histogram,
            "mask_values": self.mask_values,
            "identity": self.identity,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "ShardResult":
        """Inverse of `to_json`.

        Raises:
            TypeError, ValueError, KeyError: If it is not what this version writes.
        """
        return cls(
            stamp=content["stamp"],
            shard=Shard(**content["shard"]),
            rows=RowColumns.from_json(content["rows"]),
            image_hashes=HashColumns.from_json(content["image_hashes"]),
            rejects=_REJECTS.validate_python(content["rejects"]),
            histogram=_HISTOGRAM.validate_python(content["histogram"]),
            mask_values=_MASK_VALUES.validate_python(content["mask_values"]),
            identity=content["identity"],
        )
