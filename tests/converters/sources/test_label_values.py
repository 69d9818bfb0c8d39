"""One value, one label: every kind against values that Python itself reads, and all that is none."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.converters.sources.label_values import LabelError, parse_indicator, parse_label


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("class", " rose ", "rose"),
        ("class", "None", "None"),
        ("class", 3, "3"),
        ("class", True, "true"),
        ("class", 1.5, "1.5"),
        ("multiclass", "b; a;b", ["a", "b"]),
        ("multiclass", '["x;y", 2]', ["2", "x;y"]),
        ("multiclass", ["b", "a"], ["a", "b"]),
        ("multiclass", "[]", []),
        ("multiclass", [], []),
        ("multiclass", 7, ["7"]),
        ("float", "1e-3", 0.001),
        ("float", " -.5 ", -0.5),
        ("float", 2, 2.0),
        ("int", "-12", -12),
        ("int", "3.0", 3),
        ("int", 3.0, 3),
        ("int", str(-(2**63)), -(2**63)),
        ("text", " as it is ", " as it is "),
        ("text", 5, "5"),
        ("mask", " m/1.png ", "m/1.png"),
    ],
)
def test_values(kind: str, value: object, expected: object) -> None:
    got = parse_label(kind, value)  # type: ignore[arg-type]
    assert got == expected
    assert type(got) is type(expected)


@pytest.mark.parametrize("kind", ["class", "multiclass", "float", "int", "mask", "text"])
@pytest.mark.parametrize("value", ["", "  ", None, math.nan, {"a": 1}])
def test_no_value_is_no_label_of_any_kind(kind: str, value: object) -> None:
    with pytest.raises(LabelError):
        parse_label(kind, value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("class", "NaN", "NaN"),
        ("class", ["a"], "not one value"),
        ("class", "\ud800", "UTF-8"),
        ("class", "x" * 1001, "is it a text"),
        ("multiclass", ";", "empty entry"),
        ("multiclass", '["a", null]', "empty entry"),
        ("multiclass", '["a"', "begins like a JSON list"),
        ("multiclass", [["a"]], "not one value"),
        ("multiclass", "a;nan", "NaN"),
        ("float", "1,5", "not a number such as"),
        ("float", "nan", "NaN"),
        ("float", "inf", "not a number"),
        ("float", "1_0", "not a number"),
        ("float", "1e39", "32 bits"),
        ("float", 10**400, "32 bits"),
        ("float", True, "not a number"),
        ("int", "1.5", "not an integer"),
        ("int", "2e3", "not an integer"),
        ("int", str(2**63), "not an integer"),
        ("int", False, "not an integer"),
        ("int", "9" * 5000, "not an integer"),
        ("text", "x" * (1 << 20) + "x", "more than"),
    ],
)
def test_what_is_none(kind: str, value: object, message: str) -> None:
    with pytest.raises(LabelError, match=message) as caught:
        parse_label(kind, value)  # type: ignore[arg-type]
    assert len(str(caught.value)) < 200


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_floats_are_pythons(value: float) -> None:
    assert parse_label("float", repr(value)) == value == parse_label("float", value)
    assert np.float32(parse_label("float", repr(value))) == np.float32(value)


@given(st.integers(-(2**63), 2**63 - 1))
def test_integers_are_pythons(value: int) -> None:
    assert parse_label("int", str(value)) == value == parse_label("int", value)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda t: t.strip())))
def test_lists_are_jsons(names: list[str]) -> None:
    expected = sorted({name.strip() for name in names})
    if not any(name.lower() == "nan" for name in expected):
        assert parse_label("multiclass", json.dumps(names)) == expected


NAMES = st.text(st.characters(categories=["L", "N"]), min_size=1).filter(lambda name: name.lower() != "nan")


@given(st.lists(NAMES, min_size=1), st.sampled_from([";", "|", ",", ", ", " ", "\t", "::", " - "]))
def test_any_separator_reads_what_is_joined_by_it(names: list[str], separator: str) -> None:
    assert parse_label("multiclass", separator.join(names), separator) == sorted(set(names))


@pytest.mark.parametrize("value", ["1", "1.0", 1, 1.0, True, " True", "TRUE", "1.00", "1e0"])
def test_what_says_that_an_image_has_a_class(value: object) -> None:
    assert parse_indicator(value) is True


@pytest.mark.parametrize("value", ["0", "0.0", 0, -0.0, False, "False ", "", " ", None, math.nan])
def test_what_says_that_it_has_not(value: object) -> None:
    assert parse_indicator(value) is False


@pytest.mark.parametrize(
    "value", ["-1", -1, "2", "0.5", "yes", "nan", "x", [], [1], {"a": 1}, "1" * 5000, 10**400]
)
def test_what_says_neither(value: object) -> None:
    with pytest.raises(LabelError, match="is not 0 or 1"):
        parse_indicator(value)
