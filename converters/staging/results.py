"""What came out of a shard."""

import base64
import dataclasses
import itertools
from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from fitfeed.converters.rejects import Reject
from fitfeed.schemas.features import LabelKind
from fitfeed.schemas.manifest_parts import Shard
from fitfeed.schemas.strict_json import JsonObject

Words = npt.NDArray[np.uint64]
"""uint64 (examples, 2)."""

Numbers: TypeAlias = "array[int]"
"""Of type "q". The rows of all shards are held together, and a number takes 8 bytes here, in a list 40."""

NUMBERS = ("length", "crc32c", "height", "width", "source_bytes", "offset")
TEXTS = ("key", "path")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ShardTotals:
    """What a shard adds to the whole: small, whatever the shard's size.

    Attributes:
        number: Which shard.
        planned: Files that were to go into it.
        examples: Records in it.
        bytes: Size of its file.
        rejects: Number of rejects by reason.
        reused: It was finished by an earlier run.
    """

    number: int
    planned: int
    examples: int
    bytes: int
    rejects: dict[str, int]
    reused: bool


def label_columns(labels: Mapping[str, LabelKind]) -> list[str]:
    """Those of them that tell one label from another."""
    names = (
        [f"{name}_length", f"{name}_crc32c"] if kind == "mask" else [name] for name, kind in labels.items()
    )
    return list(itertools.chain(*names))


class PayloadPlace(NamedTuple):
    """Where a payload is in its shard, and the CRC-32C of its bytes."""

    offset: int
    length: int
    crc32c: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class RowColumns:
    """What the index says of a shard's examples: columns with one entry for each, in stored order.

    Attributes:
        key: Unique names.
        path: Source paths as text.
        labels: By column of the index. A label has one of its name; a mask has three: `<name>_offset`
            (once the shard is whole), `<name>_length` and `<name>_crc32c`.
        length: Bytes of the images' payloads.
        crc32c: CRC-32C of the payloads.
        height: In pixels, as stored.
        width: In pixels, as stored.
        source_bytes: Sizes of the files that were converted.
        offset: Where the payloads start in the file; empty until the shard is whole.
    """

    key: list[str] = dataclasses.field(default_factory=list)
    path: list[str] = dataclasses.field(default_factory=list)
    labels: dict[str, list[Any]] = dataclasses.field(default_factory=dict)
    length: Numbers = dataclasses.field(default_factory=lambda: array("q"))
    crc32c: Numbers = dataclasses.field(default_factory=lambda: array("q"))
    height: Numbers = dataclasses.field(default_factory=lambda: array("q"))
    width: Numbers = dataclasses.field(default_factory=lambda: array("q"))
    source_bytes: Numbers = dataclasses.field(default_factory=lambda: array("q"))
    offset: Numbers = dataclasses.field(default_factory=lambda: array("q"))

    @classmethod
    def for_labels(cls, labels: Mapping[str, LabelKind]) -> "RowColumns":
        """No rows yet, to be filled.

        Args:
            labels: Label name to kind.
        """
        return cls(labels={name: [] for name in label_columns(labels)})

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
            labels={name: [column[row] for row in rows] for name, column in self.labels.items()},
            **{name: array("q", [getattr(self, name)[row] for row in rows]) for name in NUMBERS},
        )

    def place(self, row: int, mask: str | None = None) -> PayloadPlace:
        """Where the image of a row is, or one of its masks."""
        if mask is None:
            return PayloadPlace(self.offset[row], self.length[row], self.crc32c[row])
        return PayloadPlace(*(self.labels[f"{mask}_{part}"][row] for part in PayloadPlace._fields))

    def by_name(self) -> dict[str, Sequence[Any]]:
        """All columns, as the index calls them."""
        return {**{name: getattr(self, name) for name in (*TEXTS, *NUMBERS)}, **self.labels}

    def to_json(self) -> dict[str, list[Any]]:
        """All columns, as the index calls them, as lists."""
        return {name: list(column) for name, column in self.by_name().items()}

    @classmethod
    def from_json(cls, content: Mapping[str, list[Any]]) -> "RowColumns":
        """Inverse of `to_json`. A path that is the same text as its key takes no more than a pointer."""
        keys = content["key"]
        return cls(
            key=keys,
            path=[key if key == path else path for key, path in zip(keys, content["path"], strict=True)],
            labels={name: values for name, values in content.items() if name not in (*TEXTS, *NUMBERS)},
            **{name: array("q", content[name]) for name in NUMBERS},
        )


@dataclasses.dataclass(frozen=True, eq=False)
class HashColumns:
    """What tells one picture from another, of a shard's examples in stored order: see `image_hashes`.

    Attributes:
        digests: Equal for equal pixels, uint64 (examples, 2).
        hashes: Similar for similar pictures, uint64 (examples, 2).
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
        """Both columns as text, 22 + 22 characters an example."""
        return {
            "digests": base64.b64encode(self.digests.tobytes()).decode(),
            "hashes": base64.b64encode(self.hashes.tobytes()).decode(),
        }

    @classmethod
    def from_json(cls, content: Mapping[str, str]) -> "HashColumns":
        """Inverse of `to_json`."""
        return cls.from_bytes(base64.b64decode(content["digests"]), base64.b64decode(content["hashes"]))


@dataclasses.dataclass(frozen=True, kw_only=True)
class ShardResult:
    """What came out of a shard: all that publication needs of it, besides its file.

    Attributes:
        digest: Of the plan it was written by.
        shard: Its file, as the manifest will name it.
        rows: What the index will say of its examples.
        image_hashes: What tells its pictures from others.
        rejects: Files of the plan that are not in it.
        histogram: Of its pixels, as in the manifest (`fitfeed.schemas.histogram_json`): as numbers,
            those of 16 bits would take megabytes.
    """

    digest: str
    shard: Shard
    rows: RowColumns
    image_hashes: HashColumns
    rejects: list[Reject]
    histogram: Sequence[str | Sequence[int]]

    def to_json(self) -> JsonObject:
        """The result as it lies in the staging area."""
        return {
            "digest": self.digest,
            "shard": self.shard.model_dump(),
            "rows": self.rows.to_json(),
            "image_hashes": self.image_hashes.to_json(),
            "rejects": [dataclasses.asdict(reject) for reject in self.rejects],
            "histogram": self.histogram,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "ShardResult":
        """Inverse of `to_json`."""
        return cls(
            digest=content["digest"],
            shard=Shard(**content["shard"]),
            rows=RowColumns.from_json(content["rows"]),
            image_hashes=HashColumns.from_json(content["image_hashes"]),
            rejects=[Reject(**reject) for reject in content["rejects"]],
            histogram=content["histogram"],
        )
