"""Addresses survive everything that a path may have in it."""

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.export.example_address import ExampleAddress
from fitfeed.export.example_files import ExampleFiles, register

PATHS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


@given(PATHS, PATHS, st.integers(0, 10**12))
def test_an_address_is_read_as_it_was_written(dataset: str, column: str, number: int) -> None:
    address = ExampleAddress(dataset, "0123456789abcdef", "train", column, number)
    assert ExampleAddress.parse(f"{address.prefix()}{number}") == address


@pytest.mark.parametrize(
    "dataset", ["/data/a:b::c*d ?[x]", "gs://bucket/flowers", "/data/\udcff\udc80", "/ü%2F"]
)
def test_fsspec_leaves_it_whole(dataset: str) -> None:
    register()
    address = ExampleAddress(dataset, "0123456789abcdef", "train", "image", 7)
    system, _, paths = fsspec.get_fs_token_paths(f"{address.prefix()}7", "rb")
    assert isinstance(system, ExampleFiles)
    assert [ExampleAddress.parse(path) for path in paths] == [address]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "fitfeed://",
        "fitfeed://a/b/c/d",
        "fitfeed://a/b/c/d/-1",
        "fitfeed://a/b/c/d/²",
        "fitfeed://a/b/c/d/e/1",
    ],
)
def test_what_is_not_an_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected fitfeed://DATASET/"):
        ExampleAddress.parse(text)
