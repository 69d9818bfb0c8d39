"""How many files the images fill."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from fitfeed.converters.option_parts.values import AT_LEAST_1, Positive
from fitfeed.schemas.checked_options import WhenNone, checked_options
from fitfeed.schemas.errors import UsageError


@checked_options
class ShardingOptions:
    """How many files the images fill."""

    shards: Annotated[
        Positive | None, Field(description="shards per split"), AT_LEAST_1, WhenNone("by size")
    ] = None
    shard_bytes: Annotated[
        Positive | None,
        Field(description="size of a shard in bytes"),
        AT_LEAST_1,
        WhenNone("128MiB, with up to 8 smaller shards for a small dataset"),
    ] = None

    @model_validator(mode="after")
    def _check_sharding(self) -> Self:
        if self.shards is not None and self.shard_bytes is not None:
            msg = "--shards and --shard-size contradict each other. Give one of them."
            raise UsageError(msg)
        return self
