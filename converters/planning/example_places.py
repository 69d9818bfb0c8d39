"""Where a dataset has the examples of many files: in the index of which split, and in which row."""

import dataclasses
from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from fitfeed.schemas.find_texts import rows_of
from fitfeed.schemas.index import Index
from fitfeed.schemas.packed_texts import PackedTexts


@dataclasses.dataclass(frozen=True)
class ExamplePlaces:
    """Where the examples of files are.

    Attributes:
        index: int16 (files,): the number of the index; -1 for none.
        row: int32 (files,): the row in it; -1 for none.
    """

    index: npt.NDArray[np.int16]
    row: npt.NDArray[np.int32]

    def in_each(self, indexes: Mapping[str, Index]) -> Iterator[tuple[Index, npt.NDArray[np.int64]]]:
        """The indexes that have any of them, each with the places of its files: int64 (n,)."""
        for number, index in enumerate(indexes.values()):
            places = np.flatnonzero(self.index == number)
            if len(places):
                yield index, places

    def others(self, indexes: Mapping[str, Index]) -> dict[str, npt.NDArray[np.int64]]:
        """By split, the rows of all examples that are of none of the files: int64 (n,), ascending."""
        rows = {}
        for number, (split, index) in enumerate(indexes.items()):
            other = np.ones(len(index), np.bool_)
            other[self.row[self.index == number]] = False
            rows[split] = np.flatnonzero(other)
        return rows


def find_places(keys: PackedTexts, indexes: Mapping[str, Index]) -> ExamplePlaces:
    """Finds the examples of files by their keys.

    Args:
        keys: The keys.
        indexes: Indexes of the dataset's splits.

    Raises:
        DamagedDatasetError: If a key of an index is not text.
    """
    found = ExamplePlaces(np.full(len(keys), -1, np.int16), np.full(len(keys), -1, np.int32))
    columns = dict(enumerate(map(keys_of, indexes.values())))
    # The largest first, after which few keys are left to be looked for.
    for number in sorted(columns, key=lambda number: len(columns[number]), reverse=True):
        left = np.flatnonzero(found.row < 0)
        row = rows_of(keys if len(left) == len(keys) else keys.take(left), columns[number])
        found.index[left[row >= 0]], found.row[left] = number, row
    return found


def keys_of(index: Index) -> PackedTexts:
    """The keys of an index, without a copy.

    Raises:
        DamagedDatasetError: If one is not text.
    """
    return PackedTexts.of_arrow(index.valid_column("key"))
