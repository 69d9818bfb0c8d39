"""What the models of the manifest have in common: strict types, and limits that other readers have, too."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

MAX_COUNT = 2**53 - 1
"""The largest integer that every JSON reader reads exactly. The sum of 256 of them fits into 64 bits."""

Count = Annotated[int, Field(ge=0, le=MAX_COUNT)]
PositiveCount = Annotated[int, Field(ge=1, le=MAX_COUNT)]
Side = Annotated[int, Field(ge=1, le=2**31 - 1)]
"""Height or width in pixels. The index stores it in 32 bits."""

Depth = Literal[8, 16]
"""Bits per value of stored images. It is not in `bit_depth`, because options need it without NumPy."""


class Model(BaseModel):
    """A part of the manifest. It is immutable, and refuses unknown fields and values of another type."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
