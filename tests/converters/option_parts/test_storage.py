"""Options of how images are stored: defaults that depend on each other, and refusals."""

import dataclasses
from typing import Any

import pytest

from fitfeed.converters.option_parts.storage import StorageOptions
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
    options = StorageOptions(**given)
    assert (options.encoding, options.fit) == (encoding, fit)
    assert StorageOptions(**dataclasses.asdict(options)) == options


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"format": "zarr"}, "tfrecord, hdf5. Received: format='zarr'"),
        ({"encoding": "webp"}, "Received: encoding='webp'"),
        ({"fit": "crop"}, "Received: fit='crop'"),
        ({"channels": 4}, "Received: channels=4"),
        ({"frames": "all"}, "Received: frames='all'"),
        ({"size": (0, 5)}, r"Received: size=\(0, 5\)"),
        ({"quality": 0}, "Received: quality=0"),
        ({"quality": 101}, "Received: quality=101"),
        ({"background": (0, 0, 256)}, "Received: background"),
        ({"max_pixels": 0}, "Received: max_pixels=0"),
        ({"encoding": "keep", "size": (9, 9)}, "keep.*original bytes"),
        ({"encoding": "raw"}, "--size"),
        ({"encoding": "raw", "size": (9, 9), "fit": "shorter"}, "--fit cover"),
    ],
)
def test_refusals(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        StorageOptions(**given)
