"""In which images a source and a dataset differ, by name."""

from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.converters.file_columns import FileColumns, SourceListing
from fitfeed.converters.planning.file_difference import find_difference
from fitfeed.converters.source_file import SomeFiles, SourceFile

SIZES = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 3))


def listed(sizes: dict[str, int]) -> SourceListing:
    """A source of these images, each with a mask."""
    files = [SourceFile(name, size, 0) for name, size in sizes.items()]
    masks = [SourceFile(f"{name} mask", 9, 0) for name in sizes]
    return SourceListing({}, FileColumns.of([*files, *masks]), ["mask"])


class KeysAndSizes:
    """What is asked of an index: the keys and the sizes of its examples."""

    def __init__(self, sizes: dict[str, int]) -> None:
        self._keys = pa.array(list(sizes), pa.large_string())
        self.source_bytes = np.array([*sizes.values()], np.int64)

    def __len__(self) -> int:
        return len(self._keys)

    def valid_column(self, name: str) -> Any:
        return {"key": self._keys}[name]


def index(sizes: dict[str, int]) -> Any:
    return KeysAndSizes(sizes)


@given(there=SIZES, had=SIZES, rejected=st.sets(st.sampled_from("abcdefgh")))
def test_every_image_is_in_its_list(there: dict[str, int], had: dict[str, int], rejected: set[str]) -> None:
    halves = [{name: size for name, size in had.items() if (name < "d") == first} for first in (True, False)]
    found = find_difference(
        listed(there), {"train": index(halves[0]), "test": index(halves[1])}, rejected - {*had}
    )
    assert found.new == SomeFiles.of(list(there.keys() - had.keys() - rejected))
    assert found.gone == SomeFiles.of(list(had.keys() - there.keys()))
    assert found.resized == SomeFiles.of(
        [name for name in there if had.get(name, there[name]) != there[name]]
    )


def test_what_differs_is_said() -> None:
    found = find_difference(listed(dict.fromkeys("abcde", 1)), {"train": index({"a": 2, "x": 1})})
    assert found.lines() == [
        "  4 images are new: b, c, d, ...",
        "  1 examples are of files that SOURCE no longer has: x",
        "  1 images have another size now: a",
    ]
    assert find_difference(listed({"a": 1}), {"train": index({"a": 1})}).lines() == []
