"""What a launch needs of a place in which it works: the same for folders and stores."""

from pathlib import Path

import pytest

from fitfeed.schemas.storage.place import Place
from tests.schemas.storage.places import KINDS, PLACES


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty place of each kind."""
    return KINDS[request.param](tmp_path).below("dataset")


def test_it_is_empty_until_something_is_there(place: Place) -> None:
    area = place.area()
    assert area.is_empty()
    assert not area.has_folder("a")
    area.make()
    assert area.is_empty()
    place.write("a/b", b"x")
    assert not area.is_empty()
    assert area.has_folder("a")
    assert not area.has_folder("b")
    assert not area.is_file()
    assert place.below("a/b").area().is_file()
    assert not place.below("a").area().is_file()


def test_names_by_pattern(place: Place) -> None:
    for name in ("train-0-of-1.h5", "train.index.arrow", "thesis.doc", "a/x.index.arrow"):
        place.write(name, b"x")
    assert place.area().names(["*-of-*.h5", "*.index.arrow"]) == {"train-0-of-1.h5", "train.index.arrow"}
    assert place.area().names(iter(["*.doc"])) == {"thesis.doc"}
    assert place.below("nothing").area().names(["*"]) == set()


def test_a_mark_is_known_until_it_is_made_again(place: Place) -> None:
    area = place.area()
    area.make()
    assert area.marked("begun") is None
    first = area.mark("begun")
    assert area.marked("begun") == first
    place.delete("begun")
    assert area.marked("begun") is None
    place.write("begun", b"")
    assert area.marked("begun") != first


def test_a_built_file_is_there_when_it_is_whole(place: Place) -> None:
    place.area().make()
    with place.area().building("a") as built:
        built.path.with_name("b").write_bytes(b"whole")
        built.path.with_name("b").rename(built.path)
        with pytest.raises(RuntimeError, match="still being built"):
            _ = built.found
    assert built.found.identity == place.find("a").identity
    assert built.found.bytes == 5
    assert place.read("a", at_most=9)[0] == b"whole"
    assert place.area().has_file("a")
    place.area().sync()
    place.area().sweep()
    assert place.area().has_file("a")


def test_an_empty_place_is_nobodys(place: Place) -> None:
    place.area().require_own()
    place.area().require_writable()
    place.area().make()
    place.area().remove()
    assert place.area().is_empty()


def test_what_building_takes_is_said(place: Place) -> None:
    area = place.area()
    assert area.builds_in_place == (area.put_bytes == 0) == area.moves_at_once
    assert not area.access_advice.endswith(".")
