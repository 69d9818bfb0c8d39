"""What came out of a shard."""

import dataclasses
import itertools
from collections.abc import Mapping

from fitfeed.schemas.features import LabelKind


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


def row_columns(labels: Mapping[str, LabelKind]) -> list[str]:
    """Columns of the index that are known when a record is written; offsets only with the shard."""
    return ["key", "path", *label_columns(labels), "length", "crc32c", "height", "width", "source_bytes"]


def label_columns(labels: Mapping[str, LabelKind]) -> list[str]:
    """Those of them that tell one label from another."""
    names = (
        [f"{name}_length", f"{name}_crc32c"] if kind == "mask" else [name] for name, kind in labels.items()
    )
    return list(itertools.chain(*names))
