"""Finds out whether files have changed since a dataset was made, by their size and times, or else by their content.

`sources.arrow` has the size and the times that each file had when it was listed. If they are the same, the file is not
read. If they are not, or the table does not have the file, its digest is compared.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from fitfeed.converters.open_source import open_regular
from fitfeed.converters.rejects import ImageError, text_path
from fitfeed.converters.source_file import SourceFile, SourceListing
from fitfeed.converters.sources.examples import ExampleTable
from fitfeed.schemas.cpus import available_cpus
from fitfeed.schemas.errors import DamagedDatasetError
from fitfeed.schemas.index import Index
from fitfeed.schemas.side_tables import SOURCES_NAME, SOURCES_SCHEMA, read_sources, write_table

RECENT_NS = 2_000_000_000
"""If a file was changed less than this time before it was listed, it may have been changed again within one tick of the
file system's clock. So its times prove nothing. git has the same rule."""

CHUNK_BYTES = 1 << 20


def list_files(root: Path, example_table: ExampleTable, places: Sequence[int]) -> SourceListing:
    """The files of the examples at some places: all images, then all masks."""
    images = [example_table.files[place] for place in places]
    keys = [text_path(file.path) for file in images]
    listing = SourceListing(root, images, list(keys), [None] * len(images))
    for name, kind in example_table.kinds.items():
        if kind == "mask":
            listing.files.extend(example_table.labels[name][place] for place in places)
            listing.keys.extend(keys)
            listing.masks.extend([name] * len(places))
    return listing


def sources_table(listing: SourceListing, before: Any | None, *, listed_ns: int) -> Any:
    """The content of `sources.arrow`: these files, and those that the table had before.

    Args:
        listing: The files.
        before: The record batch of the dataset's table; None if it has none.
        listed_ns: When the files were listed.

    Returns:
        A record batch of `SOURCES_SCHEMA`.
    """
    settled = {
        text_path(file.path): file
        for file in listing.files
        if max(file.mtime_ns, file.ctime_ns) < listed_ns - RECENT_NS
    }
    here = _batch(settled.keys(), settled.values())
    if before is None:
        return here
    listed = pa.array([text_path(file.path) for file in listing.files], pa.large_string())
    gone = before.filter(pc.invert(pc.is_in(before.column("key"), value_set=listed)))
    columns = [pa.concat_arrays([gone.column(name), here.column(name)]) for name in here.schema.names]
    return pa.record_batch(columns, schema=SOURCES_SCHEMA)


def _batch(keys: Iterable[str], files: Iterable[SourceFile]) -> Any:
    numbers = np.array([file[1:] for file in files], np.int64).reshape(-1, 3)
    columns = [pa.array(list(keys), pa.large_string()), *(pa.array(column) for column in numbers.T)]
    return pa.record_batch(columns, schema=SOURCES_SCHEMA)


def read_known_sources(dataset: Path) -> Any | None:
    """The record batch of a dataset's `sources.arrow`; None if it is missing or damaged, because it only saves work."""
    try:
        return read_sources(dataset)
    except DamagedDatasetError:
        return None


def remember_sources(dataset: Path, table: Any | None) -> None:
    """Replaces a dataset's `sources.arrow` if it has other values, so that files need not be read again.

    Args:
        dataset: Folder of the dataset.
        table: A record batch of `SOURCES_SCHEMA`, of files from which the dataset is known to be made.
    """
    known = read_known_sources(dataset)
    if table is None or (known is not None and known.equals(table)):
        return
    with suppress(OSError):  # the dataset is as it must be, even if its folder is read-only
        write_table(dataset / SOURCES_NAME, table)


def changed_files(listing: SourceListing, known: Any | None, indexes: Mapping[str, Index]) -> list[str]:
    """Finds files whose content has changed since an example was made from them.

    Args:
        listing: The files.
        known: The record batch of `sources.arrow`, or None.
        indexes: Indexes of the dataset's splits. A file without an example, which was rejected or left out, has no
            digest either. It counts as unchanged.

    Returns:
        The paths of images and masks that have other content now, in the order of the listing. One that cannot be
        read counts as changed.
    """
    suspects = _suspects(listing, known)
    digests = _recorded_digests(listing, suspects, indexes)
    with ThreadPoolExecutor(
        available_cpus()
    ) as threads:  # they wait for the disk, and xxhash releases the GIL
        found = list(
            threads.map(lambda place: _file_digest(listing.root / listing.files[place].path), digests)
        )
    pairs = zip(digests.items(), found, strict=True)
    return [text_path(listing.files[place].path) for (place, recorded), now in pairs if now != recorded]


def _suspects(listing: SourceListing, known: Any | None) -> npt.NDArray[np.int64]:
    """The places of files whose size or times differ from those in the table."""
    if known is None:
        return np.arange(len(listing.files))
    keys = pa.array([text_path(file.path) for file in listing.files], pa.large_string())
    row = pc.fill_null(pc.index_in(keys, value_set=known.column("key")), -1).to_numpy()
    here = np.array([file[1:] for file in listing.files], np.int64).reshape(-1, 3)
    there = np.stack([known.column(name).to_numpy() for name in known.schema.names[1:]], axis=1)
    same = np.zeros(len(row), np.bool_)
    same[row >= 0] = (here[row >= 0] == there[row[row >= 0]]).all(axis=1)
    return np.flatnonzero(~same)


def _recorded_digests(
    listing: SourceListing, places: npt.NDArray[np.int64], indexes: Mapping[str, Index]
) -> dict[int, bytes]:
    """Place in the listing to the digest of this file in the index, if it has one."""
    keys = pa.array([listing.keys[place] for place in places], pa.large_string())
    found: dict[int, bytes] = {}
    for index in indexes.values():
        there = index.columns()["key"]
        there.validate(full=True)  # only the outline of its file was checked
        rows = pc.fill_null(pc.index_in(keys, value_set=there), -1).to_numpy()
        for place, row in zip(places.tolist(), rows.tolist(), strict=True):
            if row >= 0:
                mask = listing.masks[place]
                column = index.source_digest if mask is None else index.mask_source_digests[mask]
                found[place] = column[row].tobytes()
    return dict(sorted(found.items()))


def _file_digest(path: Path) -> bytes | None:
    """xxh3-128 of a file; None if it cannot be read."""
    digest = xxhash.xxh3_128()
    try:
        with os.fdopen(open_regular(str(path)), "rb", buffering=0) as stream:
            while chunk := stream.read(CHUNK_BYTES):
                digest.update(chunk)
    except (OSError, ImageError):
        return None
    return digest.digest()
