"""What the index says of a shard's examples, and what follows from it for the shard."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fitfeed.converters.verify.rows import ShardRows
from fitfeed.schemas.errors import DamagedDatasetError
from fitfeed.schemas.manifest_parts import Shard
from fitfeed.schemas.payload import MAX_PAYLOAD_BYTES
from tests.converters.handmade import Example
from tests.converters.verify.handmade_shard import EXAMPLES, HandmadeShard


@pytest.fixture
def shard(tmp_path: Path) -> HandmadeShard:
    return HandmadeShard(tmp_path, "tfrecord", "encoded")


@pytest.fixture
def rows(shard: HandmadeShard) -> ShardRows:
    return shard.rows


def test_they_are_those_of_the_shard(shard: HandmadeShard) -> None:
    rows, content = shard.rows, shard.path.read_bytes()
    places = zip(rows.offset.tolist(), rows.length.tolist(), EXAMPLES, strict=True)
    for offset, length, example in places:
        assert content[offset : offset + length] == example.payload(_options(rows))
    mask = rows.masks["région"]
    for offset, length, example in zip(mask.offset.tolist(), mask.length.tolist(), EXAMPLES, strict=True):
        assert content[offset : offset + length] == example.labels({"m": "mask"}, _options(rows))["m"]
    assert rows.inside.tolist() == rows.ascending.tolist() == [True] * 4
    assert rows.can_be_trusted
    assert rows.key(0) == "train-1.bin/0"
    assert rows.key(4) is None


def _options(rows: ShardRows) -> Any:
    from fitfeed.converters.options import ConvertOptions

    return ConvertOptions.from_json(rows.manifest.options)


def placed(rows: ShardRows, offsets: list[int], lengths: list[int], *, size: int) -> ShardRows:
    """Other places in a shard of another size."""
    shard = Shard(file="a", bytes=size, sha256="0" * 64, examples=len(offsets))
    changed = dataclasses.replace(rows, shard=shard)
    vars(changed).update(offset=np.array(offsets, np.int64), length=np.array(lengths, np.int64))
    return changed


@pytest.mark.parametrize(
    ("offset", "length", "size", "inside"),
    [
        (0, 10, 10, True),
        (0, 11, 10, False),
        (1, 10, 10, False),
        (-1, 5, 10, False),
        (5, 0, 10, False),
        (5, -1, 10, False),
        (0, MAX_PAYLOAD_BYTES, 2**40, True),
        (0, MAX_PAYLOAD_BYTES + 1, 2**40, False),
        (2**63 - 1, MAX_PAYLOAD_BYTES, 2**53 - 1, False),  # their sum does not fit into 64 bits
        (2**63 - 1, 2**63 - 1, 2**53 - 1, False),
        (-(2**63), 1, 2**53 - 1, False),
    ],
)
def test_a_payload_is_inside_its_shard(
    rows: ShardRows, offset: int, length: int, size: int, inside: bool
) -> None:
    changed = placed(rows, [offset], [length], size=size)
    assert changed.inside.tolist() == [inside]
    assert changed.can_be_trusted == inside


@pytest.mark.parametrize(
    ("offsets", "ascending"),
    [
        ([0, 10, 20], [True, True, True]),
        ([5, 15, 30], [True, True, True]),
        ([0, 9, 20], [True, False, True]),
        ([20, 10, 0], [True, False, False]),
        ([-5, 5, 20], [False, True, True]),
        ([2**62, 0, 10], [True, True, True]),  # one that is outside has no end
    ],
)
def test_payloads_follow_one_another(rows: ShardRows, offsets: list[int], ascending: list[bool]) -> None:
    changed = placed(rows, offsets, [10] * 3, size=100)
    assert changed.ascending.tolist() == ascending
    assert changed.can_be_trusted == (all(ascending) and max(offsets) < 100)


def test_a_damaged_index_is_not_trusted(rows: ShardRows) -> None:
    assert not dataclasses.replace(rows, index_is_whole=False).can_be_trusted


def test_without_an_index(rows: ShardRows) -> None:
    without = dataclasses.replace(rows, index=None)
    assert (len(without.offset), len(without.length), len(without.crc32c)) == (0, 0, 0)
    assert (without.masks, without.key(0), without.can_be_trusted) == ({}, None, False)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_what_a_record_must_have(rows: ShardRows, number: int) -> None:
    labels = Example(label=number).labels(
        {"species": "class", "tags": "multiclass", "height_cm": "float", "petals": "int", "note": "text"},
        _options(rows),
    )
    assert rows.expected(number, b"\xff\xd8\xff") == {
        "key": [f"train-1.bin/{number}".encode()],
        "height": [2],
        "width": [3],
        "channels": [3],
        "format": [b"jpeg"],
        "species": [labels["species"]],
        "tags": labels["tags"],
        "height_cm": [float(np.float32(labels["height_cm"]))],
        "petals": [labels["petals"]],
        "note": [labels["note"].encode()],
    }


def test_formats(rows: ShardRows, tmp_path: Path) -> None:
    assert rows.format_of(b"\x89PNG\r\n\x1a\n") == "png"
    assert rows.format_of(b"\xff\xd8\xff") == "jpeg"
    assert HandmadeShard(tmp_path / "raw", "tfrecord", "raw").rows.format_of(b"\xff\xd8\xff") == "raw"


def test_findings_name_the_example(rows: ShardRows) -> None:
    found = rows.finding("payload", "is damaged", number=2, offset=99)
    assert dataclasses.asdict(found) == {
        "file": "train-1.bin",
        "kind": "payload",
        "detail": "is damaged",
        "offset": 99,
        "example": 6,
        "key": "train-1.bin/2",
    }
    lost = rows.lost(1, 7)
    assert (lost.kind, lost.example, lost.offset) == ("truncated", 5, 7)
    assert lost.detail == "the file ends in this example: 3 examples are lost"


def test_a_key_that_is_not_text(rows: ShardRows, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(row: int) -> str:
        raise DamagedDatasetError("not text")

    monkeypatch.setattr(rows.index, "key", fail)
    assert rows.key(0) is None
    assert rows.finding("record", "", number=0, offset=0).key is None
