"""The column of ETags of `sources.arrow`, packed while it is in memory, and as texts in the file.

A file of one record batch has each column as a whole. So it is written with a column of zeros, which takes no memory; then
the texts are put over them, some thousands at a time:

```
ARROW1  schema  record batch: keys, sizes, times, [offsets of ETags: zeros] [ETags: zeros]  footer
                                                         ^ texts of packed ETags
```
"""

import mmap
import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from fitfeed.schemas.arrow_file import write_batch
from fitfeed.schemas.files import pwrite_all
from fitfeed.schemas.packed_hex import DIGITS, ITEM, PackedHex
from fitfeed.schemas.packed_texts import AT_ONCE, PackedTexts

PACKED = pa.binary(ITEM)
"""The type of the column in memory."""

ETAG_NAME = "etag"
"""The name of the column."""


def is_packed(batch: Any) -> bool:
    """Whether the last column of a record batch is of packed ETags."""
    return bool(batch.num_columns and batch.schema.field(batch.num_columns - 1).type == PACKED)


def unpacked(batch: Any) -> Any:
    """The record batch as it is in the file."""
    if not is_packed(batch):
        return batch
    *others, etags = batch.columns
    return _with_etags(batch, others, PackedHex.of_arrow(etags).texts.arrow)


def packed(batch: Any) -> Any:
    """The inverse; the record batch as it is, if its ETags cannot be packed, or it has none."""
    *others, etags = batch.columns
    if batch.schema.names[-1] != ETAG_NAME or is_packed(batch):
        return batch
    values = np.empty((len(etags), ITEM), np.uint8)
    begin = 0
    for texts in PackedTexts.of_arrow(etags).blocks():  # as objects, all of them would take much memory
        some = PackedHex.of(texts.to_list())
        if some is None:
            return batch
        values[begin : begin + len(some)] = some.data
        begin += len(some)
    return _with_etags(batch, others, PackedHex(values).arrow)


def is_written_as(batch: Any, texts: Any) -> bool:
    """Whether a record batch, whose ETags may be packed, is in a file as another one, whose ETags are not."""
    if not is_packed(batch):
        return bool(texts.equals(batch, check_metadata=True))
    *others, etags = batch.columns
    schema = _schema_with(batch, pa.large_string())
    if not texts.schema.equals(schema, check_metadata=True) or len(texts) != len(batch):
        return False
    *other_texts, written = texts.columns
    there = PackedTexts.of_arrow(written).blocks()
    return all(map(pa.Array.equals, others, other_texts)) and all(
        here.binary.equals(some.binary)
        for here, some in zip(PackedHex.of_arrow(etags).blocks(), there, strict=True)
    )


def write_packed(path: Path, batch: Any) -> None:
    """Writes a record batch of packed ETags, byte for byte as `write_batch` writes it unpacked.

    Args:
        path: File to write. An existing one is replaced.
        batch: The record batch.

    Raises:
        OSError: If it cannot be written.
    """
    *others, etags = batch.columns
    texts = PackedHex.of_arrow(etags)
    offsets = np.zeros(len(texts) + 1, np.int64)  # pages that nobody writes take no memory
    offsets[-1] = texts.size
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.zeros(texts.size, np.uint8))]
    column = pa.Array.from_buffers(pa.large_string(), len(texts), buffers)
    write_batch(path, _with_etags(batch, others, column))
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        _put_texts(descriptor, texts)
    finally:
        os.close(descriptor)


def _with_etags(batch: Any, others: list[Any], etags: Any) -> Any:
    """The record batch with ETags of another type, and with the other columns as they are."""
    return pa.record_batch([*others, etags], schema=_schema_with(batch, etags.type))


def _schema_with(batch: Any, kind: Any) -> Any:
    """The schema of a record batch whose last column is of another type."""
    last = batch.num_columns - 1
    return batch.schema.set(last, batch.schema.field(last).with_type(kind))


def _put_texts(descriptor: int, texts: PackedHex) -> None:
    """Puts texts over the zeros that stand for them."""
    place_of_offsets, place_of_data = _places(descriptor)
    for begin in range(0, len(texts), AT_ONCE):
        some = texts[begin : begin + AT_ONCE].texts
        offsets = some.offsets[:-1] + begin * DIGITS
        pwrite_all(descriptor, place_of_offsets + begin * offsets.itemsize, memoryview(offsets.tobytes()))
        pwrite_all(descriptor, place_of_data + begin * DIGITS, memoryview(some.data.tobytes()))


def _places(descriptor: int) -> tuple[int, int]:
    """Where a file has the offsets and the data of the last column of its record batch."""
    whole = pa.py_buffer(mmap.mmap(descriptor, 0, prot=mmap.PROT_READ))
    *_, column = pa.ipc.open_file(pa.BufferReader(whole)).get_batch(0).columns
    _, offsets, data = column.buffers()
    return offsets.address - whole.address, data.address - whole.address
