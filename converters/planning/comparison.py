"""Compares the files of a source with those from which a dataset was made: by size and times, or else by their bytes.

`sources.arrow` has the size and the times that each file had when it was listed. If they are the same, the file is not
read. If they are not, or the table does not have the file, its digest is compared with that in the index.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from fitfeed.converters.file_columns import FileColumns, SourceListing
from fitfeed.converters.reading.sources_reader import SourcesReader
from fitfeed.converters.source_file import Comparison
from fitfeed.schemas.index import Index
from fitfeed.schemas.side_tables import ETAG_FIELD, etags_of

MAX_PENDING = 4_096
"""Files that wait for a thread. All of a large source would take much memory."""


class ComparisonProgress(Protocol):
    """Receives how much of a source was read to compare it."""

    def start(self, *, files: int, total_bytes: int) -> None:
        """So many files, of so many bytes, will be read."""

    def update(self, read_bytes: int) -> None:
        """So many more bytes were read."""


class PlanReport(ComparisonProgress, Protocol):
    """Receives how far planning is: what was listed, and then what was read to compare it."""

    def listing(self) -> None:
        """Sources are listed now, perhaps once more."""

    def listed(self, files: int) -> None:
        """So many more files were found. Called from any thread."""


def compare_files(
    listing: SourceListing,
    known: Any | None,
    indexes: Mapping[str, Index],
    *,
    check_content: bool = False,
    check_masks: bool = False,
    progress: ComparisonProgress | None = None,
) -> Comparison:
    """Compares files with the examples that were made from them.

    Args:
        listing: The files.
        known: What `sources.arrow` knows of files in the same folder (`read_known_sources`), or None.
        indexes: Indexes of the dataset's splits.
        check_content: Whether files are read although their size and times are the known ones.
        check_masks: The same for masks. Times tell that a mask is as it was, but not of which image it was the mask.
        progress: Receives the progress of reading.
    """
    files = listing.files
    same = same_times(files, known)
    split, row = _find_examples(listing, indexes)
    is_mask = np.arange(len(files)) >= listing.images
    reading = (row >= 0) & (check_content | ~same | (check_masks & is_mask))
    places = np.flatnonzero(reading)
    opened, reader = list(indexes.values()), SourcesReader(listing.roots.values())

    def is_changed(place: int) -> bool:
        mask, index = listing.mask_label(place), opened[split[place]]
        digests = index.source_digest if mask is None else index.mask_source_digests[mask]
        recorded: bytes = digests[row[place]].tobytes()
        return reader.digest(files[place]) != recorded

    changed: list[str] = []
    if progress is not None and len(places):
        total_bytes = int(files.bytes[places].sum())
        progress.start(files=len(places), total_bytes=total_bytes)
    with ThreadPoolExecutor(reader.threads) as threads:
        for start in range(0, len(places), MAX_PENDING):
            some = places[start : start + MAX_PENDING].tolist()
            for place, differs in zip(some, threads.map(is_changed, some), strict=True):
                if differs:
                    changed.append(files.keys[place])
                if progress is not None:
                    progress.update(int(files.bytes[place]))
    unknown = np.flatnonzero((row < 0) & ~same)
    return Comparison(
        times=int((same & ~reading).sum()),
        etags=int((same & ~reading & (files.some_etags.lengths > 0)).sum()),
        contents=len(places),
        changed=changed,
        not_compared=files.keys.take(unknown).to_list(),
    )


def same_times(files: FileColumns, known: Any | None) -> npt.NDArray[np.bool_]:
    """Whether each file has the size and the times that the table has: bool (files,)."""
    same = np.zeros(len(files), np.bool_)
    if known is None:
        return same
    row = _rows_in(known.column("key"), files.keys.arrow)
    listed, in_table = row >= 0, row[row >= 0]
    same[listed] = True
    columns = zip((files.bytes, files.mtimes_ns, files.ctimes_ns), known.schema.names[1:4], strict=True)
    for here, name in columns:
        same[listed] &= here[listed] == known.column(name).to_numpy()[in_table]
    if files.has_etags or ETAG_FIELD.name in known.schema.names:
        etags = np.array(files.some_etags.to_list(), np.object_)
        same[listed] &= etags[listed] == etags_of(known)[in_table]
    return same


def _find_examples(
    listing: SourceListing, indexes: Mapping[str, Index]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Where the example of each file is: the number of its index and its row, both int64 (files,); -1 for none."""
    keys = listing.keys.arrow
    split, row = np.full((2, len(keys)), -1, np.int64)
    for number, index in enumerate(indexes.values()):
        there = index.columns()["key"]
        there.validate(full=True)  # only the outline of its file was checked
        found = _rows_in(there, keys)
        split[found >= 0], row[found >= 0] = number, found[found >= 0]
    return split, row


def _rows_in(column: Any, keys: Any) -> npt.NDArray[np.int64]:
    """In which row of a column each key is: int64 (keys,); -1 for none."""
    return np.asarray(pc.fill_null(pc.index_in(keys, value_set=column), -1).to_numpy(), np.int64)
