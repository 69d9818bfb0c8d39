"""What the models of the manifest have in common: strictness, and bounds that other readers keep."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

MAX_COUNT = 2**53 - 1
"""The largest integer that every JSON reader keeps; 256 of them still add up within 64 bits."""

Count = Annotated[int, Field(ge=0, le=MAX_COUNT)]
PositiveCount = Annotated[int, Field(ge=1, le=MAX_COUNT)]
Side = Annotated[int, Field(ge=1, le=2**31 - 1)]
"""Height or width in pixels; the index holds it in 32 bits."""


class Model(BaseModel):
    """Immutable; takes neither unknown fields nor values of another type."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
