"""What the models of the manifest have in common: strictness, and bounds that other readers keep."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

MAX_COUNT = 2**53 - 1
"""The largest integer that every JSON reader keeps; 256 of them still add up within 64 bits."""

Count = Annotated[int, Field(ge=0, le=MAX_COUNT)]
PositiveCount = Annotated[int, Field(ge=1, le=MAX_COUNT)]
Side = Annotated[int, Field(ge=1, le=2**31 - 1)]
"""Height or width in pixels; the index holds it in 32 bits."""

Depth = Literal[8, 16]
"""Bits per value of stored images. Here, and not in `bit_depth`, because options know it without NumPy."""


class Model(BaseModel):
    """Immutable; takes neither unknown fields nor values of another type."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
