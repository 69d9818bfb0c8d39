"""Records of a TFRecord shard, damaged one by one; the bytes are taken apart by struct and google_crc32c."""

import dataclasses
import struct
from pathlib import Path

import google_crc32c
import pytest

from fitfeed.converters.verify.report import Finding
from fitfeed.converters.verify.tfrecord import examine_tfrecord
from tests.converters.verify.handmade_shard import LAYOUTS, HandmadeShard

HEADER, FOOTER = 12, 4


def masked(data: bytes) -> bytes:
    """The checksum as TensorFlow documents it."""
    crc = google_crc32c.value(data)
    return struct.pack("<I", (((crc >> 15) | (crc << 17)) + 0xA282EAD8) % 2**32)


def starts_of(shard: HandmadeShard) -> list[int]:
    """Where each record begins, and the end of the last."""
    content, starts = shard.path.read_bytes(), [0]
    while starts[-1] < len(content):
        (length,) = struct.unpack_from("<Q", content, starts[-1])
        starts.append(starts[-1] + HEADER + length + FOOTER)
    return starts


def flip(shard: HandmadeShard, offset: int) -> None:
    shard.change(offset, bytes([shard.path.read_bytes()[offset] ^ 1]))


def reframe(shard: HandmadeShard, number: int) -> None:
    """Makes the checksum of a record right again."""
    start, end = starts_of(shard)[number : number + 2]
    record = shard.path.read_bytes()[start + HEADER : end - FOOTER]
    shard.change(end - FOOTER, masked(record))


def replace(shard: HandmadeShard, number: int, old: bytes, new: bytes) -> None:
    """Changes a whole record, which stays whole."""
    assert len(old) == len(new)
    start, end = starts_of(shard)[number : number + 2]
    record = shard.path.read_bytes()[start:end]
    assert record.count(old) == 1
    shard.change(start + record.index(old), new)
    reframe(shard, number)


def examined(shard: HandmadeShard) -> list[Finding]:
    with shard.reading() as reading:
        return list(examine_tfrecord(reading, shard.rows))


def found(shard: HandmadeShard) -> list[tuple[str, int | None, int | None, str]]:
    return [(each.kind, each.example, each.offset, each.detail) for each in examined(shard)]


@pytest.fixture
def shard(tmp_path: Path) -> HandmadeShard:
    return HandmadeShard(tmp_path, "tfrecord", "encoded")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_whole_shard(tmp_path: Path, layout: str) -> None:
    shard = HandmadeShard(tmp_path, "tfrecord", layout)
    with shard.reading() as reading:
        assert list(examine_tfrecord(reading, shard.rows)) == []
        assert reading.left == 0


@pytest.mark.parametrize("number", [0, 3])
def test_a_damaged_header_hides_no_other_record(shard: HandmadeShard, number: int) -> None:
    start = starts_of(shard)[number]
    flip(shard, start + 1)
    assert found(shard) == [("framing", 4 + number, start, "the checksum of its length is wrong")]


def test_it_hides_them_where_the_index_is_damaged_too(shard: HandmadeShard) -> None:
    start = starts_of(shard)[1]
    flip(shard, start + 8)  # of the checksum
    flip(shard, starts_of(shard)[3] - 1)
    shard.rows = dataclasses.replace(shard.rows, index_is_whole=False)
    assert [each[:3] for each in found(shard)] == [("framing", 5, start)]


@pytest.mark.parametrize("name", ["image", "région"])
def test_a_damaged_payload(shard: HandmadeShard, name: str) -> None:
    column = shard.rows if name == "image" else shard.rows.masks[name]
    offset, length = int(column.offset[2]), int(column.length[2])
    flip(shard, offset)
    detail = f"its {name} of {length} bytes has another CRC-32C than the index says"
    assert found(shard) == [("payload", 6, offset, detail)]


def test_damage_beside_the_payloads(shard: HandmadeShard) -> None:
    start, end = starts_of(shard)[1:3]
    flip(shard, end - 1)
    assert found(shard) == [("record", 5, start, "its checksum is wrong, but its image is whole")]
    shard.rows = dataclasses.replace(shard.rows, index=None)
    assert found(shard) == [("record", 5, start, "its checksum is wrong")]


@pytest.mark.parametrize(
    ("old", "new", "detail"),
    [
        (b"train-1.bin/2", b"train-1.bin/x", "its key is b'train-1.bin/x', expected b'train-1.bin/2'"),
        (b"jpeg", b"jpog", "its format is b'jpog', expected b'jpeg'"),
        ("ü\nü\n".encode(), b"abcdef", "its note is b'abcdef', expected b'\\xc3\\xbc\\n\\xc3\\xbc\\n'"),
        (struct.pack("<f", -0.5), struct.pack("<f", -0.75), "its height_cm is -0.75, expected -0.5"),
        (b"width", b"vidth", "its width is None, expected 3"),
        (b"image", b"imago", "the index points to other bytes than its image"),
    ],
)
def test_a_whole_record_that_says_otherwise(
    shard: HandmadeShard, old: bytes, new: bytes, detail: str
) -> None:
    replace(shard, 2, old, new)
    start = starts_of(shard)[2]
    assert found(shard) == [("disagrees", 6, start, detail)]


def test_a_payload_that_was_changed_with_its_record(shard: HandmadeShard) -> None:
    offset = int(shard.rows.offset[1])
    flip(shard, offset + 5)
    reframe(shard, 1)
    ((kind, example, place, detail),) = found(shard)
    assert (kind, example, place) == ("disagrees", 5, offset)
    assert "has another CRC-32C than the index says" in detail


def test_a_record_that_is_not_an_example(shard: HandmadeShard) -> None:
    start = starts_of(shard)[0]
    shard.change(start + HEADER, b"\xff" * 3)
    reframe(shard, 0)
    assert found(shard) == [("disagrees", 4, start, "its record is not a tf.train.Example")]


@pytest.mark.parametrize("lost", [1, 3])
@pytest.mark.parametrize("more", [0, 5, HEADER, HEADER + 7])
def test_a_shard_that_ends_too_early(shard: HandmadeShard, lost: int, more: int) -> None:
    start = starts_of(shard)[4 - lost]
    shard.path.write_bytes(shard.path.read_bytes()[: start + more])
    detail = f"the file ends in this example: {lost} examples are lost"
    assert found(shard) == [("truncated", 8 - lost, start, detail)]


@pytest.mark.parametrize("length", [2**20, 2**31 + 1, 2**40, 2**64 - 1])
def test_a_length_that_is_forged_allocates_nothing(shard: HandmadeShard, length: int) -> None:
    start, header = starts_of(shard)[1], struct.pack("<Q", length)
    shard.change(start, header + masked(header))
    assert [each[:3] for each in found(shard)] == [("truncated", 5, start)]


def test_bytes_after_the_last_record(shard: HandmadeShard) -> None:
    size = shard.shard.bytes
    with shard.path.open("ab") as stream:
        stream.write(b"more")
    detail = "4 bytes follow the last of the 4 records that the manifest counts"
    assert found(shard) == [("disagrees", None, size, detail)]
