"""Counts what a long record holds before it is parsed: a parsed message can take 25 times the bytes of its record."""

from typing import Any

from fitfeed.converters.inspect.varint import read_varint

FIELD_BYTES = 64
"""What a field takes in memory, at most."""

_FEATURE: dict[int, Any] = {1: {1: 0}, 2: {1: 16}, 3: {1: 8}}
"""Feature: its lists of strings, floats and integers. Of the last two, how many bytes of packed numbers count as a field:
a float takes 4 bytes in memory, and an integer of one byte takes 8."""

_ENTRY = {2: _FEATURE}
_FEATURES = {1: _ENTRY}
_FEATURE_LISTS = {1: {2: {1: _FEATURE}}}
_SEQUENCE_EXAMPLE = {1: _FEATURES, 2: _FEATURE_LISTS}


def has_many_fields(record: bytes, limit: int) -> bool:
    """Whether an Example or SequenceExample has more fields than `limit`, or is neither.

    Args:
        record: The record.
        limit: Fields and strings; several packed numbers count as one.
    """
    messages: list[tuple[memoryview, dict[int, Any]]] = [(memoryview(record), _SEQUENCE_EXAMPLE)]
    count = 0
    while messages:
        data, fields = messages.pop()
        at = 0
        while at < len(data):
            count += 1
            if count > limit:
                return True
            try:
                tag, at = read_varint(data, at)
                kind = tag & 7
                length, at = read_varint(data, at) if kind == 2 else (0, _after_number(data, at, kind))
            except (IndexError, ValueError):
                return True  # it will not be parsed either
            inner = fields.get(tag >> 3)
            if kind == 2 and isinstance(inner, dict):
                messages.append((data[at : at + length], inner))
            elif kind == 2 and inner:
                count += length // inner
            at += length
    return count > limit


def _after_number(data: memoryview, at: int, kind: int) -> int:
    if kind == 0:
        return read_varint(data, at)[1]
    if kind in (1, 5):
        return at + (8 if kind == 1 else 4)
    raise ValueError
