"""Reads the values of HDF5 data sets, block by block. No chunk is decompressed twice."""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import h5py
import numpy as np

from fitfeed.converters.inspect.byte_budget import CHUNK_BYTES, VALUE_BYTES, ByteBudget
from fitfeed.converters.inspect.hdf5.types import filter_text
from fitfeed.converters.inspect.image_formats import HEADER_BYTES
from fitfeed.converters.inspect.limits import Limits
from fitfeed.converters.inspect.summaries import ByteStrings, Numbers

BLOCK_BYTES = 1 << 20
"""Values are read in blocks of about this size, or in chunks that are larger."""

MAX_BLOCK_STRINGS = 64
"""Strings of variable length in a block: each may be an image of some megabytes."""


class ValueSums:
    """What is known of the values of a data set.

    Attributes:
        numbers: Sums of numbers.
        strings: Sums of byte strings.
        read: Number of values that were read.
        is_one_hot: Whether each row has one 1, and 0 otherwise.
        unread: Why no value was read; None if they were, or need not be.
    """

    def __init__(self) -> None:
        """Starts with nothing read."""
        self.numbers, self.strings = Numbers(), ByteStrings()
        self.read = 0
        self.is_one_hot = True
        self.unread: str | None = None


class Stored(NamedTuple):
    """How a data set is stored.

    Attributes:
        shape: Its shape.
        chunks: Shape of its chunks; None if it has none.
        filters: Numbers of its filters.
        external: Names of other files that have its values.
        is_written: Whether it takes space in the file. What does not may claim any length.
    """

    shape: tuple[int, ...]
    chunks: tuple[int, ...] | None
    filters: tuple[int, ...]
    external: tuple[str, ...]
    is_written: bool


def stored(dataset_id: Any, shape: tuple[int, ...], properties: Any) -> Stored:
    """How an open data set is stored, by its low-level identifier and creation properties."""
    is_chunked = properties.get_layout() == h5py.h5d.CHUNKED
    names = [properties.get_external(number)[0] for number in range(properties.get_external_count())]
    return Stored(
        shape,
        properties.get_chunk() if is_chunked else None,
        tuple(properties.get_filter(number)[0] for number in range(properties.get_nfilters())),
        tuple(name.decode("utf-8", "backslashreplace") for name in names),
        bool(dataset_id.get_storage_size()),
    )


def read_values(dataset_id: Any, dtype: Any, layout: Stored, budget: ByteBudget, limits: Limits) -> ValueSums:
    """Reads values that may be labels, names, images or their pixels: as many as the limits allow.

    Args:
        dataset_id: Low-level identifier of an open data set.
        dtype: Its type.
        layout: How it is stored.
        budget: Counts what is read.
        limits: How much is read.
    """
    sums = ValueSums()
    if math.prod(layout.shape) == 0:
        return sums
    sums.unread = _why_unread(layout)
    is_text = dtype.kind in "SV" and dtype.names is None and dtype.subdtype is None
    is_variable = is_variable_bytes(dtype)
    if sums.unread is not None or not (dtype.kind in "biuf" or is_text or is_variable):
        return sums
    reading = _reopened(dataset_id, dtype, layout, limits)
    if reading is not None and _is_long_bytes(dtype, layout.shape):
        _read_head(reading, sums, budget, limits, layout)
        return sums
    if reading is None:
        size = math.prod(layout.chunks or (1,)) * dtype.itemsize
        sums.unread = f"one {'chunk' if layout.chunks else 'value'} has {size:,} bytes, not read{'' if limits.is_full else '; --full reads it'}"
        return sums
    spent = 0
    step = _string_block(reading, limits) if is_variable else _block(layout, dtype.itemsize)
    for place in _places(layout.shape, step):
        if budget.is_spent or spent >= limits.each:
            break
        values = np.asarray(reading[place])
        if not (is_variable or dtype.kind in "biuf"):  # a chunk may have any number of strings
            values = values.ravel()[: 1 + (limits.each - spent) // VALUE_BYTES]
        cost = CHUNK_BYTES + _add(sums, values, is_variable=is_variable, width=layout.shape[-1:])
        budget.spend(cost)
        spent += cost
    return sums


def is_variable_bytes(dtype: Any) -> bool:
    """Whether values are strings or bytes of any length."""
    text = h5py.check_string_dtype(dtype)
    return (text is not None and text.length is None) or h5py.check_vlen_dtype(dtype) in (np.uint8, np.int8)


def is_label_like(shape: tuple[int, ...]) -> bool:
    """Whether there is one value for each example: `(N,)`, `(N, 1)`, `(N, 1, 1, 1)`, `(1, N)`."""
    return sum(size != 1 for size in shape) <= 1


def _is_long_bytes(dtype: Any, shape: tuple[int, ...]) -> bool:
    """Whether a data set may be one encoded image, or many one after another."""
    return dtype in (np.uint8, np.int8) and len(shape) == 1 and shape[0] >= 64


def _read_head(dataset: Any, sums: ValueSums, budget: ByteBudget, limits: Limits, layout: Stored) -> None:
    """Reads the beginning of bytes, which may be an encoded image. Those that are labels are numbers as well."""
    count = layout.shape[0] if limits.is_full else min(layout.shape[0], max(HEADER_BYTES, limits.each))
    block = max(BLOCK_BYTES, math.prod(layout.chunks or (1,)))
    for start in range(0, count, block):
        if budget.is_spent:
            return
        values = dataset[start : min(start + block, count)]
        if start == 0:
            sums.strings.add(values.tobytes())
        if sums.strings.images:
            return  # the range of encoded bytes says nothing
        sums.numbers.add(values)
        sums.read += values.size
        budget.spend(CHUNK_BYTES + values.size)


def _add(sums: ValueSums, values: Any, *, is_variable: bool, width: tuple[int, ...]) -> int:
    """Adds a block of values; returns what that costs."""
    sums.read += values.size
    if is_variable:
        found = [value if isinstance(value, bytes) else bytes(value) for value in values.ravel()]
        for value in found:
            sums.strings.add(value)
        return sum(map(len, found)) + VALUE_BYTES * len(found)
    if values.dtype.kind in "SV":
        for value in values.ravel():
            sums.strings.add(value.tobytes() if values.dtype.kind == "V" else bytes(value))
        return int(values.nbytes + VALUE_BYTES * values.size)
    sums.numbers.add(values)
    if sums.is_one_hot:
        sums.is_one_hot = values.ndim == 2 and values.shape[1:] == width and _is_one_hot(values)
    return int(values.nbytes)


def _is_one_hot(values: Any) -> bool:
    ones = values == 1
    return bool(np.all(ones.sum(axis=1) == 1) and np.all(ones | (values == 0)))


def _why_unread(layout: Stored) -> str | None:
    if layout.external:
        return f"values in other files ({', '.join(map(repr, layout.external))}), not read"
    if not layout.is_written:
        return "never written, not read"
    missing = [number for number in layout.filters if not h5py.h5z.filter_avail(number)]
    return filter_text(missing[0]) if missing else None


def _reopened(dataset_id: Any, dtype: Any, layout: Stored, limits: Limits) -> Any:
    """The data set with a cache that holds a chunk, so that none is decompressed twice; None if one is too large."""
    if layout.chunks is None:
        return h5py.Dataset(dataset_id) if dtype.itemsize <= limits.at_once else None
    size = math.prod(layout.chunks) * dtype.itemsize
    if size > limits.at_once:
        return None
    if size <= BLOCK_BYTES:  # what HDF5 holds anyway
        return h5py.Dataset(dataset_id)
    access = h5py.h5p.create(h5py.h5p.DATASET_ACCESS)
    access.set_chunk_cache(521, size, 1.0)
    return h5py.Dataset(h5py.h5d.open(dataset_id, b".", access))


def _string_block(dataset: Any, limits: Limits) -> tuple[int, ...]:
    """Strings of any length: none is longer than the file, but many may be the same bytes of it."""
    size = dataset.file.id.get_filesize()
    count = min(MAX_BLOCK_STRINGS, max(1, limits.at_once // max(1, size)))
    return (*(1 for _ in dataset.shape[:-1]), *(count for _ in dataset.shape[-1:]))


def _block(layout: Stored, itemsize: int) -> tuple[int, ...]:
    """The shape of a block: a chunk, or whole chunks along the last axes, up to `BLOCK_BYTES`."""
    block = list(layout.chunks or (1,) * len(layout.shape))
    for axis in reversed(range(len(block))):
        times = BLOCK_BYTES // max(1, math.prod(block) * itemsize)
        wanted = -(-layout.shape[axis] // block[axis])
        block[axis] *= max(1, min(times, wanted))
        if times < wanted:
            break
    return tuple(block)


def _places(shape: tuple[int, ...], block: tuple[int, ...]) -> Iterator[tuple[slice, ...]]:
    """The blocks of an array, one after another. Nothing is listed before, as an array may have any number of them."""
    counts = [-(-size // step) for size, step in zip(shape, block, strict=True)]
    for number in range(math.prod(counts)):
        place, rest = [], number
        for count, step in zip(reversed(counts), reversed(block), strict=True):
            rest, index = divmod(rest, count)
            place.append(slice(index * step, (index + 1) * step))
        yield tuple(reversed(place))
