"""Paths are told from addresses."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.local_path import local_path, without_secrets

SCHEMES = st.from_regex(r"[A-Za-z][A-Za-z0-9+.-]{1,8}", fullmatch=True)
NAMES = st.from_regex(r"[a-z0-9._/ -]{0,12}", fullmatch=True)


@given(SCHEMES, NAMES)
def test_every_scheme_is_refused_as_text_and_as_path(scheme: str, name: str) -> None:
    address = f"{scheme}://{name}"
    for path in (address, Path(address)):
        with pytest.raises(UsageError, match=r"DATASET .* is an address") as caught:
            local_path(path, "DATASET")
        assert f"{scheme}://" in str(caught.value)


@given(NAMES)
def test_every_other_path_stays_as_it_is(name: str) -> None:
    for path in (name, f"/{name}", f"x/gs:{name}", f"C:/{name}", f"a:b/{name}"):
        assert local_path(path, "DATASET") == local_path(Path(path), "DATASET") == Path(path)


def test_a_file_address_is_answered_with_its_path() -> None:
    with pytest.raises(UsageError, match=r"Write it as a path: /home/me/photos$"):
        local_path("file:///home/me/photos", "SOURCE")


@given(st.text("HUS:/?=&", min_size=1), st.text("ab/?@:", max_size=8))
def test_an_address_is_shown_without_what_may_be_secret(secret: str, rest: str) -> None:
    assert without_secrets(f"s3://me:{secret}@bucket/{rest}") == "s3://..."
    assert without_secrets(f"s3://bucket/photos?{secret}") == "s3://bucket/photos"
    assert without_secrets("s3://bucket/a@b.png") == "s3://bucket/a@b.png"


def test_what_must_be_local_is_answered_without_secrets() -> None:
    with pytest.raises(UsageError, match="is an address, and --font must be on this machine") as caught:
        local_path("s3://me:HUSH@bucket/font?sig=HUSH", "--font")
    assert "HUSH" not in str(caught.value)
