"""An HDF5 shard: its images by the index, its other columns against the index.

h5py opens shards only to find those columns. Every object must be the plain, contiguous,
uncompressed data set that fitfeed writes before its shape or a value is asked for: links, virtual
data sets and external storage lead to other files, and filters run other code.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import google_crc32c
import h5py
import numpy as np
import numpy.typing as npt

from converters.verify.reading import Reading
from converters.verify.report import Finding
from converters.verify.rows import ShardRows
from schemas.strict_json import shortened

BLOCK_BYTES = 4 << 20
MAX_TEXT_BYTES = 1 << 20


class _StructureError(Exception):
    """A shard that is not built as fitfeed builds it."""


def examine_images(reading: Reading, rows: ShardRows, formats: list[str]) -> Iterator[Finding]:
    """Checks image after image, holding one at a time.

    Args:
        reading: Of the shard, at its beginning.
        rows: Of the shard; the index must be there.
        formats: Gets what each image is, for `examine_columns`; `?` where that is not known.
    """
    for number in range(len(rows.offset)):
        offset, length = int(rows.offset[number]), int(rows.length[number])
        if not rows.inside[number] or offset < reading.position:
            formats.append("?")
            continue  # the row is a finding of its own
        reading.read_until(offset)
        payload = reading.read(length)
        if len(payload) < length:
            yield rows.lost(number, reading.position)
            return
        if google_crc32c.value(payload) == rows.crc32c[number]:
            formats.append(rows.format_of(payload))
            continue
        formats.append("?")
        detail = f"its image of {length} bytes has another CRC-32C than the index says"
        yield rows.finding("payload", detail, number=number, offset=offset)


def examine_columns(path: Path, rows: ShardRows, formats: list[str]) -> Iterator[Finding]:
    """Compares all that a shard says of its images with the index.

    Args:
        path: The shard.
        rows: Of the shard; the index must be there.
        formats: What `examine_images` found, one for each example.
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


def _columns(file: Any, rows: ShardRows) -> dict[str, Any]:
    """All data sets of a shard, each known to be safe to read."""
    count, image = rows.shard.examples, rows.manifest.features.image
    numbers = dict.fromkeys(("label", "height", "width", "channels"), (count,))
    if image.encoding != "raw":
        numbers["image_offset"] = (count + 1,)
    found = {name: _dataset(file, name, h5py.h5t.STD_I64LE, shape) for name, shape in numbers.items()}
    for name in ("key", "format"):
        found[name] = _dataset(file, name, None, (count,))
    shape = (count, *image.shape) if image.encoding == "raw" and count else None
    found["image"] = _dataset(file, "image", h5py.h5t.STD_U8LE, shape)
    return found


def _dataset(file: Any, name: str, kind: Any, shape: tuple[int | None, ...] | None) -> Any:
    """Opens one data set; a `kind` of None means text of fixed length."""
    links = file.id.links
    if not links.exists(name.encode()) or links.get_info(name.encode()).type != h5py.h5l.TYPE_HARD:
        msg = f"{name!r} is missing or is a link, expected a data set"
        raise _StructureError(msg)
    dataset = h5py.h5o.open(file.id, name.encode())
    if not isinstance(dataset, h5py.h5d.DatasetID):
        msg = f"{name!r} is no data set"
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
    if shape is not None and dataset.shape != shape:
        msg = f"{name!r} has shape {dataset.shape}, expected {shape}"
        raise _StructureError(msg)
    return h5py.Dataset(dataset)


def _is_text(stored: Any) -> bool:
    return (
        isinstance(stored, h5py.h5t.TypeStringID)
        and not stored.is_variable_str()
        and stored.get_size() <= MAX_TEXT_BYTES
    )


def _check_places(columns: dict[str, Any], rows: ShardRows) -> Iterator[Finding]:
    """Whether HDF5 finds each image where the index does."""
    start = columns["image"].id.get_offset() or 0
    if "image_offset" in columns:
        ends = columns["image_offset"][:]
        if columns["image"].shape != (ends[-1],):
            msg = f"'image' has shape {columns['image'].shape}, but 'image_offset' ends at {ends[-1]}"
            raise _StructureError(msg)
        begins, lengths = start + ends[:-1], np.diff(ends)
    else:
        lengths = np.full(len(rows.offset), columns["image"].size // max(1, len(rows.offset)))
        begins = start + np.arange(len(rows.offset)) * lengths
    for number in np.flatnonzero((begins != rows.offset) | (lengths != rows.length)).tolist():
        detail = f"HDF5 has {lengths[number]} bytes of image at byte {begins[number]}, the index {rows.length[number]} at {rows.offset[number]}"
        yield rows.finding("disagrees", detail, number=number, offset=int(begins[number]))


def _check_values(columns: dict[str, Any], rows: ShardRows, formats: list[str]) -> Iterator[Finding]:
    for name in ("label", "height", "width"):
        expected = getattr(rows.index, name)[rows.first : rows.stop]
        yield from _check_column(columns[name], expected.tolist(), rows)
    count = len(rows.offset)
    yield from _check_column(columns["channels"], [rows.channels] * count, rows)
    yield from _check_column(columns["format"], [text.encode() for text in formats], rows)
    keys = [(rows.key(number) or "").encode() for number in range(count)]
    yield from _check_column(columns["key"], keys, rows)


def _check_column(column: Any, expected: list[Any], rows: ShardRows) -> Iterator[Finding]:
    """Compares in blocks; a format that is not known agrees with any."""
    name, start, each = column.name.lstrip("/"), column.id.get_offset() or 0, column.id.get_type().get_size()
    block = max(1, BLOCK_BYTES // each)
    for first in range(0, len(expected), block):
        stored: npt.NDArray[Any] = column[first : first + block]
        for number, (value, wanted) in enumerate(
            zip(stored.tolist(), expected[first : first + block], strict=True), start=first
        ):
            if value != wanted and wanted != b"?":
                detail = f"its {name} is {shortened(value)}, the index says {shortened(wanted)}"
                yield rows.finding("disagrees", detail, number=number, offset=start + number * each)
