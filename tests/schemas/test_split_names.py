"""Which names mean the same split."""

import pytest

from fitfeed.schemas.split_names import USUAL_NAMES, split_name, usual_split


@pytest.mark.parametrize(
    ("name", "split"),
    [
        *((each, split) for split, names in USUAL_NAMES.items() for each in names),
        ("TRAIN", "train"),
        ("Train_Set", "train"),
        ("testing data", "test"),
        ("data-test", "test"),
        ("val2017", "validation"),
        ("validationimages", "validation"),
    ],
)
def test_usual_names(name: str, split: str) -> None:
    assert usual_split(name) == split_name(name) == split


@pytest.mark.parametrize(
    "name",
    ["contest", "invalid", "trainval", "dataset", "test_1", "trainer", "latest", "set", "fold1", "", "_"],
)
def test_other_names_mean_themselves(name: str) -> None:
    assert usual_split(name) is None
    assert split_name(name) == name
