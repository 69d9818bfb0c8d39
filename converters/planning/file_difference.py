"""Says of which other files a source is than a dataset, by name: new, gone, or of another size."""

import dataclasses
from collections.abc import Collection, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fitfeed.converters.file_columns import SourceListing
from fitfeed.converters.source_file import SomeFiles
from fitfeed.schemas.index import Index


@dataclasses.dataclass(frozen=True, kw_only=True)
class FileDifference:
    """In which images a source and a dataset differ, by key.

    Attributes:
        new: Images of the source that are neither examples nor in the list of rejects.
        gone: Examples whose image is not in the source.
        resized: Examples whose image has another size now.
    """

    new: SomeFiles
    gone: SomeFiles
    resized: SomeFiles

    def lines(self) -> list[str]:
        """What differs: a line each, indented."""
        said = [
            (self.new, "images are new"),
            (self.gone, "examples are of files that SOURCE no longer has"),
            (self.resized, "images have another size now"),
        ]
        return [f"  {files.count} {what}: {files}" for files, what in said if files.count]


def find_difference(
    listing: SourceListing,
    indexes: Mapping[str, Index],
    listed: Collection[str] = (),
    *,
    sources: Collection[int] | None = None,
) -> FileDifference:
    """Compares the keys and sizes of images with those of examples. Reads no image.

    Args:
        listing: All files of the source.
        indexes: Indexes of the dataset's splits.
        listed: Paths in the dataset's list of rejects.
        sources: The numbers of the sources whose examples may be gone; None for all.
    """
    keys, sizes = listing.keys[: listing.images].arrow, listing.files.bytes[: listing.images]
    known = pc.is_in(keys, value_set=pa.array(list(listed), pa.large_string())).to_numpy(zero_copy_only=False)
    resized, gone = np.zeros(len(keys), np.bool_), []
    for index in indexes.values():
        there = index.columns()["key"]
        there.validate(full=True)  # only the outline of its file was checked
        row = pc.fill_null(pc.index_in(keys, value_set=there), -1).to_numpy()
        known |= row >= 0
        resized[row >= 0] = sizes[row >= 0] != index.source_bytes[row[row >= 0]]
        absent = pc.invert(pc.is_in(there, value_set=keys))
        if sources is not None:
            absent = pc.and_(absent, pa.array(np.isin(index.source, list(sources))))
        gone.append(there.filter(absent))
    return FileDifference(
        new=_some(keys.filter(pa.array(~known))),
        gone=_some(pa.concat_arrays([pa.array([], pa.large_string()), *gone])),
        resized=_some(keys.filter(pa.array(resized))),
    )


def _some(keys: pa.Array) -> SomeFiles:
    return SomeFiles.of(keys.to_pylist())
