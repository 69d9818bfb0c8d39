"""The sources that a dataset was made from: which of them files are of that are to be appended."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fitfeed.converters.file_columns import FileColumns
from fitfeed.converters.reading.sources_reader import SourcesReader
from fitfeed.converters.source_file import SourceRoot
from fitfeed.schemas.find_texts import rows_of
from fitfeed.schemas.index import Index
from fitfeed.schemas.packed_texts import PackedTexts


class KnownSources:
    """The sources of a complete dataset.

    Attributes:
        names: Their names, by number.
    """

    def __init__(self, names: Sequence[str], indexes: Mapping[str, Index]) -> None:
        """Takes the names, and the indexes of all splits."""
        self.names = list(names)
        self._indexes = indexes

    def recognize(self, root: SourceRoot, files: FileColumns) -> int | None:
        """The number of the source that these files are of, though it has another name now.

        One of them has the path and the bytes of one of its examples then.

        Args:
            root: Where the files are.
            files: They have paths relative to it.
        """
        reader = SourcesReader([root])
        for index in self._indexes.values():
            for number in np.unique(index.source).tolist():
                rows = np.flatnonzero(index.source == number)
                there = index.valid_column("path").take(pa.array(rows))
                found = rows_of(files.keys, PackedTexts.of_arrow(there))
                for place in np.flatnonzero(found >= 0).tolist():
                    row = rows[found[place]]
                    same_size = files.bytes[place] == index.source_bytes[row]
                    if same_size and reader.digest(files[place]) == index.source_digest[row].tobytes():
                        return int(number)
        return None

    def has_below(self, prefix: str) -> bool:
        """Whether the key of an example begins so."""
        for index in self._indexes.values():
            if pc.any(pc.starts_with(index.valid_column("key"), prefix)).as_py():
                return True
        return False

    def count_of(self, sources: Collection[int]) -> int:
        """Number of examples of some sources."""
        return sum(int(np.isin(index.source, list(sources)).sum()) for index in self._indexes.values())
