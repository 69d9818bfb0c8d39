"""What a refused conversion, or an append that adds nothing, leaves in a store does not hinder the next command."""

from pathlib import Path

import pytest

from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.verify import verify_dataset
from fitfeed.schemas.errors import DuplicateImagesError, TooManyRejectsError
from fitfeed.schemas.storage.place import Place
from tests.beam_jobs.draw import draw
from tests.beam_jobs.test_datasets_in_stores import OPTIONS
from tests.schemas.storage.places import memory_place
from tests.without_beam import convert


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return draw(tmp_path / "photos", range(6))


@pytest.fixture
def place() -> Place:
    return memory_place()


def copy(photos: Path, name: str, number: int) -> None:
    (photos / "cat" / name).write_bytes((photos / "cat" / f"{number}.png").read_bytes())


def test_copies_are_dropped_after_they_were_refused(photos: Path, place: Place) -> None:
    copy(photos, "copy.png", 0)
    with pytest.raises(DuplicateImagesError):
        convert(photos, str(place), ConvertOptions(shards=2, duplicates="fail"))
    dropping = ConvertOptions(shards=2, duplicates="drop")
    assert not convert(photos, str(place), dropping).up_to_date
    assert verify_dataset(str(place)).ok
    assert convert(photos, str(place), dropping).up_to_date


def test_rejects_are_tolerated_after_they_were_refused(photos: Path, place: Place) -> None:
    (photos / "cat" / "bad.png").write_bytes(b"no picture")
    with pytest.raises(TooManyRejectsError):
        convert(photos, str(place), OPTIONS)
    (photos / "cat" / "notes.txt").write_text("The list of rejects has another line now.")
    assert not convert(photos, str(place), OPTIONS, max_bad=1).up_to_date
    assert verify_dataset(str(place)).ok


def test_an_append_that_adds_nothing_leaves_no_shard(photos: Path, place: Place) -> None:
    copy(photos, "copy.png", 0)
    convert(photos, str(place), ConvertOptions(shards=2, duplicates="drop"))
    copy(photos, "again.png", 2)
    for _ in range(2):
        assert convert(photos, str(place), append=True).manifest.splits["train"].examples == 6
        assert verify_dataset(str(place)).ok
