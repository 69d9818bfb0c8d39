"""TFRecord files: of any program, compressed or not, and as a shard of a dataset."""

import gzip
import io
import random
import struct
import zlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from fitfeed.schemas.tfrecord import CorruptRecordError, iter_records, masked_crc32c
from tests.fuzz.command import run_command
from tests.fuzz.datasets import GOLDEN, read_everything, with_file
from tests.fuzz.mutate import damaged
from tests.fuzz.target import Target, expect
from tests.fuzz.whole_images import NASTY

DATASET, SHARD = "version-2-labels-tfrecord", "train-00000-of-00002.tfrecord"


def whole() -> list[bytes]:
    """Files of other programs, and shards."""
    files = [*(NASTY / "containers").glob("*.tfrecord"), *GOLDEN.rglob("*.tfrecord")]
    return [data for data in (path.read_bytes() for path in sorted(files)) if data]


def sealed(data: bytes) -> bytes:
    """Corrects all checksums of a damaged TFRecord file, so that the damage is read at all."""
    out, position = b"", 0
    while position + 12 <= len(data):
        length = data[position : position + 8]
        body = data[position + 12 : position + 12 + int.from_bytes(length, "little")]
        out += (
            length + struct.pack("<I", masked_crc32c(length)) + body + struct.pack("<I", masked_crc32c(body))
        )
        position += 16 + len(body)
    return out + data[position:]


def damage(corpus: Sequence[bytes], chance: random.Random) -> bytes:
    """Damages records, mostly under right checksums, and compresses some; or damages what is compressed."""
    data = damaged(corpus, chance)
    if chance.random() < 0.7:
        data = sealed(data)
    pack = chance.choice((None, None, partial(gzip.compress, mtime=0), zlib.compress))
    if pack is None:
        return data
    packed = pack(data)
    return damaged([packed], chance) if chance.random() < 0.3 else packed


def check_records(data: bytes) -> None:
    """Reads TFRecords: all of them, or up to damage that is named."""
    try:
        for _offset, record in iter_records(io.BytesIO(data)):
            expect(len(record) <= len(data), "a record larger than its file")
    except CorruptRecordError as error:
        expect(0 <= error.offset <= len(data), f"offset {error.offset}")


def check(data: bytes, folder: Path) -> None:
    """Reads it as records, inspects it, and reads and verifies a dataset that has it as a shard."""
    check_records(data)
    path = folder / "file.tfrecord"
    path.write_bytes(data)
    run_command("inspect", path, *(["--json"] if len(data) % 2 else []))
    dataset = with_file(folder, DATASET, {SHARD: data})
    run_command("verify", dataset)
    read_everything(dataset)


TFRECORD = Target("tfrecord", whole, check, damage)
