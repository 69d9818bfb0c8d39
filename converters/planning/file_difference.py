"""Says of which other files a source is than a dataset, by name: new, gone, or of another size."""

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fitfeed.converters.file_columns import SourceListing
from fitfeed.converters.planning.example_places import find_places, keys_of
from fitfeed.converters.source_file import SomeFiles
from fitfeed.schemas.index import Index
from fitfeed.schemas.packed_texts import PackedTexts


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
    listing: SourceListing, indexes: Mapping[str, Index], listed: Collection[str] = ()
) -> FileDifference:
    """Compares the keys and sizes of images with those of examples. Reads no image.

    Args:
        listing: All files of the source.
        indexes: Indexes of the dataset's splits.
        listed: Paths in the dataset's list of rejects.
    """
    keys, sizes = listing.image_keys, listing.files.bytes
    places = find_places(keys, indexes)
    in_list = pc.is_in(keys.arrow, value_set=pa.array(list(listed), pa.large_string()))
    known = in_list.to_numpy(zero_copy_only=False) | (places.row >= 0)
    resized = np.zeros(len(keys), np.bool_)
    for index, images in places.in_each(indexes):
        resized[images] = sizes[images] != index.source_bytes[places.row[images]]
    return FileDifference(
        new=SomeFiles.of(keys.take(np.flatnonzero(~known))),
        gone=examples_at(places.others(indexes), indexes),
        resized=SomeFiles.of(keys.take(np.flatnonzero(resized))),
    )


def examples_at(rows: Mapping[str, npt.NDArray[np.integer[Any]]], indexes: Mapping[str, Index]) -> SomeFiles:
    """The keys of some examples.

    Args:
        rows: The rows of each split.
        indexes: Indexes of the dataset's splits.
    """
    keys = [keys_of(index).take(rows[split]) for split, index in indexes.items()]
    return SomeFiles.of(PackedTexts.joined([PackedTexts.of([]), *keys]))
