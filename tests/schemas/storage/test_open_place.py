"""Paths and addresses are told apart, as text and as `Path`."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from fitfeed.schemas.storage.local import LocalPlace
from fitfeed.schemas.storage.open_place import open_place
from tests.programs import run_program

PARTS = st.from_regex(r"[a-z0-9_ -][a-z0-9._ -]{0,8}", fullmatch=True)
BUCKETS = st.from_regex(r"[a-z0-9][a-z0-9-]{2,10}", fullmatch=True)


@given(st.sampled_from(["gs", "s3", "az", "S3"]), BUCKETS, st.lists(PARTS, max_size=3))
def test_an_address_is_a_place_as_text_and_as_path(scheme: str, bucket: str, parts: list[str]) -> None:
    address = "/".join([f"{scheme}://{bucket}", *parts])
    expected = address.replace("S3", "s3", 1)
    assert str(open_place(address, "SOURCE")) == expected
    assert str(open_place(Path(address), "SOURCE")) == expected
    assert str(open_place(f"{address}/", "SOURCE")) == expected
    assert open_place(address, "SOURCE").is_far


@given(st.from_regex(r"[a-z0-9._/ -]{0,12}", fullmatch=True))
def test_everything_else_is_a_path(name: str) -> None:
    for path in (name, f"/{name}", f"x/gs:{name}", f"C:/{name}", f"a:b/{name}"):
        assert open_place(path, "SOURCE") == open_place(Path(path), "SOURCE") == LocalPlace(Path(path))


def test_a_place_stays_as_it_is() -> None:
    place = open_place("gs://bucket/a", "SOURCE")
    assert open_place(place, "SOURCE") is place


def test_the_last_part_is_the_name() -> None:
    assert [open_place(given, "SOURCE").name for given in ("gs://bucket/a/b.csv", "a/b.csv", "b.csv")] == [
        "b.csv"
    ] * 3


def test_a_place_chooses_what_is_for_it() -> None:
    far = open_place("gs://bucket/a", "SOURCE")
    assert far.choose(local=lambda path: [path], far=lambda place: [place]) == [far]
    assert open_place("a/b", "SOURCE").choose(local=str, far=lambda place: f"far {place}") == "a/b"


def test_the_client_is_loaded_with_the_first_address() -> None:
    program = """
import sys
from fitfeed.schemas.storage.open_place import open_place
open_place("/photos", "SOURCE")
print("obstore" in sys.modules)
open_place("gs://bucket", "SOURCE")
print("obstore" in sys.modules)
"""
    assert run_program(program).split() == ["False", "True"]
