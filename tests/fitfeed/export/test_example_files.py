"""Images and masks are files of a file system of fsspec."""

import io
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
from PIL import Image

from fitfeed.converters.options import ConvertOptions
from fitfeed.export.example_address import ExampleAddress
from fitfeed.export.example_files import ExampleFiles, register
from fitfeed.pipelines import Dataset, open_dataset
from fitfeed.schemas.errors import DamagedExampleError, NotFoundError, UsageError
from tests.without_beam import convert

ROOT = Path(__file__).parents[3]


def address_of(dataset: Dataset, split: str, column: str, number: int) -> str:
    fingerprint = dataset.manifest.fingerprint[:16]
    return f"{ExampleAddress(dataset.address, fingerprint, split, column, number).prefix()}{number}"


def read(address: str) -> bytes:
    register()
    with fsspec.open(address, "rb") as file:
        content: bytes = file.read()
    return content


def pixels(content: bytes) -> Any:
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image)


def test_a_file_is_what_is_stored(photos: Dataset) -> None:
    records = photos.records("train")
    for number in range(len(records)):
        assert read(address_of(photos, "train", "image", number)) == records.encoded(number)


def test_masks_are_files(labeled: Dataset) -> None:
    records = labeled.records("train")
    for number in range(len(records)):
        mask = pixels(read(address_of(labeled, "train", "région", number)))
        assert np.array_equal(mask, records[number]["région"][:, :, 0])


def test_raw_pixels_of_16_bits_are_whole(deep_gray: Dataset) -> None:
    records = deep_gray.records("train")
    for number in range(len(records)):
        found = pixels(read(address_of(deep_gray, "train", "image", number)))
        assert np.array_equal(found, records[number]["image"][:, :, 0])


def test_pixels_may_begin_as_a_jpeg_does(tmp_path: Path) -> None:
    """Its magic number is a color: (255, 216, 255)."""
    drawn = np.random.default_rng(0).integers(0, 256, (4, 5, 3), np.uint8)
    drawn[0, 0] = 255, 216, 255
    (tmp_path / "source" / "a").mkdir(parents=True)
    Image.fromarray(drawn).save(tmp_path / "source" / "a" / "0.png")
    plain = ConvertOptions(encoding="raw", size=(4, 5), fit="stretch")
    convert(tmp_path / "source", tmp_path / "dataset", plain)
    found = pixels(read(address_of(open_dataset(tmp_path / "dataset"), "train", "image", 0)))
    assert np.array_equal(found, drawn)


def test_damage_is_named(own: Path) -> None:
    dataset = open_dataset(own)
    offset = int(dataset.records("train").index.offset[2])
    (shard,) = own.glob("*.tfrecord")
    content = bytearray(shard.read_bytes())
    content[offset + 40] ^= 1
    shard.write_bytes(content)
    with pytest.raises(DamagedExampleError, match=r"the bytes of its image are not those that were stored"):
        read(address_of(dataset, "train", "image", 2))
    assert read(address_of(dataset, "train", "image", 1))


def test_another_dataset_in_its_place_is_refused(own: Path) -> None:
    address = address_of(open_dataset(own), "train", "image", 0)
    assert read(address)
    convert(own.parent / "source", own, ConvertOptions(encoding="jpeg"), overwrite=True)
    from fitfeed.export import example_files

    example_files._open_dataset.cache_clear()  # as in another process
    with pytest.raises(UsageError, match="is not the dataset that it was"):
        read(address)


def test_what_is_not_there_is_said(labeled: Dataset) -> None:
    with pytest.raises(UsageError, match="has no image or mask called 'note'"):
        read(address_of(labeled, "train", "note", 0))
    with pytest.raises(NotFoundError, match=r"has \d+ examples\. Received: number 1000"):
        read(address_of(labeled, "train", "image", 1000))
    with pytest.raises(UsageError, match="no such split"):
        read(address_of(labeled, "elsewhere", "image", 0))
    with pytest.raises(UsageError, match="expected fitfeed://DATASET"):
        read("fitfeed://photos")
    with pytest.raises(UsageError, match="are read only"):
        ExampleFiles().open(address_of(labeled, "train", "image", 0), "wb")


def test_other_processes_find_the_file_system() -> None:
    """fsspec reads the entry point of an installed fitfeed; `tests/test_one_name.py` tries that."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    module, _, name = project["entry-points"]["fsspec.specs"]["fitfeed"].partition(":")
    assert getattr(import_module(module), name) is ExampleFiles
    assert ExampleFiles.protocol == "fitfeed"
