"""Groups that are read from paths."""

import pytest

from fitfeed.converters.sources.path_groups import groups_from_paths
from fitfeed.schemas.errors import UsageError

KEYS = ("a/patient07_1.png", "b/patient07_2.png", "b/patient12_1.png")


@pytest.mark.parametrize(
    ("pattern", "groups"),
    [
        (r"patient\d+", ["patient07", "patient07", "patient12"]),
        (r"(\d+)_", ["07", "07", "12"]),
        (r"(?:a|b)/[a-z]+(\d+)_(\d)", ["07", "07", "12"]),
        (r"^[ab]", ["a", "b", "b"]),
    ],
)
def test_the_first_parentheses_or_all(pattern: str, groups: list[str]) -> None:
    assert groups_from_paths(KEYS, pattern) == groups


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        (r"patient1\d", r"finds no group in 'a/patient07_1\.png': it does not fit"),
        (r"patient(x*)", "its group is empty"),
        (r"patient(x)?", "its group is empty"),
    ],
)
def test_an_image_without_a_group_is_named(pattern: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        groups_from_paths(KEYS, pattern)
