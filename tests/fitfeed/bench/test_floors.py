"""Floors are of what there is."""

from fitfeed.bench.floors import Sample, copy_rate, stage_floors
from fitfeed.pipelines import Dataset


def test_floors_are_of_what_there_is(photos: Dataset) -> None:
    sample = Sample(photos.records("train"), 4)
    floors = stage_floors(photos, "train", sample, image_shape=(64, 64, 3), image_bytes=64 * 64 * 12)
    assert set(floors) == {"read", "decode", "augment", "normalize", "batch"}
    assert all(seconds > 0 for seconds in floors.values())
    assert floors["decode"] > floors["read"]


def test_memory_is_copied() -> None:
    assert copy_rate(threads=1) > 1e7
    assert copy_rate(threads=2) > 1e7
