"""Recognizes what `tf.io.serialize_tensor` and `np.save` write, by its header. Nothing else of it is read."""

import math
import re
from typing import NamedTuple

from fitfeed.converters.inspect.varint import read_varint

NPY_HEAD_BYTES = 1 << 10
"""A header of an array that is longer has named fields, or is not one of NumPy."""


class ArrayHeader(NamedTuple):
    """Type as NumPy writes it, and shape, of a serialized array."""

    dtype: str
    shape: tuple[int, ...]


def tensor_header(value: bytes) -> ArrayHeader | None:
    """What a serialized tensor says of itself; None if it is not one.

    A TensorProto is dtype = 1, tensor_shape = 2 (dim = 2: size = 1), tensor_content = 4 (tensor.proto). Only messages
    whose content has the size that type and shape ask for are taken for one.
    """
    if len(value) < 4 or value[0] != 0x08 or value[1] not in _TENSOR_TYPES or value[2] != 0x12:
        return None
    dtype, itemsize = _TENSOR_TYPES[value[1]]
    try:
        length, at = _size(value, 3)
        shape = _shape(value[at : at + length])
        at += length
        size = math.prod(shape) * itemsize
        if size == 0:
            return ArrayHeader(dtype, shape) if at == len(value) else None
        if value[at] != 0x22:
            return None
        length, at = _size(value, at + 1)
    except (IndexError, ValueError):
        return None
    return ArrayHeader(dtype, shape) if length == size == len(value) - at else None


def _shape(data: bytes) -> tuple[int, ...]:
    """The sizes of a TensorShapeProto whose dimensions have no names."""
    shape, at = [], 0
    while at < len(data):
        if data[at] != 0x12:
            raise ValueError
        length, at = _size(data, at + 1)
        size = 0
        if length:
            if data[at] != 0x08:
                raise ValueError
            size, end = _size(data, at + 1)
            if end != at + length:
                raise ValueError
        shape.append(size)
        at += length
    return tuple(shape)


def _size(data: bytes, at: int) -> tuple[int, int]:
    """A number, and where it ends. Those of 64 bits are negative, and no sizes."""
    return read_varint(data, at, max_bytes=9)


def npy_header(value: bytes) -> ArrayHeader | None:
    """What an array that NumPy saved says of itself (numpy.lib.format); None if it is not one.

    Arrays of objects, of named fields, and of big-endian numbers, which TensorFlow does not take, are not told.
    """
    if not value.startswith(b"\x93NUMPY") or len(value) < 12:
        return None
    start = 10 if value[6] == 1 else 12
    end = start + int.from_bytes(value[8:start], "little")
    head = value[start : min(end, NPY_HEAD_BYTES)].decode("latin-1")
    found = re.fullmatch(
        r"\{'descr': '[<|=]?([biufc]\d+)', 'fortran_order': (?:True|False), 'shape': \(((?:\d+(?:, ?|,?(?=\))))*)\), \}\s*",
        head,
    )
    if found is None:
        return None
    shape = tuple(int(size) for size in re.findall(r"\d+", found[2]))
    dtype = _NPY_TYPES.get(found[1])
    return None if dtype is None else ArrayHeader(dtype, shape)


_TENSOR_TYPES = {
    1: ("float32", 4),
    2: ("float64", 8),
    3: ("int32", 4),
    4: ("uint8", 1),
    5: ("int16", 2),
    6: ("int8", 1),
    9: ("int64", 8),
    10: ("bool", 1),
    14: ("bfloat16", 2),
    17: ("uint16", 2),
    19: ("float16", 2),
    22: ("uint32", 4),
    23: ("uint64", 8),
}
"""DataType of types.proto: name and bytes of each. Tensors of strings have no content of one size."""

_NPY_TYPES = {
    "b1": "bool",
    **{
        f"{kind}{size}": f"{name}{8 * size}"
        for kind, name in (("i", "int"), ("u", "uint"))
        for size in (1, 2, 4, 8)
    },
    **{f"f{size}": f"float{8 * size}" for size in (2, 4, 8)},
}
