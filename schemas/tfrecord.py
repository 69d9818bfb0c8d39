"""TFRecord framing and the `tf.train.Example` wire format, without TensorFlow.

The format of a record is (tensorflow/core/lib/io/record_writer.h)::

    uint64 length | uint32 masked crc32c of length | byte data[length] | uint32 masked crc32c of data

All numbers are little-endian. `tf.train.Example` (tensorflow/core/example/example.proto) is written by hand, and not
by protobuf, because the index needs the byte offset of the image inside it.
"""

import functools
import struct
from collections.abc import Iterator, Mapping
from typing import BinaryIO, NamedTuple

import google_crc32c

HEADER_BYTES = 12
FOOTER_BYTES = 4

FeatureValue = bytes | int | float | list[int] | list[float]
"""A bytes, int64 or float feature of one value, or an int64 or float feature of any number of them."""


def masked_crc32c(data: bytes) -> int:
    """CRC-32C as TFRecord stores it: rotated right by 15 bits, plus a constant."""
    return _masked(google_crc32c.value(data))


def _masked(crc: int) -> int:
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def frame(data: bytes) -> tuple[bytes, bytes]:
    """Returns the header and the footer of `data` in a TFRecord file."""
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", masked_crc32c(length)), struct.pack("<I", masked_crc32c(data))


def encode_example(image: bytes, features: Mapping[str, FeatureValue]) -> tuple[bytes, dict[str, int]]:
    """Serializes a `tf.train.Example` with the image payload last.

    Args:
        image: The payload of feature `image`.
        features: All other features, in the order in which they are written. A float is stored in 32 bits.

    Returns:
        The serialized message, and the offset in it of the value of `image` and of each other bytes feature.
    """
    parts, offsets, position = [], {}, 0
    for name, value in {**features, "image": image}.items():
        if isinstance(value, bytes):
            # First all that precedes a value, then the value: so a payload is copied only once, into the message.
            before = _before_bytes(name, len(value))
            offsets[name] = position + len(before)
            parts += [before, value]
            position += len(before) + len(value)
        else:
            entry = _number_entry(name, value) if isinstance(value, int) else _entry(name, _numbers(value))
            parts.append(entry)
            position += len(entry)
    start = _ONE_BYTE[1 << 3 | 2] + varint(position)  # Example.features = 1
    return b"".join([start, *parts]), {name: len(start) + offset for name, offset in offsets.items()}


def _before_bytes(name: str, length: int) -> bytes:
    """The entry of a bytes feature without its `length` bytes, which are last on every level.

    Map entry 1 (key = 1, value = 2), Feature.bytes_list = 1, BytesList.value = 1.
    """
    before = b""
    for field in (1, 1, 2):
        before = _ONE_BYTE[field << 3 | 2] + varint(len(before) + length) + before
    before = delimited(1, name.encode()) + before
    return _ONE_BYTE[1 << 3 | 2] + varint(len(before) + length) + before


@functools.lru_cache(maxsize=4096)
def _number_entry(name: str, value: int) -> bytes:
    """Sizes, channels and class numbers have few different values, so they are cached."""
    return _entry(name, _numbers([value]))


def _entry(name: str, feature: bytes) -> bytes:
    """Features.feature is a map: a repeated message 1 of key = 1, value = 2."""
    return delimited(1, delimited(1, name.encode()) + delimited(2, feature))


def _numbers(values: float | list[int] | list[float]) -> bytes:
    """Feature: oneof float_list = 2, int64_list = 3; each list: repeated value = 1."""
    if isinstance(values, float):
        return delimited(2, delimited(1, struct.pack("<f", values)))
    if values and isinstance(values[0], float):
        return delimited(2, delimited(1, struct.pack(f"<{len(values)}f", *values)))
    # A mask of 64 bits makes two's complement of negative numbers.
    packed = b"".join(varint(int(number) & 0xFFFFFFFFFFFFFFFF) for number in values)
    return delimited(3, delimited(1, packed))


def delimited(field: int, content: bytes) -> bytes:
    """Encodes a field of a protobuf message that has a length: a message, bytes or a string."""
    return _ONE_BYTE[field << 3 | 2] + varint(len(content)) + content


def varint(value: int) -> bytes:
    """Encodes a number, 0 or more, as protobuf does."""
    if value <= 0x7F:  # nearly all are
        return _ONE_BYTE[value]
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


_ONE_BYTE = [bytes([value]) for value in range(256)]


class CorruptRecordError(ValueError):
    """A record whose length or checksum is wrong. It has the offset of the record's first byte."""

    def __init__(self, offset: int, reason: str) -> None:
        """Takes the place of the record in the file."""
        super().__init__(f"record at byte {offset}: {reason}")
        self.offset = offset


READ_BYTES = 64 << 20  # 64 MiB


class FramedRecord(NamedTuple):
    """A whole record.

    Attributes:
        offset: Of its first byte.
        length: Bytes of its data.
        data: Its data; empty if it is longer than what was to be kept.
    """

    offset: int
    length: int
    data: bytes


class _Piece(NamedTuple):
    data: bytes
    length: int
    crc32c: int


def _read(stream: BinaryIO, length: int, *, keep: bool) -> _Piece:
    """Reads `length` bytes, or fewer at the end. A forged length does not make it allocate memory."""
    parts, done, crc = [], 0, 0
    while done < length and (part := stream.read(min(length - done, READ_BYTES))):
        crc = google_crc32c.extend(crc, part)
        done += len(part)
        if keep:
            parts.append(part)
    return _Piece(b"".join(parts), done, crc)


def walk_records(stream: BinaryIO, *, max_bytes: int | None = None) -> Iterator[FramedRecord]:
    """Yields record after record, and checks both checksums.

    Args:
        stream: At the beginning of a file.
        max_bytes: Records that are longer are checked piece by piece, and their data is not kept. None: all is kept.

    Raises:
        CorruptRecordError: At the first record that is cut off or does not match its checksum.
    """
    offset = 0
    while (length := read_length(stream, offset)) is not None:
        yield read_record(stream, offset, length, max_bytes=max_bytes)
        offset += HEADER_BYTES + length + FOOTER_BYTES


def read_length(stream: BinaryIO, offset: int) -> int | None:
    """Reads the header of the next record: how many bytes it claims to have. None at the end.

    Args:
        stream: At the beginning of a record.
        offset: Where that is, for errors.

    Raises:
        CorruptRecordError: If the header is cut off or does not match its checksum.
    """
    header = stream.read(HEADER_BYTES)
    if not header:
        return None
    if len(header) < HEADER_BYTES:
        what = f"the file ends inside its header ({len(header)} of {HEADER_BYTES} bytes)"
        raise CorruptRecordError(offset, what)
    length, length_crc = struct.unpack("<QI", header)
    if masked_crc32c(header[:8]) != length_crc:
        raise CorruptRecordError(offset, "the checksum of its length is wrong")
    return int(length)


def read_record(stream: BinaryIO, offset: int, length: int, *, max_bytes: int | None = None) -> FramedRecord:
    """Reads the record whose header was read.

    Args:
        stream: After its header.
        offset: Of its first byte.
        length: What its header claims.
        max_bytes: If it is longer, its data is checked piece by piece, and not kept. None: it is kept.

    Raises:
        CorruptRecordError: If it is cut off or does not match its checksum.
    """
    data, done, crc = _read(stream, length, keep=max_bytes is None or length <= max_bytes)
    footer = stream.read(FOOTER_BYTES)
    if done < length or len(footer) < FOOTER_BYTES:
        raise CorruptRecordError(offset, f"the file ends inside it (it claims {length} bytes)")
    if _masked(crc) != struct.unpack("<I", footer)[0]:
        raise CorruptRecordError(offset, "the checksum of its data is wrong")
    return FramedRecord(offset, length, data)


def iter_records(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yields (offset of the record, its data), and checks both checksums.

    Raises:
        CorruptRecordError: At the first record that is cut off or does not match its checksum.
    """
    return ((record.offset, record.data) for record in walk_records(stream))
