"""What is about to be launched, for the checks before it."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from fitfeed.schemas.storage.place import Place


@dataclasses.dataclass(frozen=True, kw_only=True)
class Launch:
    """What is about to be launched.

    Attributes:
        runner: What the user has given to `--runner`.
        options: All of Beam's options by name, those of the engine among them, with their defaults.
        dataset: The dataset to make.
        sources: Its sources.
    """

    runner: str
    options: Mapping[str, Any]
    dataset: Place
    sources: list[Place]

    def places(self) -> Iterator[tuple[str, Place]]:
        """All places that workers read or write, and what messages call them."""
        yield "DATASET", self.dataset
        for source in self.sources:
            yield "SOURCE", source
