"""Describes one HDF5 data set."""

import math
from typing import Any

import h5py

from fitfeed.converters.inspect.byte_budget import ByteBudget
from fitfeed.converters.inspect.hdf5.attributes import attributes_of
from fitfeed.converters.inspect.hdf5.types import type_text, unknown_type_text
from fitfeed.converters.inspect.hdf5.values import ValueSums, is_label_like, read_values, stored
from fitfeed.converters.inspect.limits import Limits
from fitfeed.converters.inspect.report import ForeignFeature
from fitfeed.schemas.text import shortened

MANY_DISTINCT = 32
"""More distinct values of an array that is not one of labels say nothing: it has pixels."""


def describe_dataset(name: str, dataset_id: Any, budget: ByteBudget, limits: Limits) -> ForeignFeature:
    """What a person wants to know of a data set.

    Args:
        name: Its path.
        dataset_id: Low-level identifier of the open data set.
        budget: Counts what is read.
        limits: How much is read.
    """
    attributes = dict(attributes_of(dataset_id))
    properties = dataset_id.get_create_plist()
    type_id = dataset_id.get_type()
    try:
        dtype = type_id.dtype
    except (TypeError, ValueError, NotImplementedError):
        text, dtype = unknown_type_text(type_id), None
    else:
        text = type_text(dtype)
    if properties.get_layout() == h5py.h5d.VIRTUAL:
        return ForeignFeature(
            name=name, role="dataset", dtype=text, attributes=attributes, **_virtual(properties)
        )
    shape = dataset_id.shape
    if shape is None:  # H5S_NULL: a type without a value
        return ForeignFeature(
            name=name, role="dataset", dtype=text, attributes=attributes, note="has no value"
        )
    sums = ValueSums()
    if dtype is not None:
        sums = read_values(dataset_id, dtype, stored(dataset_id, shape, properties), budget, limits)
    total = math.prod(shape)
    notes = [_layout(dataset_id, properties), sums.unread, _one_hot(shape, sums)]
    return ForeignFeature(
        name=name,
        role="dataset",
        dtype=text,
        shape=tuple(int(size) for size in shape),
        attributes=attributes,
        values_read=sums.read if 0 < sums.read < total else None,
        note="; ".join(note for note in notes if note) or None,
        **_summary(shape, dtype, sums),
    )


def _summary(shape: tuple[int, ...], dtype: Any, sums: ValueSums) -> dict[str, Any]:
    strings, numbers = sums.strings, sums.numbers
    if strings.count and (strings.images or dtype.kind not in "biuf"):
        return {
            "size": strings.size if dtype.kind not in "biuf" else None,
            "images": dict(strings.images),
            "content": strings.content,
            "distinct": strings.distinct,
            "few": strings.few,
        }
    span = numbers.span
    if span is None:
        return {}
    distinct = numbers.distinct
    if not is_label_like(shape) and distinct > MANY_DISTINCT:
        return {"values": span}
    return {"values": span, "distinct": distinct, "few": numbers.few}


def _one_hot(shape: tuple[int, ...], sums: ValueSums) -> str | None:
    is_one_hot = len(shape) == 2 and shape[1] > 1 and sums.read > 0 and sums.is_one_hot and sums.numbers.span
    return f"one-hot of {shape[1]:,} classes" if is_one_hot else None


def _virtual(properties: Any) -> dict[str, Any]:
    """Shape and note of a virtual data set, out of its own header: HDF5 may open the other files to find its shape."""
    count = properties.get_virtual_count()
    if not count:
        return {"shape": (None,), "note": "a virtual data set over no file"}
    space = properties.get_virtual_vspace(0)
    largest = space.get_simple_extent_dims(True)
    shape = tuple(
        None if most == h5py.h5s.UNLIMITED else int(size)
        for size, most in zip(space.get_simple_extent_dims(), largest, strict=True)
    )
    first = shortened(properties.get_virtual_filename(0), limit=60)
    others = f" and {count - 1:,} more" if count > 1 else ""
    return {"shape": shape, "note": f"a virtual data set over {first!r}{others}, not read"}


def _layout(dataset_id: Any, properties: Any) -> str | None:
    notes = []
    if properties.get_layout() == h5py.h5d.CHUNKED:
        filters = [properties.get_filter(number)[0] for number in range(properties.get_nfilters())]
        named = [_FILTERS[number] for number in filters if number in _FILTERS]
        if named:
            notes.append(f"{named[0]} in chunks of {properties.get_chunk()}")
        if h5py.h5s.UNLIMITED in dataset_id.get_space().get_simple_extent_dims(True):
            notes.append("may grow")
    return ", ".join(notes) or None


_FILTERS = {1: "gzip", 4: "szip", 32000: "lzf"}
