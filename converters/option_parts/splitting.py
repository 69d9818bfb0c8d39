"""Which split an image goes to, and in which order the images of a split are stored."""

import math
import re
from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator

from fitfeed.converters.option_parts.values import COLUMN, as_written
from fitfeed.schemas.checked_options import MustBe, WhenNone, checked_options
from fitfeed.schemas.errors import UsageError

SPLIT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


@checked_options
class SplitOptions:
    """Which split an image goes to, and in which order the images of a split are stored."""

    split: Annotated[
        Mapping[str, float] | None,
        Field(description="names of the splits and their shares, by hash of the path"),
        MustBe("shares by name, such as train=0.8,validation=0.2"),
        WhenNone("by the source's split folders, else all train"),
    ] = None
    seed: Annotated[int, Field(description="salt of order and split"), MustBe("a whole number")] = 0
    split_column: Annotated[
        str | None,
        Field(description="column that names the split: train, validation (val, valid) or test"),
        COLUMN,
    ] = None
    stratify: Annotated[
        bool,
        Field(description="with --split: every class in the same shares, each to within one image"),
        MustBe("True or False"),
    ] = False
    group: Annotated[
        str | None,
        Field(
            description="column of which no value may be in two splits: --split then divides by it; "
            "with other splits that is exit status 4"
        ),
        COLUMN,
    ] = None

    @model_validator(mode="after")
    def _check_splitting(self) -> Self:
        if self.split is not None and self.split_column is not None:
            msg = f"--split and --split-column {self.split_column} contradict each other. Give one of them."
            raise UsageError(msg)
        if self.stratify and self.split is None:
            msg = "--stratify gives every class the shares of --split, and there is none. Add for example --split train=0.8,validation=0.2."
            raise UsageError(msg)
        if self.stratify and self.group is not None:
            msg = "--stratify and --group contradict each other: whole groups cannot have exact shares of each class. Give one of them."
            raise UsageError(msg)
        if self.split is not None:
            check_shares(self.split)
        return self


def check_shares(shares: Mapping[str, float]) -> None:
    """Checks the shares of `--split`.

    Raises:
        UsageError: If a name or a share is not allowed, or the shares do not sum to 1.
    """
    given = as_written("split", shares)
    for name, share in shares.items():
        if not SPLIT_NAME.fullmatch(name):
            msg = f"a split's name must be letters, digits and '_', starting with a letter. Received: {name!r} in --split {given}"
            raise UsageError(msg)
        if not 0 < share <= 1:
            msg = f"a split's share must be above 0 and at most 1. Received: {name}={share:g}"
            raise UsageError(msg)
    total = math.fsum(shares.values())
    if not math.isclose(total, 1, abs_tol=1e-6):
        msg = f"the shares of --split must sum to 1, so that no image is lost or used twice. Received: {given}, which sum to {total:g}"
        raise UsageError(msg)
