"""Whether files are still what a dataset was made from, by their size and times or else by their content.

`sources.arrow` has the size and the times that each file had when it was listed. Where they are the same, the
file is not read. Where they are not, or where the table has no such file, its digest tells.
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

from fitfeed.converters.rejects import text_path
from fitfeed.converters.source_file import SourceFile, SourceListing
from fitfeed.converters.sources.examples import ExampleTable
from fitfeed.schemas.cpus import available_cpus
from fitfeed.schemas.errors import DamagedDatasetError
from fitfeed.schemas.index import Index
from fitfeed.schemas.side_tables import SOURCES_NAME, SOURCES_SCHEMA, read_sources, write_table

RECENT_NS = 2_000_000_000
"""A file that was changed so shortly before it was listed may have been changed again within one tick of its
file system's clock, so its times prove nothing. git has the same rule."""

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
    """What `sources.arrow` is to say: of these files, and of those that the table had before.

    Args:
        listing: The files.
        before: The record batch of the dataset's table, or None.
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
    """The record batch of a dataset's `sources.arrow`, or None where it is missing or damaged: it only saves work."""
    try:
        return read_sources(dataset)
    except DamagedDatasetError:
        return None


def remember_sources(dataset: Path, table: Any | None) -> None:
    """Replaces a dataset's `sources.arrow` where it does not say the same, so that files need not be read again.

    Args:
        dataset: Its folder.
        table: A record batch of `SOURCES_SCHEMA`, of files that the dataset is known to be made from.
    """
    known = read_known_sources(dataset)
    if table is None or (known is not None and known.equals(table)):
        return
    with suppress(OSError):  # the dataset is as it must be, even where nobody may write
        write_table(dataset / SOURCES_NAME, SOURCES_SCHEMA, table)


def changed_files(listing: SourceListing, known: Any | None, indexes: Mapping[str, Index]) -> list[str]:
    """Finds files whose content is not what an example was made from.

    Args:
        listing: The files.
        known: The record batch of `sources.arrow`, or None.
        indexes: Of the dataset's splits. A file that has no example, since it was rejected or left out,
            has no digest either: it counts as unchanged.

    Returns:
        The paths of images and masks that have another content now, in the order of the listing. One that
        cannot be read counts as changed.
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
    """The places of files that do not have the size and times that are known of them."""
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
    """Place in the listing to the digest that the index has of this file, where it has one."""
    keys = pa.array([listing.keys[place] for place in places], pa.large_string())
    found: dict[int, bytes] = {}
    for index in indexes.values():
        there = index.columns()["key"]
        there.validate(full=True)  # its file is checked in its outline only
        rows = pc.fill_null(pc.index_in(keys, value_set=there), -1).to_numpy()
        for place, row in zip(places.tolist(), rows.tolist(), strict=True):
            if row >= 0:
                mask = listing.masks[place]
                column = index.source_digest if mask is None else index.mask_source_digests[mask]
                found[place] = column[row].tobytes()
    return dict(sorted(found.items()))


def other_content(
    dataset: Path,
    indexes: Mapping[str, Index],
    root: Path,
    example_table: ExampleTable,
    places: Sequence[int],
) -> list[str]:
    """Those of the files of some examples that have another content than when a dataset was made.

    Args:
        dataset: Its folder.
        indexes: Of its splits.
        root: Folder that paths are relative to.
        example_table: All files of the source.
        places: The places of the examples.
    """
    return changed_files(list_files(root, example_table, places), read_known_sources(dataset), indexes)


def _file_digest(path: Path) -> bytes | None:
    """xxh3-128 of a file, or None if it cannot be read."""
    digest = xxhash.xxh3_128()
    try:
        # Not blocking: opening a named pipe would otherwise wait for a writer, for ever.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb", buffering=0) as stream:  # noqa: PTH123 - of a descriptor
            while chunk := stream.read(CHUNK_BYTES):
                digest.update(chunk)
    except OSError:
        return None
    return digest.digest()
