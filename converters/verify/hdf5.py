"""An HDF5 shard: its images by the index, its other columns against the index.

h5py opens shards only to find those columns. Every object must be the plain, contiguous,
uncompressed data set that fitfeed writes before its shape or a value is asked for: links, virtual
data sets and external storage lead to other files, and filters run other code.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import google_crc32c
import h5py
import numpy as np
import numpy.typing as npt

from fitfeed.converters.verify.reading import Reading
from fitfeed.converters.verify.report import Finding
from fitfeed.converters.verify.rows import ShardRows
from fitfeed.schemas.errors import DamagedDatasetError
from fitfeed.schemas.features import FloatsFeature, ImageFeature, MaskFeature
from fitfeed.schemas.payload import MAX_PAYLOAD_BYTES
from fitfeed.schemas.text import shortened

Columns: TypeAlias = dict[str, h5py.Dataset]
"""The data sets of a shard by name, each known to be safe to read."""

UNKNOWN = b"?"
"""Stands for what the index does not say. It is equal to anything."""

BLOCK_BYTES = 4 << 20
MAX_TEXT_BYTES = 1 << 20


class _StructureError(Exception):
    """A shard that is not built as fitfeed builds it."""


def examine_images(reading: Reading, rows: ShardRows, formats: list[str]) -> Iterator[Finding]:
    """Checks all images and masks in the order of the file. One at a time is in memory.

    Args:
        reading: The shard, at its beginning.
        rows: Rows of the shard; the index must be there.
        formats: Receives the format of each image, for `examine_columns`; `?` if it is not known.
    """
    formats += ["?"] * len(rows.offset)
    places = {"image": (rows.offset, rows.length, rows.crc32c), **rows.masks}
    names, count = list(places), len(rows.offset)
    offsets, lengths, checksums = (np.concatenate(parts) for parts in zip(*places.values(), strict=True))
    for place in np.argsort(offsets, kind="stable").tolist():
        name, number = names[place // count], place % count
        offset, length = int(offsets[place]), int(lengths[place])
        if not 0 < length <= min(MAX_PAYLOAD_BYTES, rows.shard.bytes - offset) or offset < reading.position:
            continue  # the row is a finding of its own
        reading.read_until(offset)
        payload = reading.read(length)
        if len(payload) < length:
            yield rows.lost(number, reading.position)
            return
        if google_crc32c.value(payload) != checksums[place]:
            detail = f"its {name} of {length} bytes has another CRC-32C than the index says"
            yield rows.finding("payload", detail, number=number, offset=offset)
            continue
        if name == "image":
            formats[number] = rows.format_of(payload)
        if fault := rows.size_fault(number, payload):
            yield rows.finding("disagrees", f"its {name}: {fault}", number=number, offset=offset)


def examine_columns(path: Path, rows: ShardRows, formats: list[str]) -> Iterator[Finding]:
    """Compares the columns of a shard with the index.

    Args:
        path: The shard.
        rows: Rows of the shard; the index must be there.
        formats: The formats that `examine_images` found, one for each example.
    """
    try:
        with h5py.File(path, "r", locking=False) as file:
            columns = _columns(file, rows)
            yield from _check_places(columns, rows)
            yield from _check_values(columns, rows, formats)
    except _StructureError as error:
        yield Finding(file=rows.shard.file, kind="structure", detail=str(error))
    # h5py raises all of these for contents that contradict themselves, depending on the place.
    except (AttributeError, KeyError, MemoryError, OSError, RuntimeError, TypeError, ValueError) as error:
        reason = shortened(str(error.args[0]) if error.args else str(error), limit=200)
        yield Finding(file=rows.shard.file, kind="structure", detail=f"it cannot be read as HDF5 ({reason})")


def _columns(file: Any, rows: ShardRows) -> Columns:
    """All data sets of a shard, each known to be safe to read."""
    count, features = rows.shard.examples, rows.manifest.features
    columns = {
        name: _dataset(file, name, h5py.h5t.STD_I64LE, (count,)) for name in ("height", "width", "channels")
    }
    for name in ("key", "format"):
        columns[name] = _dataset(file, name, None, (count,))
    columns |= _payload_columns(file, "image", features.image, count)
    for name, feature in features.labels.items():
        if isinstance(feature, MaskFeature):
            columns |= _payload_columns(file, name, feature, count)
        elif feature.kind in ("text", "multiclass"):
            kind = h5py.h5t.STD_U8LE if feature.kind == "text" else h5py.h5t.STD_I64LE
            columns[name] = _dataset(file, name, kind, (None,))
            columns[f"{name}_offset"] = _dataset(file, f"{name}_offset", h5py.h5t.STD_I64LE, (count + 1,))
        elif isinstance(feature, FloatsFeature):
            shape = (count, len(feature.names)) if count else None
            columns[name] = _dataset(file, name, h5py.h5t.IEEE_F64LE, shape)
        else:
            kind = h5py.h5t.IEEE_F64LE if feature.kind == "float" else h5py.h5t.STD_I64LE
            columns[name] = _dataset(file, name, kind, (count,))
    return columns


def _payload_columns(file: Any, name: str, feature: ImageFeature | MaskFeature, count: int) -> Columns:
    if feature.encoding == "raw":
        shape = (count, *feature.shape) if count else None
        kind = h5py.h5t.STD_U16LE if feature.dtype == "uint16" else h5py.h5t.STD_U8LE
        return {name: _dataset(file, name, kind, shape)}
    return {
        f"{name}_offset": _dataset(file, f"{name}_offset", h5py.h5t.STD_I64LE, (count + 1,)),
        name: _dataset(file, name, h5py.h5t.STD_U8LE, (None,)),
    }


def _dataset(file: Any, name: str, kind: Any, shape: tuple[int | None, ...] | None) -> Any:
    """Opens one data set. A `kind` of None is text of fixed length."""
    links = file.id.links
    if not links.exists(name.encode()) or links.get_info(name.encode()).type != h5py.h5l.TYPE_HARD:
        msg = f"{name!r} is missing or is a link, expected a data set"
        raise _StructureError(msg)
    dataset = h5py.h5o.open(file.id, name.encode())
    if not isinstance(dataset, h5py.h5d.DatasetID):
        msg = f"{name!r} is not a data set"
        raise _StructureError(msg)
    properties = dataset.get_create_plist()
    if (
        properties.get_layout() != h5py.h5d.CONTIGUOUS
        or properties.get_external_count()
        or properties.get_nfilters()
    ):
        msg = f"{name!r} is not stored contiguously, uncompressed and in this file"
        raise _StructureError(msg)
    stored = dataset.get_type()
    if not (_is_text(stored) if kind is None else stored.equal(kind)):
        msg = f"{name!r} has another type than fitfeed gives it"
        raise _StructureError(msg)
    if shape is not None and not _fits(dataset.shape, shape):
        msg = f"{name!r} has shape {dataset.shape}, expected {shape}"
        raise _StructureError(msg)
    return h5py.Dataset(dataset)


def _fits(shape: tuple[int, ...] | None, expected: tuple[int | None, ...]) -> bool:
    """Whether a shape is the expected one, in which None is any length."""
    return (
        shape is not None
        and len(shape) == len(expected)
        and all(wanted in (size, None) for size, wanted in zip(shape, expected, strict=True))
    )


def _is_text(stored: Any) -> bool:
    return (
        isinstance(stored, h5py.h5t.TypeStringID)
        and not stored.is_variable_str()
        and stored.get_size() <= MAX_TEXT_BYTES
    )


def _check_places(columns: Columns, rows: ShardRows) -> Iterator[Finding]:
    """Checks that HDF5 finds each image and mask where the index does."""
    places = {"image": (rows.offset, rows.length), **{name: mask[:2] for name, mask in rows.masks.items()}}
    for name, (offset, length) in places.items():
        column = columns[name]
        start = column.id.get_offset() or 0
        if f"{name}_offset" in columns:
            ends = _ends(columns, name)
            begins, lengths = start + ends[:-1], np.diff(ends)
        else:
            lengths = np.full(len(offset), column.nbytes // max(1, len(offset)))
            begins = start + np.arange(len(offset)) * lengths
        for number in np.flatnonzero((begins != offset) | (lengths != length)).tolist():
            detail = f"HDF5 has {lengths[number]} bytes of {name} at byte {begins[number]}, the index {length[number]} at {offset[number]}"
            yield rows.finding("disagrees", detail, number=number, offset=int(begins[number]))


def _ends(columns: Columns, name: str) -> npt.NDArray[np.int64]:
    """Where values of different lengths begin and end: int64 (examples + 1,)."""
    ends: npt.NDArray[np.int64] = columns[f"{name}_offset"][:]
    if columns[name].shape != (ends[-1],):
        msg = f"{name!r} has shape {columns[name].shape}, but '{name}_offset' ends at {ends[-1]}"
        raise _StructureError(msg)
    return ends


def _check_values(columns: Columns, rows: ShardRows, formats: list[str]) -> Iterator[Finding]:
    part = slice(rows.first, rows.stop)
    for name, kind in rows.manifest.features.label_kinds.items():
        if kind in ("text", "multiclass"):
            yield from _check_ragged(columns, name, rows)
        elif kind == "floats":
            numbers = range(len(rows.offset))
            yield from _check_column(columns[name], [_vector(rows, name, number) for number in numbers], rows)
        elif kind != "mask":
            labels: Any = rows.index and rows.index.labels[name]
            yield from _check_column(columns[name], labels[part].tolist(), rows)
    for name in ("height", "width"):
        yield from _check_column(columns[name], getattr(rows.index, name)[part].tolist(), rows)
    count = len(rows.offset)
    yield from _check_column(columns["channels"], [rows.channels] * count, rows)
    yield from _check_column(columns["format"], [text.encode() for text in formats], rows)
    keys = [(rows.key(number) or "").encode() for number in range(count)]
    yield from _check_column(columns["key"], keys, rows)


def _vector(rows: ShardRows, name: str, number: int) -> Any:
    try:
        return rows.label(name, number)
    except DamagedDatasetError:
        return UNKNOWN  # the row is a finding of its own


def _check_ragged(columns: Columns, name: str, rows: ShardRows) -> Iterator[Finding]:
    """Compares texts and lists. Of an example, no more is read than the index has."""
    ends, column = _ends(columns, name), columns[name]
    start, each = column.id.get_offset() or 0, column.id.get_type().get_size()
    for number in range(len(rows.offset)):
        begin, end = int(ends[number]), int(ends[number + 1])
        try:
            wanted = rows.label(name, number)
        except DamagedDatasetError:
            continue  # the row is a finding of its own
        has_length = 0 <= begin <= end <= column.shape[0] and isinstance(wanted, bytes | list)
        if has_length and end - begin == len(wanted):  # type: ignore[arg-type]
            stored = column[begin:end]
            value = stored.tobytes() if isinstance(wanted, bytes) else stored.tolist()
            if value == wanted:
                continue
            detail = f"its {name} is {shortened(value)}, the index says {shortened(wanted)}"
        else:
            detail = f"its {name} has {end - begin} values, the index says {shortened(wanted)}"
        yield rows.finding("disagrees", detail, number=number, offset=start + max(0, begin) * each)


def _check_column(column: Any, expected: list[Any], rows: ShardRows) -> Iterator[Finding]:
    """Compares a column in blocks. What is `UNKNOWN` is equal to any."""
    name, start = column.name.lstrip("/"), column.id.get_offset() or 0
    each = column.id.get_type().get_size() * math.prod(column.shape[1:])
    block = max(1, BLOCK_BYTES // each)
    for first in range(0, len(expected), block):
        stored: npt.NDArray[Any] = column[first : first + block]
        for number, (value, wanted) in enumerate(
            zip(stored.tolist(), expected[first : first + block], strict=True), start=first
        ):
            if value != wanted and wanted != UNKNOWN:
                detail = f"its {name} is {shortened(value)}, the index says {shortened(wanted)}"
                yield rows.finding("disagrees", detail, number=number, offset=start + number * each)
