"""Options of classes: what they may be, and how they are recorded."""

from typing import Any

import pytest

from fitfeed.converters.options import ConvertOptions
from fitfeed.schemas.errors import UsageError

CLASSES: dict[str, Any] = {
    "class_order": "text",
    "classes": ("b", "a"),
    "rename_classes": {"x": "a"},
    "drop_classes": ("c",),
}


def test_options_of_classes_are_recorded_only_where_they_are_given() -> None:
    assert not CLASSES.keys() & ConvertOptions().to_json().keys()
    options = ConvertOptions(**CLASSES)
    recorded = options.to_json()
    assert {name: recorded[name] for name in CLASSES} == {
        "class_order": "text",
        "classes": ["b", "a"],
        "rename_classes": {"x": "a"},
        "drop_classes": ["c"],
    }
    assert ConvertOptions.from_json(recorded) == options


def test_classes_of_several_labels_are_recorded_by_label() -> None:
    options = ConvertOptions(classes={"animal": ("dog",), "view": ("left", "right")})
    recorded = options.to_json()
    assert recorded["classes"] == {"animal": ["dog"], "view": ["left", "right"]}
    assert ConvertOptions.from_json(recorded) == options


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"class_order": "given"}, "class_order must be one of number, text. Received: class_order='given'"),
        ({"classes": "a,b"}, "classes must be names of classes, or such a list for each label"),
        ({"classes": ["a", "b", "a"]}, "--classes names the class 'a' twice"),
        ({"classes": ["K\u00e4se", "Ka\u0308se"]}, "--classes names the class 'Käse' twice"),
        ({"classes": {"label": ["a", ""]}}, "--classes has a class name that is empty"),
        ({"drop_classes": ["a", " "]}, "--drop-classes has a class name that is empty. Received: ' '"),
        ({"rename_classes": {"a": ""}}, "--rename-class has a class name that is empty"),
        ({"rename_classes": {"a": 1}}, "rename_classes must be new names of classes by old names"),
    ],
)
def test_wrong_options_of_classes_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ConvertOptions(**given)
