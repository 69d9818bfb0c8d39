"""Options that pydantic checks: what is refused, in which words, and what else follows from a field."""

import copy
import dataclasses
import inspect
import pickle
from typing import Annotated, Any, Literal, Self

import pytest
from pydantic import Field, model_validator

from fitfeed.schemas.checked_options import (
    MustBe,
    WhenNone,
    checked_options,
    choices_of,
    fields_of,
    when_none_of,
)
from fitfeed.schemas.errors import UsageError

Pair = Annotated[tuple[int, int], Field(strict=False)]


@checked_options
class Paper:
    """What to print on."""

    size: Annotated[Pair | None, Field(description="in mm"), MustBe("two numbers"), WhenNone("A4")] = None
    side: Annotated[Literal["front", "back"] | None, Field(description="where")] = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.side == "back" and self.size is None:
            msg = "the back needs a size. Add size=(210, 297)."
            raise UsageError(msg)
        return self


@checked_options
class Print(Paper):
    """How to print."""

    copies: Annotated[int, Field(ge=1, description="how many"), MustBe("at least 1")] = 1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"copies": 0}, "copies must be at least 1. Received: copies=0"),
        ({"copies": "2"}, "copies must be at least 1. Received: copies='2'"),
        ({"copies": True}, "copies must be at least 1. Received: copies=True"),
        ({"size": (1, 2, 3)}, "size must be two numbers. Received: size=(1, 2, 3)"),
        ({"size": (1, 2.5)}, "size must be two numbers. Received: size=(1, 2.5)"),
        ({"side": "top"}, "side must be one of front, back. Received: side='top'"),
        ({"side": "back"}, "the back needs a size. Add size=(210, 297)."),
        ({"sides": 2}, "there is no option 'sides'. Expected some of: size, side, copies."),
        ({"\ud800": 2}, r"there is no option '\ud800'. Expected some of: size, side, copies."),
    ],
)
def test_refusals(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        Print(**given)
    assert str(caught.value) == message
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__  # pydantic's own words are for nobody


def test_lists_become_tuples() -> None:
    given: Any = [3, 4]
    assert Print(size=given).size == (3, 4)


def test_they_are_frozen_values() -> None:
    made = Print(size=(3, 4), side="back")
    assert made == pickle.loads(pickle.dumps(made)) == copy.deepcopy(made)  # noqa: S301 - our own
    assert hash(made) == hash(Print(size=(3, 4), side="back"))
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.copies = 2  # type: ignore[misc]
    by_place: Any = Print
    with pytest.raises(TypeError):
        by_place(2)


def test_a_changed_copy_is_checked_too() -> None:
    with pytest.raises(UsageError, match="the back needs a size"):
        dataclasses.replace(Print(size=(3, 4), side="back"), size=None)


def test_what_is_known_of_a_field() -> None:
    fields = fields_of(Print)
    assert list(fields) == ["size", "side", "copies"]
    assert choices_of(fields["side"]) == ("front", "back")
    assert choices_of(fields["size"]) == ()
    assert when_none_of(fields["size"]) == "A4"
    assert when_none_of(fields["copies"]) is None


def test_help_shows_plain_types_and_descriptions() -> None:
    assert str(inspect.signature(Print).parameters["size"]) in (
        "size: Optional[tuple[int, int]] = None",
        "size: tuple[int, int] | None = None",
    )
    assert inspect.getdoc(Print) == (
        "How to print.\n\nAttributes:\n    size: in mm; default: A4\n    side: where\n    copies: how many"
    )
