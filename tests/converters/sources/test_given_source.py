"""Sources as users give them."""

from pathlib import Path
from typing import Any

import pytest

from fitfeed.converters.sources.given_source import (
    GivenSource,
    Sources,
    check_source_name,
    folder_name,
    given_sources,
    parse_source,
)
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.manifest_parts import MAX_SOURCE_NAME
from fitfeed.schemas.storage.local import LocalPlace

A, B = GivenSource(LocalPlace(Path("a"))), GivenSource(LocalPlace(Path("b")), "site")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("a", [A]),
        (Path("a"), [A]),
        (B, [B]),
        (["a", B], [A, B]),
        ({"site": "b"}, [B]),
        ({"site": Path("b")}, [B]),
    ],
)
def test_one_or_several(given: Sources, expected: list[GivenSource]) -> None:
    assert given_sources(given) == expected


@pytest.mark.parametrize("given", [[], {}])
def test_none(given: Any) -> None:
    with pytest.raises(UsageError, match="SOURCE must be a folder, a table or a dataset, or several"):
        given_sources(given)


def test_a_name_is_before_the_first_equals_sign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert parse_source("site=b") == B
    assert parse_source("site=b=c") == GivenSource(LocalPlace(Path("b=c")), "site")
    assert parse_source("a") == A
    assert parse_source("/x/a=b") == GivenSource(LocalPlace(Path("/x/a=b")))
    assert parse_source("./a=b") == GivenSource(LocalPlace(Path("a=b")))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "site=b").mkdir()
    assert parse_source("site=b") == GivenSource(LocalPlace(Path("site=b")))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("site=", "does not say which. Write NAME=SOURCE, such as site=photos/"),
        ("=b", "'' cannot name a source"),
        ("..=b", "'..' cannot name a source"),
        ("ftp://x/a", "ftp://x/a"),
        ("site=ftp://x/a", "ftp://x/a"),
    ],
)
def test_what_cannot_be_meant(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_source(text)
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["a/b", ".", "..", "", "a\nb", "x" * 256])
def test_names_that_keys_cannot_begin_with(name: str) -> None:
    with pytest.raises(UsageError, match="cannot name a source, because keys begin with its name"):
        check_source_name(name)


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("/home/me/photos", "photos"),
        ("/ä b", "ä b"),
        ("/not \udcff text", "not \\xff text"),
        ("s3://bucket/flowers", "flowers"),
        (f"/{'x' * 2000}", "x" * MAX_SOURCE_NAME),
    ],
)
def test_a_source_is_called_as_its_folder(folder: str, name: str) -> None:
    assert folder_name(folder) == name
