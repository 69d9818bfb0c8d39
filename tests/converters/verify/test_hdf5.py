"""Images and columns of an HDF5 shard, damaged one by one with h5py."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from fitfeed.converters.verify import hdf5 as module
from fitfeed.converters.verify.hdf5 import examine_columns, examine_images
from fitfeed.converters.verify.report import Finding
from tests.converters.verify.handmade_shard import LAYOUTS, HandmadeShard

FORMATS = {"encoded": "jpeg", "raw": "raw", "16 bits": "raw"}


@pytest.fixture(params=LAYOUTS)
def any_shard(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[HandmadeShard, str]:
    """A shard in every layout, and the format of its images."""
    return HandmadeShard(tmp_path, "hdf5", request.param), FORMATS[request.param]


@pytest.fixture
def shard(tmp_path: Path) -> HandmadeShard:
    return HandmadeShard(tmp_path, "hdf5", "encoded")


def images(shard: HandmadeShard) -> tuple[list[Finding], list[str]]:
    formats: list[str] = []
    with shard.reading() as reading:
        return list(examine_images(reading, shard.rows, formats)), formats


def columns(shard: HandmadeShard, formats: list[str] | None = None) -> list[Finding]:
    return list(examine_columns(shard.path, shard.rows, formats or ["jpeg"] * 4))


def edit(shard: HandmadeShard, change: Callable[[Any], object]) -> None:
    with h5py.File(shard.path, "r+") as file:
        change(file)


def test_a_whole_shard(any_shard: tuple[HandmadeShard, str]) -> None:
    shard, format_ = any_shard
    assert images(shard) == ([], [format_] * 4)
    assert columns(shard, [format_] * 4) == []


@pytest.mark.parametrize("name", ["image", "région"])
def test_a_damaged_payload(any_shard: tuple[HandmadeShard, str], name: str) -> None:
    shard, format_ = any_shard
    column = shard.rows if name == "image" else shard.rows.masks[name]
    offset, length = int(column.offset[2]), int(column.length[2])
    shard.change(offset + length - 1, b"\xfe")
    (finding,), formats = images(shard)
    assert (finding.kind, finding.example, finding.offset) == ("payload", 6, offset)
    assert finding.detail == f"its {name} of {length} bytes has another CRC-32C than the index says"
    unknown = "?" if name == "image" else format_
    assert formats == [format_, format_, unknown, format_]
    assert columns(shard, formats) == []  # an unknown format is equal to any


def test_a_shard_that_ends_too_early(shard: HandmadeShard) -> None:
    offset = int(shard.rows.offset[2])
    shard.path.write_bytes(shard.path.read_bytes()[: offset + 3])
    (finding,), formats = images(shard)
    assert (finding.kind, finding.example, finding.offset) == ("truncated", 6, offset + 3)
    assert formats == ["jpeg", "jpeg", "?", "?"]
    (finding,) = columns(shard, formats)
    assert (finding.kind, finding.example) == ("structure", None)
    assert finding.detail.startswith("it cannot be read as HDF5 (")


@pytest.mark.parametrize("content", [b"", b"no HDF5", b"\x89HDF\r\n\x1a\n" + bytes(100)])
def test_a_file_that_is_not_hdf5(shard: HandmadeShard, content: bytes) -> None:
    shard.path.write_bytes(content)
    (finding,) = columns(shard)
    assert finding.kind == "structure"
    assert finding.detail.startswith("it cannot be read as HDF5 (")


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("species", 9, "its species is 9, the index says 2"),
        ("petals", 5, f"its petals is 5, the index says {2 - 2**40}"),
        ("height_cm", 0.25, "its height_cm is 0.25, the index says -0.5"),
        ("height", 4, "its height is 4, the index says 2"),
        ("width", 4, "its width is 4, the index says 3"),
        ("channels", 1, "its channels is 1, the index says 3"),
        ("format", b"png", "its format is b'png', the index says b'jpeg'"),
        ("key", b"other", "its key is b'other', the index says b'train-1.bin/2'"),
    ],
)
@pytest.mark.parametrize("block_bytes", [1, 1 << 20])
def test_a_column_that_says_otherwise(
    shard: HandmadeShard,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: Any,
    shown: str,
    block_bytes: int,
) -> None:
    monkeypatch.setattr(module, "BLOCK_BYTES", block_bytes)

    def change(file: Any) -> None:
        file[name][2] = value

    edit(shard, change)
    with h5py.File(shard.path) as file:
        place = file[name].id.get_offset() + 2 * file[name].id.get_type().get_size()
    found = [(each.kind, each.example, each.offset, each.detail) for each in columns(shard)]
    assert found == [("disagrees", 6, place, shown)]


@pytest.mark.parametrize(
    ("name", "place", "value", "shown"),
    [
        ("note", 3, ord("x"), "its note is"),
        ("tags", 2, 7, "its tags is [0, 7], the index says [0, 1]"),
    ],
)
def test_values_of_different_lengths(
    shard: HandmadeShard, name: str, place: int, value: int, shown: str
) -> None:
    def change(file: Any) -> None:
        file[name][place] = value

    edit(shard, change)
    (finding,) = columns(shard)
    assert (finding.kind, finding.example) == ("disagrees", 6)
    assert finding.detail.startswith(shown)


@pytest.mark.parametrize("end", [-1, 2, 4, 2**60])
def test_lengths_that_lead_anywhere(shard: HandmadeShard, end: int) -> None:
    def change(file: Any) -> None:
        file["tags_offset"][2] = end  # of examples without a tag: 0, 1, 3

    with h5py.File(shard.path) as file:
        assert file["tags_offset"][:].tolist() == [0, 0, 1, 3, 3]
    edit(shard, change)
    found = columns(shard)
    assert {each.example for each in found} == {5, 6}
    assert {each.kind for each in found} == {"disagrees"}


@pytest.mark.parametrize("name", ["image", "région"])
def test_payloads_that_hdf5_has_elsewhere(shard: HandmadeShard, name: str) -> None:
    def change(file: Any) -> None:
        file[f"{name}_offset"][1] -= 1

    edit(shard, change)
    found = columns(shard)
    assert [(each.kind, each.example) for each in found] == [("disagrees", 4), ("disagrees", 5)]
    assert f"bytes of {name} at byte" in found[0].detail


def absent(file: Any) -> None:
    del file["species"]


def other_type(file: Any) -> None:
    del file["species"]
    file["species"] = np.zeros(4, "<i4")


def other_shape(file: Any) -> None:
    del file["species"]
    file["species"] = np.zeros(5, "<i8")


def compressed(file: Any) -> None:
    del file["species"]
    file.create_dataset("species", data=np.zeros(4, "<i8"), compression="gzip")


def group(file: Any) -> None:
    del file["species"]
    file.create_group("species")


def link(file: Any) -> None:
    file.move("species", "elsewhere")
    file["species"] = h5py.SoftLink("/elsewhere")


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        (absent, "'species' is missing or is a link, expected a data set"),
        (link, "'species' is missing or is a link, expected a data set"),
        (group, "'species' is not a data set"),
        (compressed, "'species' is not stored contiguously, uncompressed and in this file"),
        (other_type, "'species' has another type than fitfeed gives it"),
        (other_shape, "'species' has shape (5,), expected (4,)"),
    ],
)
def test_another_structure(shard: HandmadeShard, change: Callable[[Any], None], detail: str) -> None:
    edit(shard, change)
    assert columns(shard) == [Finding(file="train-1.bin", kind="structure", detail=detail)]
