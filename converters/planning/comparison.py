"""Compares the files of a source with those from which a dataset was made: by size and times, or else by their bytes.

`sources.arrow` has the size and the times that each file had when it was listed. If they are the same, the file is not
read. If they are not, or the table does not have the file, its digest is compared with that in the index.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from fitfeed.converters.file_columns import FileColumns, SourceListing
from fitfeed.converters.planning.example_places import ExamplePlaces, find_places
from fitfeed.converters.reading.sources_reader import SourcesReader
from fitfeed.converters.source_file import Comparison
from fitfeed.schemas.find_texts import rows_of
from fitfeed.schemas.index import Index
from fitfeed.schemas.packed_texts import AT_ONCE, PackedTexts, Places
from fitfeed.schemas.side_tables import ETAG_FIELD

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
    places: ExamplePlaces | None = None,
    images: Sequence[Places] | None = None,
    check_content: bool = False,
    check_masks: bool = False,
    progress: ComparisonProgress | None = None,
) -> Comparison:
    """Compares files with the examples that were made from them.

    Args:
        listing: The files.
        known: What `sources.arrow` knows of files in the same folder (`read_known_sources`), or None.
        indexes: Indexes of the dataset's splits.
        places: Where the examples of all images are, if that is known.
        images: Arrays of the places of images, in the order in which they are read; their masks are compared, too, and
            read after all of them. None for all images, in their own order.
        check_content: Whether files are read although their size and times are the known ones.
        check_masks: The same for masks. Times tell that a mask is as it was, but not of which image it was the mask.
        progress: Receives the progress of reading.
    """
    files, files_per_image = listing.files, 1 + len(listing.mask_labels)
    if places is None:
        places = find_places(listing.image_keys, indexes)
    compared = np.tile(_chosen(images, listing.images), files_per_image)
    same = same_times(files, known) & compared
    is_example = np.tile(places.row >= 0, files_per_image) & compared
    reading = is_example.copy() if check_content else is_example & ~same
    if check_masks:
        reading[listing.images :] = is_example[listing.images :]
    to_read = _in_order(reading, images, files_per_image)
    opened, reader = list(indexes.values()), SourcesReader(listing.roots.values())

    def is_changed(place: int) -> bool:
        mask, image = listing.mask_label(place), place % listing.images
        index, row = opened[places.index[image]], places.row[image]
        digests = index.source_digest if mask is None else index.mask_source_digests[mask]
        recorded: bytes = digests[row].tobytes()
        return reader.digest(files[place]) != recorded

    changed: list[str] = []
    if progress is not None and len(to_read):
        total_bytes = int(files.bytes[to_read].sum())
        progress.start(files=len(to_read), total_bytes=total_bytes)
    with ThreadPoolExecutor(reader.threads) as threads:
        for start in range(0, len(to_read), MAX_PENDING):
            some = to_read[start : start + MAX_PENDING].tolist()
            for place, differs in zip(some, threads.map(is_changed, some), strict=True):
                if differs:
                    changed.append(files.keys[place])
                if progress is not None:
                    progress.update(int(files.bytes[place]))
    unknown = np.flatnonzero(compared & ~is_example & ~same)
    by_times = same & ~reading
    return Comparison(
        times=int(by_times.sum()),
        etags=0 if files.etags is None else int((by_times & (files.etags.lengths > 0)).sum()),
        contents=len(to_read),
        changed=changed,
        not_compared=files.keys.take(unknown).to_list(),
    )


def _chosen(images: Sequence[Places] | None, count: int) -> npt.NDArray[np.bool_]:
    """Whether each image is compared: bool (count,)."""
    chosen = np.full(count, images is None, np.bool_)
    for some in images or ():
        chosen[some] = True
    return chosen


def _in_order(
    reading: npt.NDArray[np.bool_], images: Sequence[Places] | None, files_per_image: int
) -> npt.NDArray[np.int64]:
    """The places of files that are read, in the order of their images: int64 (n,)."""
    if images is None:
        return np.flatnonzero(reading)
    count = len(reading) // files_per_image
    places = (
        np.asarray(some, np.int64) + number * count for number in range(files_per_image) for some in images
    )
    return np.concatenate([np.empty(0, np.int64), *(some[reading[some]] for some in places)])


def same_times(files: FileColumns, known: Any | None) -> npt.NDArray[np.bool_]:
    """Whether each file has the size and the times that the table has: bool (files,)."""
    same = np.zeros(len(files), np.bool_)
    if known is None:
        return same
    row = rows_of(files.keys, PackedTexts.of_arrow(known.column("key")))
    columns = [known.column(name).to_numpy() for name in known.schema.names[1:4]]
    etags = known.column(ETAG_FIELD.name) if ETAG_FIELD.name in known.schema.names else None
    for begin in range(0, len(files), AT_ONCE):
        some, rows = files[begin : begin + AT_ONCE], row[begin : begin + AT_ONCE]
        listed = np.flatnonzero(rows >= 0)
        rows = rows[listed]
        equal = np.ones(len(rows), np.bool_)
        for here, there in zip((some.bytes, some.mtimes_ns, some.ctimes_ns), columns, strict=True):
            equal &= here[listed] == there[rows]
        if etags is not None or some.has_etags:
            equal &= _equal_texts(some.some_etags.take(listed), _taken(etags, rows))
        same[begin + listed] = equal
    return same


def _taken(texts: Any | None, rows: npt.NDArray[np.int32]) -> PackedTexts:
    """The texts of some rows of an Arrow column; empty ones without it."""
    if texts is None:
        return PackedTexts(np.empty(0, np.uint8), np.zeros(len(rows) + 1, np.int64))
    return PackedTexts.of_arrow(texts).take(rows)


def _equal_texts(here: PackedTexts, there: PackedTexts) -> npt.NDArray[np.bool_]:
    return np.asarray(pc.equal(here.binary, there.binary).to_numpy(zero_copy_only=False), np.bool_)
