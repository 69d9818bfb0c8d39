"""Pairs of images that are the same picture, exactly or nearly, by their paths."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

PairKind = Literal["duplicate", "label_conflict", "split_leak", "near_duplicate", "near_split_leak"]
"""The first three kinds have the same pixels: in one split with the same labels, in one split with other labels, and in
two splits. The other two kinds look alike: in one split, and in two splits."""


@dataclasses.dataclass(frozen=True)
class DuplicatePair:
    """Two images that are the same picture.

    Attributes:
        paths: The image, and the one that comes first.
        kind: Whether they are equal or similar, and in which splits.
        distance: How many of the 128 bits of their hashes differ; 0 if the pixels are the same.
    """

    paths: tuple[str, str]
    kind: PairKind
    distance: int = 0

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "DuplicatePair":
        """Inverse of `dataclasses.asdict` in JSON."""
        image, first = content["paths"]
        return cls((image, first), content["kind"], content["distance"])


@dataclasses.dataclass(frozen=True, kw_only=True)
class NearDuplicateReport:
    """Images that look like another one.

    Attributes:
        within: How many look like an earlier one of their split.
        across_splits: How many look like one of an earlier split.
        pairs: Pairs of them: first those across splits, then the most similar ones.
        exhaustive: False if there were too many to compare all. The counts are lower bounds then.
    """

    within: int
    across_splits: int
    pairs: list[DuplicatePair]
    exhaustive: bool

    def first(self, count: int) -> "NearDuplicateReport":
        """The same with fewer pairs, to show."""
        return dataclasses.replace(self, pairs=self.pairs[:count])

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "NearDuplicateReport":
        """Inverse of `dataclasses.asdict` in JSON."""
        return cls(**{**content, "pairs": [DuplicatePair.from_json(pair) for pair in content["pairs"]]})
