"""Options: defaults that depend on each other, and refusals."""

import dataclasses
from typing import Any

import pytest

from fitfeed.converters.options import RECORDED_ORDER, ConvertOptions, StorageOptions
from fitfeed.schemas.errors import UsageError


@pytest.mark.parametrize(
    ("given", "encoding", "fit"),
    [
        ({}, "keep", "shorter"),
        ({"size": (9, 9)}, "jpeg", "shorter"),
        ({"size": (9, 9), "encoding": "png"}, "png", "shorter"),
        ({"size": (9, 9), "encoding": "raw"}, "raw", "cover"),
        ({"encoding": "jpeg"}, "jpeg", "shorter"),
    ],
)
def test_defaults(given: dict[str, Any], encoding: str, fit: str) -> None:
    options = ConvertOptions(**given)
    assert (options.encoding, options.fit) == (encoding, fit)
    assert ConvertOptions.from_json(options.to_json()) == options


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"format": "zarr"}, "tfrecord, hdf5. Received: format='zarr'"),
        ({"encoding": "webp"}, "Received: encoding='webp'"),
        ({"fit": "crop"}, "Received: fit='crop'"),
        ({"channels": 4}, "Received: channels=4"),
        ({"frames": "all"}, "Received: frames='all'"),
        ({"class_from": "last"}, "Received: class_from='last'"),
        ({"size": (0, 5)}, r"Received: size=\(0, 5\)"),
        ({"quality": 0}, "Received: quality=0"),
        ({"quality": 101}, "Received: quality=101"),
        ({"background": (0, 0, 256)}, "Received: background"),
        ({"shards": 0}, "Received: shards=0"),
        ({"shard_bytes": 0}, "Received: shard_bytes=0"),
        ({"max_pixels": 0}, "Received: max_pixels=0"),
        ({"encoding": "keep", "size": (9, 9)}, "keep.*original bytes"),
        ({"encoding": "raw"}, "--size"),
        ({"encoding": "raw", "size": (9, 9), "fit": "shorter"}, "--fit cover"),
        ({"shards": 2, "shard_bytes": 5}, "contradict"),
        ({"split": {"train": 0.8, "validation": 0.3}}, "which sum to 1.1"),
        ({"split": {"train": 0.8}}, "which sum to 0.8"),
        ({"split": {"train": 1.5, "validation": -0.5}}, "Received: train=1.5"),
        ({"split": {"../x": 1.0}}, r"Received: '\.\./x'"),
        ({"split": {}}, "sum to 0"),
    ],
)
def test_refusals(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ConvertOptions(**given)


def test_every_option_is_recorded_in_its_place() -> None:
    assert sorted(field.name for field in dataclasses.fields(ConvertOptions)) == sorted(RECORDED_ORDER)
    content = ConvertOptions(group="patient", label_columns=("a", "b:int"), depth=16).to_json()
    assert list(content) == [name for name in RECORDED_ORDER if name in content]


def test_a_part_checks_itself() -> None:
    assert StorageOptions(size=(9, 9), encoding="raw").fit == "cover"
    with pytest.raises(UsageError, match="Add --size"):
        StorageOptions(encoding="raw")
