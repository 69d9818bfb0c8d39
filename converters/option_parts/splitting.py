"""Which split an image goes to, and in which order the images of a split are stored."""

import math
from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator

from fitfeed.converters.option_parts.values import COLUMN, as_written
from fitfeed.schemas.checked_options import MustBe, WhenNone, checked_options
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.split_names import SPLIT_NAME, split_name

SHARES = MustBe("shares by name, such as train=0.8,validation=0.2")
FOLDERS = MustBe("splits by folder name, such as Training=train,Testing=test; or none")


@checked_options
class SplitOptions:
    """Which split an image goes to, and in which order the images of a split are stored."""

    split: Annotated[
        Mapping[str, float] | None,
        Field(description="names of the splits and their shares, by hash of the path"),
        SHARES,
        WhenNone("by the source's split folders, else all train"),
    ] = None
    split_folders: Annotated[
        Mapping[str, str] | None,
        Field(
            description="folders that are splits, whatever they are called and wherever on a path; none: no folder is one, "
            "and the first folder is the class"
        ),
        FOLDERS,
        WhenNone("top-level folders that are called train, val, test and the like"),
    ] = None
    seed: Annotated[int, Field(description="salt of order and split"), MustBe("a whole number")] = 0
    split_column: Annotated[
        str | None,
        Field(
            description="column that names the split, or has the number of a fold; C:0=train,1=test says which split a value is"
        ),
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
        return self

    @model_validator(mode="after")
    def _name_splits(self) -> Self:
        """Gives splits the names that a dataset has: `validation` for `val`."""
        if self.split is not None:
            object.__setattr__(self, "split", _named_shares(self.split))
        if self.split_folders is not None:
            named = {folder: split_name(split) for folder, split in self.split_folders.items()}
            for split in named.values():
                check_split_name(split, f"--split-folders {as_written('split_folders', self.split_folders)}")
            object.__setattr__(self, "split_folders", named)
        return self


def check_split_name(name: str, where: str) -> None:
    """Checks the name of a split.

    Args:
        name: The name.
        where: What has it, for the error.

    Raises:
        UsageError: If it is not allowed.
    """
    if not SPLIT_NAME.fullmatch(name):
        msg = f"a split's name must be letters, digits and '_', starting with a letter, 64 at most. Received: {name!r} in {where}"
        raise UsageError(msg)


def _named_shares(shares: Mapping[str, float]) -> dict[str, float]:
    """The shares of `--split` by the names that a dataset has.

    Raises:
        UsageError: If a name or a share is not allowed, two names mean the same split, or the shares do not sum to 1.
    """
    given = as_written("split", shares)
    named: dict[str, float] = {}
    for written, share in shares.items():
        name = split_name(written)
        check_split_name(name, f"--split {given}")
        if name in named:
            msg = f"--split {given} names the split {name!r} twice: {written!r} is another word for it. Give it once."
            raise UsageError(msg)
        if not 0 < share <= 1:
            msg = f"a split's share must be above 0 and at most 1. Received: {written}={share:g}"
            raise UsageError(msg)
        named[name] = share
    total = math.fsum(shares.values())
    if not math.isclose(total, 1, abs_tol=1e-6):
        msg = f"the shares of --split must sum to 1, so that no image is lost or used twice. Received: {given}, which sum to {total:g}"
        raise UsageError(msg)
    return named
