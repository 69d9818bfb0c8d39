"""Options that pydantic checks, so that each fact about one of them is stated once, at its field.

```python
@checked_options
class StorageOptions:
    quality: Annotated[int, Field(ge=1, le=100, description="JPEG quality"), MustBe("1 to 100")] = 90
```

From this one line follow the check, the error's wording, what `help` says, and choices, default and help of
the command line.
"""

import dataclasses
import functools
import inspect
from collections.abc import Iterator
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import pydantic.dataclasses
from pydantic import ConfigDict, ValidationError
from pydantic.fields import FieldInfo
from typing_extensions import dataclass_transform

from fitfeed.schemas.errors import UsageError

Options = TypeVar("Options")

STRICT = ConfigDict(strict=True, extra="forbid")
"""Values of another type are refused, not converted: "90" is not a quality."""


@dataclasses.dataclass(frozen=True)
class MustBe:
    """What a field's value must be, in words for an error. A field with choices needs none."""

    expected: str


@dataclasses.dataclass(frozen=True)
class WhenNone:
    """What holds where a field is not set: None, or empty."""

    default: str


@dataclass_transform(kw_only_default=True, frozen_default=True)
def checked_options(cls: type[Options]) -> type[Options]:
    """Makes a class of options: frozen, keyword-only, and checked whenever one is made.

    Whatever pydantic refuses is raised as a `UsageError`. So is a `UsageError` of the class's own validators, which
    pydantic would wrap.
    """
    made: type[Any] = pydantic.dataclasses.dataclass(frozen=True, kw_only=True, config=STRICT)(cls)
    check = made.__init__

    @functools.wraps(check)
    def init(self: Options, **given: Any) -> None:
        try:
            check(self, **given)
        except ValidationError as error:
            raise _usage_error(made, error, given) from None

    made.__init__ = init
    _describe(made)
    checked: type[Options] = made
    return checked


def fields_of(options: type[Any]) -> dict[str, FieldInfo]:
    """All fields of a class of options, by name."""
    fields: dict[str, FieldInfo] = options.__pydantic_fields__
    return fields


def choices_of(field: FieldInfo) -> tuple[Any, ...]:
    """The values that a field may have, besides None; empty if it has no choices."""
    for kind in (field.annotation, *get_args(field.annotation)):
        if get_origin(kind) is Literal:
            return get_args(kind)
    return ()


def when_none_of(field: FieldInfo) -> str | None:
    """What holds where a field is not set; None if it always has a value, or nothing holds."""
    return next((each.default for each in field.metadata if isinstance(each, WhenNone)), None)


def _usage_error(options: type[Any], error: ValidationError, given: dict[str, Any]) -> UsageError:
    """The first fault, in our words."""
    first = error.errors(include_url=False)[0]
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, UsageError):
        return cause
    fields = fields_of(options)
    # Not by pydantic's place of the fault: it gives none for a name that is not Unicode.
    if unknown := [name for name in given if name not in fields]:
        return UsageError(f"there is no option {unknown[0]!r}. Expected some of: {', '.join(fields)}.")
    name = str(first["loc"][0])
    return UsageError(f"{name} must be {_expected(fields[name])}. Received: {name}={given[name]!r}")


def _expected(field: FieldInfo) -> str:
    if choices := choices_of(field):
        return f"one of {', '.join(map(str, choices))}"
    return next(each.expected for each in field.metadata if isinstance(each, MustBe))


def _describe(options: type[Any]) -> None:
    """Makes `help` show plain types, and each field's description."""
    hints = get_type_hints(options)
    signature = inspect.signature(options)
    parameters = [each.replace(annotation=hints[name]) for name, each in signature.parameters.items()]
    options.__signature__ = signature.replace(parameters=parameters)
    options.__doc__ = "\n".join(
        [inspect.cleandoc(options.__doc__ or ""), "", "Attributes:", *_lines(options)]
    )


def _lines(options: type[Any]) -> Iterator[str]:
    for name, field in fields_of(options).items():
        unset = when_none_of(field)
        yield f"    {name}: {field.description}{f'; default: {unset}' if unset else ''}"
