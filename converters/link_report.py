"""What is said of the links of a source."""

import dataclasses
from typing import Literal

Links = Literal["follow", "refuse"]
"""What to do about links that lead out of a source."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class LinkReport:
    """Where the links of a source lead.

    Attributes:
        outside_files: How many images and masks are outside SOURCE.
        outside_links: How many links lead to them.
        first: The first of these links, and where they lead.
        not_followed: How many links to folders were not followed, because the folder is listed often enough.
    """

    outside_files: int = 0
    outside_links: int = 0
    first: dict[str, str] = dataclasses.field(default_factory=dict)
    not_followed: int = 0
