"""Reads numbers as protocol buffers write them: 7 bits in a byte, the lowest first."""

MAX_VARINT_BYTES = 10
"""Of a number of 64 bits (Protocol Buffers, Encoding, "Base 128 Varints")."""


def read_varint(data: bytes | memoryview, at: int, *, max_bytes: int = MAX_VARINT_BYTES) -> tuple[int, int]:
    """Reads a number, and where it ends.

    Args:
        data: The message.
        at: Where the number begins.
        max_bytes: Longer numbers are refused.

    Raises:
        ValueError: If it has more bytes.
        IndexError: If the message ends before it.
    """
    number = 0
    for shift in range(0, 7 * max_bytes, 7):
        number |= (data[at] & 0x7F) << shift
        at += 1
        if data[at - 1] < 0x80:
            return number, at
    raise ValueError
