"""What classes are called: spelling, new names, names that are left out, and what is said of it."""

import pytest

from fitfeed.converters.sources.class_naming import listed, name_classes
from fitfeed.schemas.errors import UsageError

NFC, NFD = "K\u00e4se", "Ka\u0308se"


def test_a_name_has_one_spelling() -> None:
    named = name_classes([NFD, NFC, "Brot"], renames={}, drops=())
    assert named.names == [NFC, NFC, "Brot"]
    assert named.warnings == [
        f"class names that differ only in their Unicode form (NFC, NFD) are one class: '{NFC}'"
    ]
    assert name_classes([NFD], renames={}, drops=()) == ([NFC], set(), [])


def test_whole_numbers_of_pandas_are_said() -> None:
    named = name_classes(["10.0", "9", "9.0"], renames={}, drops=())
    assert named.names == ["10", "9", "9"]
    assert named.warnings == [
        "all class names are whole numbers, so they are written without a decimal point: '10.0', '9.0'"
    ]


def test_a_known_name_decides_the_spelling() -> None:
    assert name_classes(["10.0"], renames={}, drops=(), known={"10.0", "a"}).names == ["10.0"]
    assert name_classes(["10"], renames={}, drops=(), known={"10.0", "a"}).names == ["10.0"]
    assert name_classes(["10.0", "a"], renames={}, drops=(), known={"10"}).names == ["10", "a"]
    assert name_classes(["1.0"], renames={}, drops=(), known={"1", "1.0", "a"}).names == ["1.0"]


def test_names_are_found_in_either_form_and_each_once() -> None:
    named = name_classes([NFD, "Brot", "x"], renames={NFC: "K", "Brot": NFD}, drops=["x"])
    assert (named.names, named.dropped) == (["K", NFC, "x"], {2})
    assert name_classes(["1.0", "2.0"], renames={"1": "2"}, drops=()).names == ["2", "2"]


def test_what_is_not_there_is_refused_only_where_asked() -> None:
    with pytest.raises(
        UsageError, match=r"--drop-classes names 'y', which is not a class of SOURCE. Its classes are: 'x'"
    ):
        name_classes(["x"], renames={}, drops=["y"])
    assert name_classes(["x"], renames={"z": "x"}, drops=["y"], strict=False) == (["x"], set(), [])


def test_long_lists_are_cut() -> None:
    assert listed(list("abcdefg")) == "'a', 'b', 'c', 'd', 'e', and 2 more"
    assert listed(["a\n", "b"], {"a\n": 3, "b": 0}) == r"'a\n' (3 images), 'b' (0 images)"
