"""What a conversion did."""

import dataclasses
from typing import Any

from fitfeed.schemas.manifest import Manifest


@dataclasses.dataclass(frozen=True, kw_only=True)
class ConversionResult:
    """What a conversion did.

    Attributes:
        manifest: Of the dataset, now complete.
        up_to_date: It was complete before: same source, same options; or nothing new to append.
        files: Files planned.
        source_bytes: Their total size.
        seconds: Wall time of this run.
        reused_shards: Shards that an earlier, unfinished run had written.
        duplicates: The first images with the pixels of another: each with `paths` (it, and the one
            that comes first) and `kind`; the manifest counts all. Empty if `up_to_date`.
        near_duplicates: Images that look like another: how many `within` a split and `across_splits`,
            the first `pairs`, and whether the search was `exhaustive`. None if `up_to_date`.
        added: Examples by split that joined a dataset that was there; None if nothing was to be appended.
        new_classes: Classes that came with them, to which the last labels were given.
    """

    manifest: Manifest
    up_to_date: bool
    files: int
    source_bytes: int
    seconds: float
    reused_shards: int
    duplicates: list[dict[str, Any]]
    near_duplicates: dict[str, Any] | None
    added: dict[str, int] | None = None
    new_classes: list[str] = dataclasses.field(default_factory=list)
