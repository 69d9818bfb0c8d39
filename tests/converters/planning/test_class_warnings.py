"""What is said of classes before they are converted."""

import dataclasses

import pytest

from fitfeed.converters.planning.class_warnings import class_warnings
from fitfeed.schemas.class_order import ClassOrder
from fitfeed.schemas.features import LabelKind, PlannedLabel, WithLabels


@dataclasses.dataclass(frozen=True)
class Found(WithLabels):
    features: dict[str, PlannedLabel]


def warnings_of(*names: str, kind: LabelKind = "class") -> list[str]:
    label = PlannedLabel(kind=kind, class_names=list(names), class_order="given")
    return class_warnings(Found({"label": label}))


def test_ordinary_classes_are_not_warned_of() -> None:
    assert warnings_of("dress", "hat") == []
    assert class_warnings(Found({"height": PlannedLabel(kind="float")})) == []


@pytest.mark.parametrize(("kind", "warned"), [("class", True), ("multiclass", False)])
def test_one_class_is_no_question(kind: LabelKind, *, warned: bool) -> None:
    expected = ["there is only one class ('hat'), so every label is 0"]
    assert warnings_of("hat", kind=kind) == (expected if warned else [])


def test_classes_that_look_alike_are_named() -> None:
    assert warnings_of("Hat", "dress", "hat", "HAT") == ["classes that differ only in case: Hat, hat, HAT"]


@pytest.mark.parametrize(
    ("order", "names", "shown"),
    [
        ("number", ("2", "9", "10"), [("2", "10")]),
        ("number", ("0", "1", "5", "60", "71", "600"), [("71", "600")]),
        ("number", ("0", "1", "2"), []),
        ("text", ("10", "2", "9"), []),
        ("given", ("2", "9", "10"), []),
    ],
)
def test_numbers_that_other_programs_would_not_give_are_named(
    order: ClassOrder, names: tuple[str, ...], shown: list[tuple[str, str]]
) -> None:
    label = PlannedLabel(kind="class", class_names=list(names), class_order=order)
    expected = [
        f"classes are numbered as numbers, {first} before {then}; Keras and TFDS sort them as text, {then} before {first}, and so does --class-order text"
        for first, then in shown
    ]
    assert class_warnings(Found({"height": PlannedLabel(kind="float"), "label": label})) == expected
