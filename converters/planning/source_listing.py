"""What `sources.arrow` knows of the files of a source: their sizes and times, and the folder in which they were listed.

Size and times identify a file only within one folder: two cameras may write files of the same names, sizes and times. So
what was listed in another folder, or together with others, is not known.
"""

import hashlib
from collections.abc import Collection, Iterable
from contextlib import suppress
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fitfeed.converters.file_columns import FileColumns, SourceListing
from fitfeed.converters.reading.open_reader import open_reader
from fitfeed.converters.source_file import SourceRoot
from fitfeed.converters.sources.examples import ExampleTable
from fitfeed.schemas.errors import DamagedDatasetError
from fitfeed.schemas.find_texts import rows_of
from fitfeed.schemas.packed_etags import is_written_as, packed, unpacked
from fitfeed.schemas.packed_hex import PackedHex
from fitfeed.schemas.packed_texts import PackedTexts
from fitfeed.schemas.side_tables import (
    SOURCES_NAME,
    read_sources,
    sources_folder,
    sources_schema,
    write_table,
)
from fitfeed.schemas.storage.open_place import GivenPath
from fitfeed.schemas.storage.place import Place

RECENT_NS = 2_000_000_000
"""If a file was changed less than this time before it was listed, it may have been changed again within one tick of the
file system's clock. So its times prove nothing. git has the same rule."""


def list_files(roots: Iterable[SourceRoot], example_table: ExampleTable) -> SourceListing:
    """The files of all examples: all images, then all masks."""
    files = example_table.files
    masks = [name for name, kind in example_table.kinds.items() if kind == "mask"]
    if masks:
        labels = (example_table.labels[name] for name in masks)
        files = FileColumns.joined([files, *map(FileColumns.of, labels)])
    return SourceListing({root.number: root for root in roots}, files, masks)


def sources_table(listing: SourceListing, before: Any | None, *, listed_ns: int) -> Any:
    """The content of `sources.arrow`: these files, and those that the table had before.

    Args:
        listing: The files.
        before: What is known of files in the same folder (`read_known_sources`), or None.
        listed_ns: When the files were listed.

    Returns:
        A record batch of `sources_schema`, whose ETags may be packed (`schemas.packed_etags`).
    """
    here = _batch(listing.roots.values(), _settled(listing, before=listed_ns - RECENT_NS))
    if before is None:
        return here
    row = rows_of(PackedTexts.of_arrow(before.column("key")), listing.files.keys)
    if (row >= 0).all():
        return here
    gone = packed(before.filter(pa.array(row < 0)))
    if gone.schema != here.schema:  # some ETags are not packed
        gone, here = unpacked(gone), unpacked(here)
    columns = [pa.concat_arrays([gone.column(name), here.column(name)]) for name in here.schema.names]
    return pa.record_batch(columns, schema=here.schema)


def _settled(listing: SourceListing, *, before: int) -> FileColumns:
    """The files whose identity is known, each once: by ETags, or by times before a moment."""
    files = listing.files
    settled = np.zeros(len(files), np.bool_)
    for times in (files.mtimes_ns, files.ctimes_ns):
        settled |= times > 0  # 0: not known
    for times in (files.mtimes_ns, files.ctimes_ns):
        settled &= times < before
    if files.etags is not None:
        settled |= files.etags.lengths > 0
    if listing.mask_labels:  # several images may have one mask
        place_of = {files.keys[place]: place for place in np.flatnonzero(settled).tolist()}
        return files.take(list(place_of.values()))
    return files if settled.all() else files.take(np.flatnonzero(settled))


def forget_files(table: Any, paths: Collection[str]) -> Any:
    """The table without some files, so that the next run compares them again."""
    if not paths:
        return table
    gone = pc.is_in(table.column("key"), value_set=pa.array(list(paths), pa.large_string()))
    return table.filter(pc.invert(gone))


def _batch(roots: Iterable[SourceRoot], files: FileColumns) -> Any:
    columns = [files.keys.arrow, *map(pa.array, (files.bytes, files.mtimes_ns, files.ctimes_ns))]
    are_packed = isinstance(files.etags, PackedHex)
    if files.etags is not None and files.has_etags:
        columns.append(files.etags.arrow)
    schema = sources_schema(sources_digest(roots), etags=files.has_etags, packed=are_packed)
    return pa.record_batch(columns, schema=schema)


def sources_digest(roots: Iterable[SourceRoot]) -> str:
    """Tells apart the places of sources, as `folder_digest` does those of folders."""
    digests = [folder_digest(root.folder) for root in roots]
    return digests[0] if len(digests) == 1 else hashlib.sha256(" ".join(digests).encode()).hexdigest()[:32]


def folder_digest(root: GivenPath) -> str:
    """Tells folders apart, without naming them."""
    return open_reader(root).folder_digest()


def read_known_sources(dataset: Place, digest: str) -> Any | None:
    """What a dataset's `sources.arrow` knows of the files of some sources.

    Args:
        dataset: The dataset.
        digest: Of the places of the sources (`sources_digest`).

    Returns:
        A record batch; None if the table is missing or damaged, or was made of other places. It only saves work.
    """
    try:
        known = read_sources(dataset)
    except DamagedDatasetError:
        return None
    return known if sources_folder(known) == digest else None


def remember_sources(dataset: Place, table: Any | None) -> None:
    """Replaces a dataset's `sources.arrow` if it has other values, so that files need not be read again.

    Args:
        dataset: The dataset.
        table: A record batch of `sources_schema`, of files from which the dataset is known to be made.
    """
    if table is None:
        return
    with suppress(DamagedDatasetError):
        if is_written_as(table, read_sources(dataset)):
            return
    with suppress(OSError):  # the dataset is as it must be, even if its folder is read-only
        write_table(dataset, SOURCES_NAME, table)
