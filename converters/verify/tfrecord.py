"""The records of a TFRecord shard: their framing, and what they say against the index."""

import struct
from collections.abc import Iterator
from typing import Any

import google_crc32c
from google.protobuf.message import DecodeError

from converters.example_message import SequenceExample
from converters.verify.reading import Reading
from converters.verify.report import Finding
from converters.verify.rows import MAX_PAYLOAD_BYTES, ShardRows
from schemas.strict_json import shortened
from schemas.tfrecord import FOOTER_BYTES, HEADER_BYTES, masked_crc32c


def examine_tfrecord(reading: Reading, rows: ShardRows) -> Iterator[Finding]:
    """Checks record after record, holding one at a time.

    Where a header is damaged, the index says where its record ends: the payload is the last thing
    in it (see `schemas.tfrecord.encode_example`).

    Args:
        reading: Of the shard, at its beginning. Left wherever no further record can be found.
        rows: Of the shard.
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
    payload = _payload(record, rows, number, start)
    if payload is None:
        if not is_whole:
            yield rows.finding("record", "its checksum is wrong", number=number, offset=start)
    elif google_crc32c.value(payload) != rows.crc32c[number]:
        where = f"its image of {len(payload)} bytes has another CRC-32C than the index says"
        kind = "disagrees" if is_whole else "payload"
        yield rows.finding(kind, where, number=number, offset=int(rows.offset[number]))
    elif not is_whole:
        detail = "its checksum is wrong, but its image is whole"
        yield rows.finding("record", detail, number=number, offset=start)
    if is_whole and rows.index is not None:
        for detail in _contradictions(record, payload, rows, number):
            yield rows.finding("disagrees", detail, number=number, offset=start)


def _payload(record: bytes, rows: ShardRows, number: int, start: int) -> bytes | None:
    """What the index says is the image, or None if it does not point into the record."""
    if rows.index is None or not rows.inside[number]:
        return None
    begin = int(rows.offset[number]) - start - HEADER_BYTES
    end = begin + int(rows.length[number])
    return record[begin:end] if 0 <= begin <= end <= len(record) else None


def _contradictions(record: bytes, payload: bytes | None, rows: ShardRows, number: int) -> Iterator[str]:
    """What a whole record says otherwise than its row."""
    try:
        message = SequenceExample.FromString(record)
    except DecodeError:
        yield "its record is no tf.train.Example"
        return
    features = {entry.key: _value(entry.value) for entry in message.context.feature}
    image = features.get("image")
    if payload is None or image != payload:
        yield "the index points at other bytes than its image"
    for name, expected in rows.expected(number, payload or b"").items():
        if features.get(name) != expected:
            yield f"its {name} is {shortened(features.get(name))}, expected {shortened(expected)}"


def _value(feature: Any) -> bytes | int | None:
    """The one value of a feature."""
    kind = feature.WhichOneof("kind")
    values: list[Any] = list(getattr(feature, kind).value) if kind else []
    return values[0] if len(values) == 1 else None
