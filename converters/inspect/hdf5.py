"""Says what is in an HDF5 file: its datasets, and links that lead out of it.

Soft and external links, external storage and virtual datasets are listed and never followed, because they lead to
other files. Values are read as numbers and bytes only; nothing is unpickled.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from fitfeed.converters.inspect.reader_code import hdf5_parser
from fitfeed.converters.inspect.report import ByteStrings, ForeignFeature, ForeignReport, Numbers
from fitfeed.schemas.errors import DamagedDatasetError
from fitfeed.schemas.text import first_line

BLOCK_VALUES = 1 << 16
BLOCK_STRINGS = 64  # each may be an image of some megabytes
MAX_VALUES = 100_000_000  # a file may claim any length, because values that were never written take no space
MAX_CHUNK_BYTES = 256 << 20  # 256 MiB: HDF5 decompresses a chunk as a whole


def inspect_hdf5(path: Path) -> ForeignReport:
    """Lists the objects of an HDF5 file, and reads those that may be labels or images.

    These are integers and byte strings of one dimension.

    Args:
        path: An HDF5 file.

    Raises:
        DamagedDatasetError: If the file, or an object in it, cannot be read.
    """
    try:
        file = h5py.File(path, "r", locking=False)
    except OSError as error:
        msg = f"{path} is damaged: {first_line(error)}. Restore the file from its source."
        raise DamagedDatasetError(msg) from error
    with file:
        features = tuple(sorted(_walk(path, file), key=lambda feature: feature.name))
    return ForeignReport(
        format="hdf5",
        compression="none",
        content="hdf5",
        bytes=path.stat().st_size,
        features=features,
        parser=hdf5_parser(path, features),
    )


def _walk(path: Path, file: Any) -> Iterator[ForeignFeature]:
    """Visits every object once. It does not recurse, because hard links may form circles and go deep."""
    visited = set()
    groups = [("", file)]
    good = 0
    while groups:
        prefix, group = groups.pop()
        name = prefix or "/"
        try:
            visited.add(_address(group))
            for key in group:
                name = f"{prefix}/{key}"
                link = group.get(key, getlink=True)
                if link is None:  # listed, but not there
                    raise KeyError(key)  # noqa: TRY301 - handled like the errors of h5py
                if not isinstance(link, h5py.HardLink):
                    yield _link(name, link)
                    continue
                found = group[key]
                if _address(found) in visited:
                    continue
                visited.add(_address(found))
                if isinstance(found, h5py.Group):
                    groups.append((name, found))
                elif isinstance(found, h5py.Dataset):
                    yield _dataset(name, found)
                    good += 1
        # h5py raises all of these for contents that contradict themselves, depending on the place.
        except (KeyError, OSError, RuntimeError, TypeError, ValueError) as error:
            why = first_line(error)
            msg = f"{path} is damaged: object {name!r} cannot be read ({why}), after {good:,} good datasets. Restore the file from its source."
            raise DamagedDatasetError(msg) from error


def _address(found: Any) -> Any:
    return h5py.h5o.get_info(found.id).addr


def _link(name: str, link: Any) -> ForeignFeature:
    target = f"{link.filename}:{link.path}" if isinstance(link, h5py.ExternalLink) else link.path
    kind = "external link" if isinstance(link, h5py.ExternalLink) else "soft link"
    return ForeignFeature(name=name, role="link", dtype=kind, note=f"to {target!r}, not followed")


def _dataset(name: str, dataset: Any) -> ForeignFeature:
    if dataset.is_virtual:  # HDF5 may open the other files to find its shape
        note = "a virtual dataset over other files, not read"
        return ForeignFeature(name=name, role="dataset", dtype=_dtype(dataset), shape=(None,), note=note)
    if dataset.shape is None:  # H5S_NULL: a type without a value
        return ForeignFeature(name=name, role="dataset", dtype=_dtype(dataset), note="has no value")
    shape = tuple(None if size is None else int(size) for size in dataset.shape)
    unread = _why_unread(dataset)
    numbers, strings = Numbers(), ByteStrings()
    if unread is None and dataset.ndim == 1:
        _sum_up(dataset, numbers, strings)
    return ForeignFeature(
        name=name,
        role="dataset",
        dtype=_dtype(dataset),
        shape=shape,
        size=strings.size,
        images=strings.images,
        values=numbers.span,
        distinct=strings.distinct if strings.count else numbers.distinct if numbers.span else None,
        note="; ".join(note for note in (_layout(dataset), unread) if note) or None,
    )


def _sum_up(dataset: Any, numbers: Numbers, strings: ByteStrings) -> None:
    dtype = dataset.dtype
    if dtype.kind in "iu" and not _holds_encoded(dataset):
        for start in range(0, len(dataset), BLOCK_VALUES):
            numbers.add(dataset[start : start + BLOCK_VALUES])
    elif dtype.kind == "S" or h5py.check_string_dtype(dtype) or h5py.check_vlen_dtype(dtype) == np.uint8:
        for start in range(0, len(dataset), BLOCK_STRINGS):
            for value in dataset[start : start + BLOCK_STRINGS]:
                strings.add(value if isinstance(value, bytes) else bytes(value))


def _holds_encoded(dataset: Any) -> bool:
    """Whether values are the bytes of payloads or raw pixels. Their range as numbers is then of no use."""
    return bool(dataset.dtype == np.uint8)


def _why_unread(dataset: Any) -> str | None:
    """Why the values are not read; None if they are."""
    if dataset.external:
        return f"values in other files ({', '.join(repr(name) for name, _, _ in dataset.external)}), not read"
    if dataset.size > MAX_VALUES:
        return f"more than {MAX_VALUES:,} values, not read"
    if dataset.chunks and np.prod(dataset.chunks, dtype=float) * dataset.dtype.itemsize > MAX_CHUNK_BYTES:
        return f"chunks of more than {MAX_CHUNK_BYTES >> 20} MiB, not read"
    properties = dataset.id.get_create_plist()
    filters = [properties.get_filter(i)[0] for i in range(properties.get_nfilters())]
    missing = [number for number in filters if not h5py.h5z.filter_avail(number)]
    return f"compressed with HDF5 filter {missing[0]}, which is not installed; not read" if missing else None


def _layout(dataset: Any) -> str | None:
    notes = [f"{dataset.compression} in chunks of {dataset.chunks}" if dataset.compression else ""]
    if any(size is None for size in dataset.maxshape or ()):
        notes.append("may grow")
    return ", ".join(note for note in notes if note) or None


def _dtype(dataset: Any) -> str:
    """The type as NumPy writes it, or as HDF5 does for types that NumPy does not have."""
    dtype = dataset.dtype
    text = h5py.check_string_dtype(dtype)
    if text is not None:
        return f"string ({text.encoding}, {'variable length' if text.length is None else f'{text.length} bytes'})"
    element = h5py.check_vlen_dtype(dtype)
    if element is not None:
        return f"variable length of {element}"
    members = h5py.check_enum_dtype(dtype)
    if members is not None:
        return f"enum of {dtype} {dict(list(members.items())[:20])}"
    if h5py.check_ref_dtype(dtype) is not None:
        return "reference"
    return str(dtype)
