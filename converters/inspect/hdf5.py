"""Says what is in an HDF5 file: its datasets, and links that lead out of it.

Soft and external links, external storage and virtual datasets are listed and never followed, because they lead to
other files. Values are read as numbers and bytes only; nothing is unpickled.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from fitfeed.converters.inspect.byte_budget import MAX_BYTES_AT_ONCE, ByteBudget
from fitfeed.converters.inspect.reader_code import hdf5_parser
from fitfeed.converters.inspect.report import ByteStrings, ForeignFeature, ForeignReport, Numbers
from fitfeed.schemas.errors import DamagedDatasetError
from fitfeed.schemas.text import first_line

BLOCK_BYTES = 4 << 20
MAX_BLOCK_STRINGS = 64  # of variable length: each may be an image of some megabytes


def inspect_hdf5(path: Path) -> ForeignReport:
    """Lists the objects of an HDF5 file, and reads those that may be labels or images.

    These are integers and byte strings of one dimension. What was never written, and what is larger than the file's
    `ByteBudget` allows, is named and not read.

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
    budget = ByteBudget(path.stat().st_size)
    with file:
        features = tuple(sorted(_walk(path, file, budget), key=lambda feature: feature.name))
    return ForeignReport(
        format="hdf5",
        compression="none",
        content="hdf5",
        bytes=path.stat().st_size,
        features=features,
        parser=hdf5_parser(path, features),
    )


def _walk(path: Path, file: Any, budget: ByteBudget) -> Iterator[ForeignFeature]:
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
                    yield _dataset(name, found, budget)
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


def _dataset(name: str, dataset: Any, budget: ByteBudget) -> ForeignFeature:
    if dataset.is_virtual:  # HDF5 may open the other files to find its shape
        note = "a virtual dataset over other files, not read"
        return ForeignFeature(name=name, role="dataset", dtype=_dtype(dataset), shape=(None,), note=note)
    if dataset.shape is None:  # H5S_NULL: a type without a value
        return ForeignFeature(name=name, role="dataset", dtype=_dtype(dataset), note="has no value")
    shape = tuple(None if size is None else int(size) for size in dataset.shape)
    numbers, strings = Numbers(), ByteStrings()
    unread = _why_unread(dataset)
    if unread is None and dataset.ndim == 1:
        unread = _sum_up(dataset, numbers, strings, budget)
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


def _sum_up(dataset: Any, numbers: Numbers, strings: ByteStrings, budget: ByteBudget) -> str | None:
    """Reads the values. Returns why they were not read, or not all of them; None if they were, or need not be."""
    dtype = dataset.dtype
    if _holds_encoded(dataset):
        return None
    if dtype.kind in "iuS":
        return _sum_up_fixed(dataset, numbers, strings, budget)
    if h5py.check_string_dtype(dtype) or h5py.check_vlen_dtype(dtype) == np.uint8:
        return _sum_up_variable(dataset, strings, budget)
    return None


def _sum_up_fixed(dataset: Any, numbers: Numbers, strings: ByteStrings, budget: ByteBudget) -> str | None:
    """Values of one size: what reading them costs is known before."""
    each, count = dataset.dtype.itemsize, len(dataset)
    is_text = dataset.dtype.kind == "S"
    chunk = int(dataset.chunks[0]) if dataset.chunks else 1  # HDF5 decompresses a chunk as a whole
    if chunk * each > MAX_BYTES_AT_ONCE:
        return f"{'chunks' if chunk > 1 else 'values'} of more than {MAX_BYTES_AT_ONCE >> 20} MiB, not read"
    size, values = -(-count // chunk) * chunk * each, count if is_text else 0
    if not budget.affords(size, values=values):
        return f"{size:,} bytes are more than what is read of this file, not read"
    budget.spend(size, values=values)
    # No chunk is divided between blocks: it would be decompressed for each of them.
    block = max(1, BLOCK_BYTES // (chunk * each)) * chunk
    for start in range(0, count, block):
        stored = dataset[start : start + block]
        if is_text:
            for value in stored:
                strings.add(bytes(value))
        else:
            numbers.add(stored)
    return None


def _sum_up_variable(dataset: Any, strings: ByteStrings, budget: ByteBudget) -> str | None:
    """Strings of any length: none is longer than the file, but many may be the same bytes of it."""
    count = len(dataset)
    block = min(MAX_BLOCK_STRINGS, max(1, MAX_BYTES_AT_ONCE // dataset.file.id.get_filesize()))
    for start in range(0, count, block):
        if budget.is_spent:
            return f"only the first {start:,} values were read"
        for value in dataset[start : start + block]:
            data = value if isinstance(value, bytes) else bytes(value)
            strings.add(data)
            budget.spend(len(data), values=1)
    return None


def _holds_encoded(dataset: Any) -> bool:
    """Whether values are the bytes of payloads or raw pixels. Their range as numbers is then of no use."""
    return bool(dataset.dtype == np.uint8)


def _why_unread(dataset: Any) -> str | None:
    """Why the values are not read; None if they may be."""
    if dataset.external:
        return f"values in other files ({', '.join(repr(name) for name, _, _ in dataset.external)}), not read"
    if dataset.size and not dataset.id.get_storage_size():  # it may claim any length, as it takes no space
        return "never written, not read"
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
