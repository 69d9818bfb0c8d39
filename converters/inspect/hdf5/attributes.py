"""Reads the attributes of HDF5 objects, as text."""

import math
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np

from fitfeed.converters.inspect.hdf5.types import type_text, unknown_type_text
from fitfeed.converters.inspect.names import decoded_name
from fitfeed.schemas.text import shortened

MAX_ATTRIBUTES = 20
"""Attributes of one object that are shown."""

MAX_VALUES = 1000
"""Values of one attribute that are read."""

MAX_BYTES = 64 << 10
"""Attributes in the header of an object, as nearly all are, are not longer."""

TEXT = 100
"""Characters of one attribute that are shown."""


def attributes_of(object_id: Any) -> Iterator[tuple[str, str]]:
    """Names and values of the attributes of an object, both shortened.

    Args:
        object_id: Low-level identifier of an open group or data set.
    """
    count = h5py.h5o.get_info(object_id).num_attrs
    names: list[bytes] = []

    def take(name: bytes) -> bool | None:
        names.append(name)
        return len(names) >= MAX_ATTRIBUTES or None

    if count:  # in any other order, HDF5 reads all attributes before it names the first
        h5py.h5a.iterate(object_id, take, order=h5py.h5.ITER_NATIVE)
    for name in sorted(names):
        text, _ = decoded_name(name)
        yield shortened(text, limit=TEXT), _value(h5py.h5a.open(object_id, name))
    if count > len(names):
        yield "...", f"{count - len(names):,} more"


def _value(attribute: Any) -> str:
    type_id = attribute.get_type()
    try:
        dtype = type_id.dtype
    except (TypeError, ValueError, NotImplementedError):
        return unknown_type_text(type_id)
    shape = attribute.shape
    if shape is None:
        return "no value"
    if math.prod(shape) > MAX_VALUES or attribute.get_storage_size() > MAX_BYTES:
        return f"{type_text(dtype)}, {' x '.join(map(str, shape))}"
    if dtype.kind not in "biufcSU" and h5py.check_string_dtype(dtype) is None:
        return type_text(dtype)
    members = h5py.check_enum_dtype(dtype)
    values = np.empty(shape, dtype=dtype)
    attribute.read(values, mtype=h5py.h5t.py_create(dtype))
    if members is not None and dtype.kind != "b":
        names = {number: name for name, number in members.items()}
        return _shown([names.get(value, value) for value in values.ravel().tolist()], shape)
    return _shown([_text(value) for value in values.ravel().tolist()], shape)


def _text(value: Any) -> Any:
    return value.rstrip(b"\0").decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value


def _shown(values: list[Any], shape: tuple[int, ...]) -> str:
    """A scalar as it is, an array in brackets. Texts have quotes in an array only."""
    if shape == ():
        return shortened(str(values[0]), limit=TEXT)
    listed, length = [], 0
    for value in values:
        listed.append(shortened(repr(value), limit=TEXT))
        length += len(listed[-1]) + 2
        if length > TEXT:
            break
    more = f", ... {len(values):,} values" if len(listed) < len(values) else ""
    return f"[{', '.join(listed)}{more}]"
