"""Damaged files, made from whole ones by a few edits; the same number gives the same bytes."""

import random
from collections.abc import Callable, Sequence

LENGTHS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
"""Values at which sizes, counts and offsets overflow, wrap or turn negative."""

MAX_BYTES = 400_000
"""Repeated splices and copies grow no file beyond this."""


def mutated(corpus: Sequence[bytes], *, seed: int, number: int) -> bytes:
    """Damages a file of the corpus with one to eight edits."""
    return damaged(corpus, random.Random(f"{seed}/{number}"))


def damaged(corpus: Sequence[bytes], chance: random.Random) -> bytes:
    """Damages a file of the corpus, as `chance` has it."""
    data = bytearray(chance.choice(corpus))
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 4, 8))):
        edit = chance.choice(EDITS)
        data = edit(data, chance, corpus)[:MAX_BYTES] or bytearray(b"\0")
    return bytes(data)


def _place(data: bytearray, chance: random.Random) -> int:
    """A position: half of the time among the first bytes, where the headers are."""
    end = len(data) if chance.random() < 0.5 else min(len(data), 256)
    return chance.randrange(end)


def _flip_bits(data: bytearray, chance: random.Random, corpus: Sequence[bytes]) -> bytearray:
    for _ in range(chance.choice((1, 1, 2, 4, 16, 64))):
        data[_place(data, chance)] ^= 1 << chance.randrange(8)
    return data


def _overwrite(data: bytearray, chance: random.Random, corpus: Sequence[bytes]) -> bytearray:
    start, length = _place(data, chance), chance.choice((1, 2, 4, 8, 32, 512, 4096))
    length = min(length, len(data) - start)
    fill = chance.choice((b"\0", b"\xff", b"\x7f", b"\x80", None))
    data[start : start + length] = fill * length if fill else chance.randbytes(length)
    return data


def _truncate(data: bytearray, chance: random.Random, corpus: Sequence[bytes]) -> bytearray:
    return data[: _place(data, chance) + 1]


def _set_length(data: bytearray, chance: random.Random, corpus: Sequence[bytes]) -> bytearray:
    """Writes an extreme number, where a length, a count, an offset or a dimension may stand."""
    size = chance.choice((1, 2, 2, 4, 4, 8))
    start = _place(data, chance)
    value = chance.choice((*LENGTHS, len(data), len(data) - start, chance.randrange(1 << 16)))
    number = (value % (1 << 8 * size)).to_bytes(size, chance.choice(("big", "little")))
    data[start : start + size] = number[: len(data) - start]
    return data


def _splice(data: bytearray, chance: random.Random, corpus: Sequence[bytes]) -> bytearray:
    other = chance.choice(corpus)
    start = chance.randrange(len(other))
    if chance.random() < 0.5:  # the head of one, the tail of the other
        return data[: _place(data, chance)] + other[start:]
    at, length = _place(data, chance), chance.choice((4, 16, 64, 1024, 8192))
    return data[:at] + other[start : start + length] + data[at:]


def _repeat(data: bytearray, chance: random.Random, corpus: Sequence[bytes]) -> bytearray:
    start, length = _place(data, chance), chance.choice((1, 4, 12, 16, 64, 1024))
    times = chance.choice((1, 1, 2, 10, 1000))
    return data[: start + length] + data[start : start + length] * times + data[start + length :]


def _remove(data: bytearray, chance: random.Random, corpus: Sequence[bytes]) -> bytearray:
    start, length = _place(data, chance), chance.choice((1, 2, 4, 12, 64, 1024))
    return data[:start] + data[start + length :]


Edit = Callable[[bytearray, random.Random, Sequence[bytes]], bytearray]
EDITS: tuple[Edit, ...] = (
    _flip_bits,
    _flip_bits,
    _overwrite,
    _truncate,
    _set_length,
    _set_length,
    _splice,
    _repeat,
    _remove,
)
