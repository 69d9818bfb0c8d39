"""Which files of a source become images, and what their paths say of them."""

import re
from typing import Annotated, Self

from pydantic import Field, model_validator

from fitfeed.converters.option_parts.values import Columns
from fitfeed.schemas.checked_options import MustBe, WhenNone, checked_options
from fitfeed.schemas.errors import UsageError

MASK_FIELDS = ("dir", "parent", "below", "stem")
"""What a mask pattern may have in braces."""

PATTERNS = MustBe("patterns of paths below SOURCE, such as 'masks/*' or '*_mask.png'")


@checked_options
class ChoosingOptions:
    """Which files of a source become images, and what their paths say of them."""

    include: Annotated[
        Columns,
        Field(
            description="take only files whose path below SOURCE, or one of their folders, fits; * is any text"
        ),
        PATTERNS,
        WhenNone("all"),
    ] = ()
    exclude: Annotated[
        Columns,
        Field(description="leave out files whose path below SOURCE, or one of their folders, fits"),
        PATTERNS,
        WhenNone("none"),
    ] = ()
    mask_from: Annotated[
        str | None,
        Field(
            description="where the mask of an image is: {stem} is its name without extension, {dir} its folder, "
            "{below} its folder without the first one, {parent} without the last; * is any text"
        ),
        MustBe("a path below SOURCE, such as '{dir}/{stem}_mask.png'"),
    ] = None

    group_from: Annotated[
        str | None,
        Field(
            description="regular expression that finds the group of an image in its path, as --group does in a column: "
            "what its first parentheses find, or all of it"
        ),
        MustBe("a regular expression, such as 'patient[0-9]+'"),
    ] = None

    @model_validator(mode="after")
    def _check_choosing(self) -> Self:
        for name in ("include", "exclude"):
            for pattern in getattr(self, name):
                if not pattern or pattern.startswith("/"):
                    msg = f"--{name} takes a pattern of paths below SOURCE, such as 'masks/*'. Received: {pattern!r}"
                    raise UsageError(msg)
        if self.mask_from is not None:
            _check_mask_pattern(self.mask_from)
        if self.group_from is not None:
            _check_expression(self.group_from)
        return self


def _check_expression(pattern: str) -> None:
    """Checks `--group-from`.

    Raises:
        UsageError: If it is not a regular expression.
    """
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        msg = f"--group-from takes a regular expression, such as 'patient[0-9]+'. Received: {pattern!r}, and {error}"
        raise UsageError(msg) from error


def _check_mask_pattern(pattern: str) -> None:
    """Checks `--mask-from`.

    Raises:
        UsageError: If it does not say where the mask of each image is.
    """
    fields = re.findall(r"\{([^{}]*)\}", pattern)
    plain = re.sub(r"\{[^{}]*\}", "", pattern)
    wrong = [name for name in fields if name not in MASK_FIELDS]
    folder = pattern.rpartition("/")[0]
    if (
        "stem" not in fields
        or wrong
        or "{" in plain
        or "}" in plain
        or "*" in folder
        or pattern.startswith("/")
    ):
        msg = (
            "--mask-from says where the mask of each image is, as a path below SOURCE with {stem}, such as '{dir}/{stem}_mask.png' or 'masks/{below}/{stem}.png'. "
            f"In braces may be {', '.join(MASK_FIELDS)}; a * only in the file's name. Received: {pattern!r}"
        )
        raise UsageError(msg)
