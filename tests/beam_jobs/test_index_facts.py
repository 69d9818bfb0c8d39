"""What a whole conversion writes into the index about each example's files and pixels."""

import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image, ImageCms, ImageOps
from xxhash import xxh3_128_digest

from fitfeed import open_dataset
from fitfeed.converters.option_parts.storage import Encoding
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.verify import verify_dataset
from fitfeed.schemas.bit_depth import Depth, unit_of
from fitfeed.schemas.index import Index
from tests.labelled import Flower
from tests.without_beam import convert

LUMA = np.array([19_595, 38_470, 7_471]) / 65_536


def rows_of(dataset: Path, split: str = "train") -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (
        pa.ipc.open_file(str(dataset / f"{split}.index.arrow")).read_all().to_pylist()
    )
    return rows


def make_photo(path: Path, *, seed: int, orientation: int = 1) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (12, 20, 3), np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(path, "JPEG", exif=exif)


@pytest.mark.parametrize("size", [None, (6, 6)])
def test_digests_are_of_the_files_and_of_their_upright_pixels(
    tmp_path: Path, size: tuple[int, int] | None
) -> None:
    source = tmp_path / "source"
    for number in range(1, 9):
        make_photo(source / "a" / f"{number}.jpg", seed=number, orientation=number)
    convert(source, tmp_path / "dataset", ConvertOptions(size=size))
    rows = rows_of(tmp_path / "dataset")
    assert len(rows) == 8
    for row in rows:
        path = source / row["path"]
        assert row["source_digest"] == xxh3_128_digest(path.read_bytes())
        with Image.open(path) as image:
            upright = np.asarray(ImageOps.exif_transpose(image))
        assert row["pixel_digest"] == xxh3_128_digest(struct.pack("<3I", *upright.shape) + upright.tobytes())


def test_each_mask_has_the_digest_of_its_file(
    labelled: Callable[[str], Path], flower_table: tuple[Path, list[Flower]]
) -> None:
    source, flowers = flower_table
    masks = {flower.path: source / flower.labels["région"] for flower in flowers}
    rows = rows_of(labelled("tfrecord"))
    assert rows
    for row in rows:
        assert row["région_source_digest"] == xxh3_128_digest(masks[row["path"]].read_bytes())
        assert row["source_digest"] == xxh3_128_digest((source / row["path"]).read_bytes())


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
EIGHT = [(6, "JPEG"), (1, "PNG"), (8, "TIFF"), (3, "WEBP")]


@pytest.fixture
def varied(tmp_path: Path) -> Path:
    """A file of each format, 20 x 12 pixels before they are turned, every other with a profile."""
    folder = tmp_path / "source" / "a"
    folder.mkdir(parents=True)
    for number, (orientation, format_) in enumerate(EIGHT):
        pixels = np.random.default_rng(number).integers(0, 256, (12, 20, 3), np.uint8)
        exif = Image.Exif()
        exif[0x0112] = orientation
        given = {"icc_profile": SRGB} if number % 2 else {}
        suffix = "jpg" if format_ == "JPEG" else format_.lower()
        Image.fromarray(pixels).save(
            folder / f"{number}.{suffix}", format_, exif=exif, lossless=True, **given
        )
    return tmp_path / "source"


@pytest.mark.parametrize(
    ("encoding", "depth"),
    [("keep", 8), ("jpeg", 8), ("png", 8), ("raw", 8), ("keep", 16), ("png", 16), ("raw", 16)],
)
def test_facts_are_of_the_file_and_brightness_of_what_is_stored(
    varied: Path, tmp_path: Path, encoding: Encoding, depth: Depth
) -> None:
    size = None if encoding == "keep" else (9, 7)
    convert(varied, tmp_path / "dataset", ConvertOptions(encoding=encoding, size=size, depth=depth))
    index = Index(tmp_path / "dataset" / "train.index.arrow")
    records = open_dataset(tmp_path / "dataset").records("train")
    assert len(index) == len(EIGHT)
    for row in range(len(index)):
        number = int(index.key(row)[2])
        orientation, format_ = EIGHT[number]
        turned = orientation in (6, 8)
        assert (index.source_format[row], index.orientation[row]) == (format_, orientation)
        assert index.profile[row] == ("sRGB built-in" if number % 2 else None)
        assert (index.source_height[row], index.source_width[row]) == ((20, 12) if turned else (12, 20))
        assert index.source[row] == 0
        pixels = records[row]["image"]
        values = pixels.reshape(-1, 3).astype(np.float64) / unit_of(pixels) * 256
        assert abs(index.mean[row] - (values @ LUMA).mean()) <= 0.5 + 1e-6
        assert abs(index.deviation[row] - np.sqrt(values.var(axis=0) @ LUMA)) <= 0.5 + 1e-6


def test_profiles_and_formats_of_images_that_join_are_numbered_on(varied: Path, tmp_path: Path) -> None:
    later = tmp_path / "later"
    shutil.copytree(varied, later)
    for path in (varied / "a").glob("[0-2].*"):
        path.unlink()
    options = ConvertOptions(encoding="raw", size=(4, 4))
    convert(varied, tmp_path / "dataset", options)
    assert [(row["source_format"], row["profile"]) for row in rows_of(tmp_path / "dataset")] == [
        ("WEBP", "sRGB built-in")
    ]
    convert(later, tmp_path / "dataset", append=True)
    expected = {f"a/{number}": format_ for number, (_, format_) in enumerate(EIGHT)}
    rows = rows_of(tmp_path / "dataset")
    assert rows[0]["source_format"] == "WEBP"
    assert {row["key"].partition(".")[0]: row["source_format"] for row in rows} == expected
    assert [row["profile"] is not None for row in rows] == [int(row["key"][2]) % 2 == 1 for row in rows]
    assert verify_dataset(tmp_path / "dataset").ok
