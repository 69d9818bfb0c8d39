"""Checks the records of a TFRecord shard: their framing, and their values against the index."""

import struct
from collections.abc import Iterator, Sequence
from typing import Any

import google_crc32c
from google.protobuf.message import DecodeError

from fitfeed.converters.example_proto import SequenceExample
from fitfeed.converters.verify.reading import Reading
from fitfeed.converters.verify.report import Finding
from fitfeed.converters.verify.rows import ShardRows
from fitfeed.schemas.errors import DamagedDatasetError
from fitfeed.schemas.payload import MAX_PAYLOAD_BYTES
from fitfeed.schemas.text import shortened
from fitfeed.schemas.tfrecord import FOOTER_BYTES, HEADER_BYTES, masked_crc32c


def examine_tfrecord(reading: Reading, rows: ShardRows) -> Iterator[Finding]:
    """Checks record after record. One at a time is in memory.

    If a header is damaged, the index shows where its record ends, because the payload is the last part of it (see
    `fitfeed.schemas.tfrecord.encode_example`).

    Args:
        reading: The shard, at its beginning. It stays where no further record can be found.
        rows: Rows of the shard.
    """
    for number in range(rows.shard.examples):
        start = reading.position
        header = reading.read(HEADER_BYTES)
        if len(header) < HEADER_BYTES:
            yield rows.lost(number, start)
            return
        length = _length(header)
        if length is None:
            yield rows.finding("framing", "the checksum of its length is wrong", number=number, offset=start)
            if not rows.can_be_trusted:
                return
            length = int(rows.offset[number] + rows.length[number]) - start - HEADER_BYTES
        if not 0 <= length <= min(MAX_PAYLOAD_BYTES, reading.left - FOOTER_BYTES):
            yield rows.lost(number, start)
            return
        record = reading.read(length)
        yield from _check_record(record, reading.read(FOOTER_BYTES), rows, number, start)
    if reading.left:
        detail = f"{reading.left} bytes follow the last of the {rows.shard.examples} records that the manifest counts"
        yield Finding(file=rows.shard.file, kind="disagrees", detail=detail, offset=reading.position)


def _length(header: bytes) -> int | None:
    """The length of a record, or None if its checksum is wrong."""
    length, checksum = struct.unpack("<QI", header)
    return length if masked_crc32c(header[:8]) == checksum else None


def _check_record(
    record: bytes, footer: bytes, rows: ShardRows, number: int, start: int
) -> Iterator[Finding]:
    is_whole = masked_crc32c(record) == struct.unpack("<I", footer)[0]
    payloads = _payloads(record, rows, number, start)
    kind = "disagrees" if is_whole else "payload"
    damaged = False
    for name, (payload, offset, crc32c) in payloads.items():
        if google_crc32c.value(payload) != crc32c:
            damaged = True
            detail = f"its {name} of {len(payload)} bytes has another CRC-32C than the index says"
            yield rows.finding(kind, detail, number=number, offset=offset)
        elif fault := rows.size_fault(number, payload):
            yield rows.finding("disagrees", f"its {name}: {fault}", number=number, offset=offset)
    if not is_whole and not damaged:
        detail = "its checksum is wrong" + (", but its image is whole" if "image" in payloads else "")
        yield rows.finding("record", detail, number=number, offset=start)
    if is_whole and rows.index is not None:
        for detail in _contradictions(record, payloads, rows, number):
            yield rows.finding("disagrees", detail, number=number, offset=start)


_Payloads = dict[str, tuple[bytes, int, int]]


def _payloads(record: bytes, rows: ShardRows, number: int, start: int) -> _Payloads:
    """The image and the masks of a record by the index, each with its offset and CRC-32C.

    Those that are not inside the record are left out.
    """
    if rows.index is None:
        return {}
    found: _Payloads = {}
    places = {"image": (rows.offset, rows.length, rows.crc32c), **rows.masks}
    for name, (offsets, lengths, checksums) in places.items():
        offset, length = int(offsets[number]), int(lengths[number])
        begin = offset - start - HEADER_BYTES
        if 0 <= begin <= begin + length <= len(record) and length > 0:
            found[name] = record[begin : begin + length], offset, int(checksums[number])
    return found


def _contradictions(record: bytes, payloads: _Payloads, rows: ShardRows, number: int) -> Iterator[str]:
    """Differences between a whole record and its row."""
    try:
        message = SequenceExample.FromString(record)
    except DecodeError:
        yield "its record is not a tf.train.Example"
        return
    features = {
        entry.key.decode("utf-8", "replace"): _values(entry.value) for entry in message.context.feature
    }
    for name in ("image", *rows.masks):
        if name not in payloads or features.get(name) != [payloads[name][0]]:
            yield f"the index points to other bytes than its {name}"
    try:
        image = payloads["image"][0] if "image" in payloads else b""
        expected = rows.expected(number, image)
    except DamagedDatasetError:
        return  # the row is a finding of its own
    for name, values in expected.items():
        if features.get(name) != values:
            yield f"its {name} is {_shown(features.get(name))}, expected {_shown(values)}"


def _values(feature: Any) -> list[Any] | None:
    """The values of a feature; None if it has no type."""
    kind = feature.WhichOneof("kind")
    return list(getattr(feature, kind).value) if kind else None


def _shown(values: Sequence[Any] | None) -> str:
    return shortened(values[0] if values and len(values) == 1 else values)
