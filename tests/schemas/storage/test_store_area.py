"""What is particular to a store: nothing in it has a path, and a file is put under its final name only."""

from tests.schemas.storage.places import memory_place


def test_what_is_built_is_not_seen_before_it_is_whole() -> None:
    place = memory_place()
    with place.area().building("train-00000-of-00001.tfrecord") as built:
        built.path.write_bytes(b"half")
        assert place.area().is_empty()
        built.path.write_bytes(b"whole")
    assert [(found.name, found.bytes) for found in place.files()] == [("train-00000-of-00001.tfrecord", 5)]
    assert not built.path.exists()
    assert not place.area().moves_at_once


def test_the_store_marks_each_object_anew() -> None:
    """Whoever puts the same bytes again gets another mark."""
    place = memory_place()
    first = place.area().mark("begun")
    content, _ = place.read("begun", at_most=100)
    place.write("begun", content)
    assert place.area().marked("begun") != first
