"""Label features: names that every container can hold, and what the manifest says of each kind."""

import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from fitfeed.schemas.features import (
    RESERVED_NAMES,
    Features,
    ImageFeature,
    LabelKind,
    PlannedLabel,
    check_label_names,
    stored_names,
)
from fitfeed.schemas.index import index_schema

IMAGE = {"shape": [None, None, 3], "encoding": "keep"}


def features(**labels: object) -> Features:
    return Features.model_validate_json(json.dumps({"image": IMAGE, **labels}))


def test_every_kind_is_told_by_its_kind() -> None:
    found = features(
        mood={"kind": "class", "class_names": ["a", "b"]},
        tags={"kind": "multiclass", "class_names": ["c"]},
        age={"kind": "float"},
        count={"kind": "int"},
        note={"kind": "text"},
        region={"kind": "mask", "shape": [None, None, 1], "encoding": "png"},
    )
    assert found.label_kinds == {
        "mood": "class", "tags": "multiclass", "age": "float", "count": "int", "note": "text", "region": "mask",
    }  # fmt: skip
    assert found.classes is not None
    assert found.classes[0] == "mood"
    assert Features.model_validate_json(json.dumps(found.model_dump(mode="json"))) == found


def test_the_first_label_with_classes_names_them() -> None:
    assert features(age={"kind": "float"}).classes is None
    found = features(age={"kind": "float"}, tags={"kind": "multiclass", "class_names": ["c"]})
    assert found.classes is not None
    assert found.classes[0] == "tags"


@pytest.mark.parametrize(
    "label",
    [
        {"kind": "other"},
        {},
        {"kind": "image", **IMAGE},
        {"kind": "class", "class_names": []},
        {"kind": "class", "class_names": ["a", "a"]},
        {"kind": "multiclass", "class_names": ["a", "a"]},
        {"kind": "float", "dtype": "float32"},
        {"kind": "float", "more": 1},
        {"kind": "mask", "shape": [None, None, 3], "encoding": "png"},
        {"kind": "mask", "shape": [None, None, 1], "encoding": "raw"},
        {"kind": "mask", "shape": [None, 3, 1], "encoding": "png"},
        [],
        None,
    ],
)
def test_what_is_no_label(label: object) -> None:
    with pytest.raises(ValidationError):
        features(label=label)


@pytest.mark.parametrize(
    "name",
    ["", " a", "a ", "a\n", "a/b", "/", ".", "..", ".a", "x" * 101, "\0", "\ud800", *sorted(RESERVED_NAMES)],
)
def test_names_that_cannot_be_stored(name: str) -> None:
    with pytest.raises(ValueError, match="cannot name a label"):
        check_label_names({name: "class"})


@pytest.mark.parametrize(
    "kinds",
    [
        {"a": "mask", "a_crc32c": "int"},
        {"a_offset": "text", "a": "text"},
        {"a": "multiclass", "a_offset": "float"},
    ],
)
def test_names_that_would_be_stored_twice(kinds: dict[str, LabelKind]) -> None:
    with pytest.raises(ValueError, match=r"'a_\w+'"):
        check_label_names(kinds)


NAMES = st.text(min_size=1, max_size=5)
KINDS: st.SearchStrategy[LabelKind] = st.sampled_from(get_args(LabelKind))


@given(st.dictionaries(NAMES, KINDS, max_size=5))
def test_names_that_pass_never_collide(kinds: dict[str, LabelKind]) -> None:
    try:
        check_label_names(kinds)
    except ValueError:
        return
    stored = [name for label, kind in kinds.items() for name in stored_names(label, kind)]
    assert len({*stored, *RESERVED_NAMES}) == len(stored) + len(RESERVED_NAMES)
    assert not any("/" in name for name in stored)


@pytest.mark.parametrize("kind", get_args(LabelKind))
def test_planned_labels_become_features(kind: LabelKind) -> None:
    names = ["a", "b"] if kind in ("class", "multiclass") else []
    planned = PlannedLabel(kind=kind, class_names=names, value_names=["x"] if kind == "floats" else [])
    recorded: Any = planned.to_json()
    assert PlannedLabel(**recorded) == planned
    feature = planned.feature(ImageFeature(shape=(4, 5, 3), encoding="raw"))
    assert (feature.kind, getattr(feature, "class_names", [])) == (kind, names)


def test_planned_masks_are_as_large_as_their_images() -> None:
    mask = PlannedLabel(kind="mask")
    for shape, encoding, expected in (((4, 5, 3), "raw", "raw"), ((None, None, 1), "keep", "png")):
        image = ImageFeature.model_validate({"shape": shape, "encoding": encoding})
        stored = mask.feature(image).model_dump()
        assert (stored["shape"], stored["encoding"]) == ((*shape[:2], 1), expected)


def test_no_label_is_called_as_a_column_of_the_index() -> None:
    assert set(index_schema({}).names) <= RESERVED_NAMES
    assert {"sample_weight", "boxes", "keypoints"} <= RESERVED_NAMES
    assert set(index_schema({"région": "mask"}).names) - set(index_schema({}).names) == {
        name for name in stored_names("région", "mask") if name != "région"
    }
