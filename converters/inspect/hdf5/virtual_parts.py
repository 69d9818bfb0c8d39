"""Counts the parts of a virtual data set before it is opened: HDF5 then takes 11 KB for each, at once.

The count stands in the file as the format says (HDF5 File Format Specification: III.E global heap, IV.A.1 object headers, IV.A.2.i
layout message). What cannot be read so is not counted: then HDF5 reads it, within the limits of the process.
"""

import itertools
import struct
from collections.abc import Callable, Iterator
from functools import partial
from typing import BinaryIO, NamedTuple

from fitfeed.converters.inspect.byte_budget import ByteBudget

Read = Callable[[int, int], bytes]
"""Reads so many bytes from an address."""

PART_BYTES = 12 << 10
"""What HDF5 takes for a part: 11 KB, of 20,000 parts of one name each."""

STEP_BYTES = 64
"""What a message, or an object of a heap, costs: the time in which so many bytes are read. A forged file has 65,536."""

LAYOUT, CONTINUATION = 0x08, 0x10
"""Types of messages in an object header."""

VERSION_OF_VIRTUAL, VIRTUAL = 4, 3
"""Version and class of the layout of a virtual data set."""

MAX_BLOCK = 64 << 10
"""Bytes of a block of an object header, at most; a message has 64 KB at most."""

MAX_BLOCKS = 16
"""Blocks of an object header that are looked at."""

MAX_HEAP_OBJECTS = 1 << 16
"""Their numbers have 16 bits."""


class Block(NamedTuple):
    """A block of messages of an object header.

    Attributes:
        content: Its bytes.
        is_new: Whether messages have the short header of version 2.
        has_order: Whether they have the number in which they were made, too.
    """

    content: bytes
    is_new: bool
    has_order: bool


def virtual_parts(file: BinaryIO, base: int, budget: ByteBudget, address: int) -> int:
    """Counts the parts of a virtual data set.

    Args:
        file: The file, whose addresses have 8 bytes.
        base: Where its superblock is; addresses count from there.
        budget: Counts the steps until the number is found.
        address: Where the object header is.

    Returns:
        The number of parts; 0 of everything else, and of what cannot be read.
    """
    read = partial(_read, file, base)
    try:
        for kind, message in itertools.islice(_messages(read, address), MAX_BLOCK):
            budget.spend(STEP_BYTES)
            if kind == LAYOUT and message[:2] == bytes([VERSION_OF_VIRTUAL, VIRTUAL]):
                heap, index = struct.unpack_from("<QI", message, 2)
                return _count(read, budget, heap, index)
    except (struct.error, IndexError, OSError, OverflowError, ValueError):  # it contradicts itself
        return 0
    return 0


def _messages(read: Read, address: int) -> Iterator[tuple[int, bytes]]:
    """The messages of an object header: type and content."""
    block = _first_block(read, address)
    more: list[tuple[int, int]] = []
    for _ in range(MAX_BLOCKS):
        for kind, message in _messages_of(block):
            if kind == CONTINUATION:
                more.append(struct.unpack_from("<QQ", message))
            yield kind, message
        if not more:
            return
        # A block is read when its turn comes, as a forged header names thousands.
        content = read(*more.pop())
        block = block._replace(content=content[4:-4] if block.is_new else content)


def _first_block(read: Read, address: int) -> Block:
    head = read(address, 16)
    if head[:4] != b"OHDR":  # version 1
        (size,) = struct.unpack_from("<I", head, 8)
        return Block(read(address + 16, size), is_new=False, has_order=False)
    flags = head[5]
    start = 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
    width = 1 << (flags & 3)
    size = int.from_bytes(read(address + start, width), "little")
    return Block(read(address + start + width, size), is_new=True, has_order=bool(flags & 4))


def _messages_of(block: Block) -> Iterator[tuple[int, bytes]]:
    place, content = 0, block.content
    while place + 4 <= len(content):
        if block.is_new:
            kind, size = struct.unpack_from("<BH", content, place)
            place += 6 if block.has_order else 4
        else:
            kind, size = struct.unpack_from("<HH", content, place)
            place += 8
        yield kind, content[place : place + size]
        place += size


def _count(read: Read, budget: ByteBudget, heap: int, index: int) -> int:
    """The number that begins an object of a global heap, after a byte for the version."""
    head = read(heap, 16)
    (end,) = struct.unpack_from("<Q", head, 8)
    place = heap + 16
    for _ in range(MAX_HEAP_OBJECTS):
        budget.spend(STEP_BYTES)
        if head[:4] != b"GCOL" or place + 16 > heap + end:
            return 0
        number, _, size = struct.unpack("<HHxxxxQ", read(place, 16))
        if number == index:
            return int.from_bytes(read(place + 17, 8), "little")
        place += 16 + size + -size % 8
    return 0


def _read(file: BinaryIO, base: int, start: int, size: int) -> bytes:
    if size > MAX_BLOCK:
        raise ValueError(size)
    file.seek(base + start)
    return file.read(size)
