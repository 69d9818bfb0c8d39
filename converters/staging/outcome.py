"""What publication decided about a conversion, and how the staging area stores it."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

from fitfeed.converters.duplicate_pair import DuplicatePair, NearDuplicateReport
from fitfeed.converters.rejects import Reject
from fitfeed.schemas.strict_json import JsonObject

Status = Literal["published", "leaks", "duplicates", "too_many_rejects", "nothing_left"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """What publication decided.

    Attributes:
        status: `published`, or why not.
        rejects: Number of rejects by reason.
        allowed: How many rejects were tolerated.
        first_rejects: The first few, to show.
        may_drop_leaks: Whether `--duplicates drop` would leave out copies in other splits, too.
        reused: Shards that an earlier run had finished.
        copies: How many examples have the pixels of another one: see `DuplicateReport`.
        pairs: The first few of them, and what they are copies of.
        near_duplicates: The same for near-duplicates.
    """

    status: Status
    rejects: dict[str, int]
    allowed: int
    first_rejects: list[Reject]
    may_drop_leaks: bool
    reused: int
    copies: dict[str, int]
    pairs: list[DuplicatePair]
    near_duplicates: NearDuplicateReport

    def to_json(self) -> JsonObject:
        """The outcome as the staging area stores it."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Outcome":
        """Inverse of `to_json`.

        Raises:
            TypeError, KeyError: If it is not what this version writes.
        """
        fields = {
            **content,
            "first_rejects": [Reject(**reject) for reject in content["first_rejects"]],
            "pairs": [DuplicatePair.from_json(pair) for pair in content["pairs"]],
            "near_duplicates": NearDuplicateReport.from_json(content["near_duplicates"]),
        }
        return cls(**fields)
