"""Many byte ranges in one call are those that single calls read, also where a file ends."""

import os
from pathlib import Path

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from fitfeed.pipelines.reading.bulk_read import read_ranges

SIZE = 1000


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[int]:
    """Descriptors of two files of random bytes."""
    folder = tmp_path_factory.mktemp("files")
    generator = np.random.default_rng(0)
    for name in ("a", "b"):
        (folder / name).write_bytes(generator.bytes(SIZE))
    return [os.open(Path(folder) / name, os.O_RDONLY) for name in ("a", "b")]


@hypothesis.given(data=st.data())
def test_the_same_bytes_as_single_reads(files: list[int], data: st.DataObject) -> None:
    length = data.draw(st.integers(1, 50))
    # Steps of a length make neighbors, which are read together; some ranges reach past the end.
    offsets = [place * length for place in data.draw(st.lists(st.integers(0, 30), min_size=1, max_size=20))]
    chosen = [data.draw(st.sampled_from(files)) for _ in offsets]
    out, done = np.zeros((len(offsets), length), np.uint8), np.full(len(offsets), -1)
    read_ranges(np.array(chosen, np.int32), np.array(offsets), length, out.ctypes.data, done)
    for i, (descriptor, offset) in enumerate(zip(chosen, offsets, strict=True)):
        expected = os.pread(descriptor, length, offset)
        assert done[i] == len(expected)
        assert out[i, : done[i]].tobytes() == expected


def test_failures_are_short_reads(files: list[int]) -> None:
    out, done = np.zeros((3, 10), np.uint8), np.zeros(3, np.int64)
    descriptors = np.array([files[0], -1, files[0]], np.int32)
    read_ranges(descriptors, np.array([-5, 0, 20]), 10, out.ctypes.data, done)
    assert done.tolist() == [0, 0, 10]
