"""Which values of HDF5 data sets are read, and how: every one once, in whole chunks."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.converters.inspect.hdf5 import inspect_hdf5
from fitfeed.converters.inspect.hdf5.values import Stored, _block, _places, is_label_like
from fitfeed.converters.inspect.limits import FULL, SAMPLE
from fitfeed.converters.inspect.report import ForeignFeature, Span
from tests.converters.inspect.foreign import by_name

Y = np.arange(60) % 3

SHAPES = st.lists(st.integers(1, 40), min_size=1, max_size=3).map(tuple)


@given(SHAPES, st.data())
def test_blocks_cover_every_value_once_and_divide_no_chunk(
    shape: tuple[int, ...], data: st.DataObject
) -> None:
    chunks = data.draw(st.none() | st.tuples(*(st.integers(1, size) for size in shape)))
    itemsize = data.draw(st.sampled_from([1, 8, 100_000]))
    block = _block(Stored(shape, chunks, (), (), is_written=True), itemsize)
    if chunks is not None:
        assert all(size % chunk == 0 for size, chunk in zip(block, chunks, strict=True))
    covered = np.zeros(shape, int)
    for place in _places(shape, block):
        covered[place] += 1
    assert (covered == 1).all()


def found(tmp_path: Path, values: Any, limits: Any = SAMPLE, **options: Any) -> ForeignFeature:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("x", data=values, **options)
    return by_name(inspect_hdf5(tmp_path / "a.h5", limits))["/x"]


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i8", "f4", "f8", ">i4"])
@pytest.mark.parametrize("shape", [(60,), (60, 1), (60, 1, 1, 1), (1, 60)], ids=str)
@pytest.mark.parametrize("options", [{}, {"chunks": True, "compression": "gzip"}], ids=str)
def test_labels_of_every_type_and_shape(tmp_path: Path, dtype: str, shape: Any, options: Any) -> None:
    label = found(tmp_path, Y.astype(dtype).reshape(shape), **options)
    assert (label.values, label.distinct, label.few) == (Span(0, 2), 3, (0, 1, 2))


def test_booleans_scalars_one_hot_and_names(tmp_path: Path) -> None:
    assert found(tmp_path, Y > 0).values == Span(0, 1)
    assert found(tmp_path, 1234567).few == (1234567,)
    assert found(tmp_path, np.eye(3, dtype="f4")[Y]).note == "one-hot of 3 classes"
    assert found(tmp_path, np.ones((60, 3))).note is None
    assert found(tmp_path, np.array([b"cat", b"dog"])).few == ("cat", "dog")
    assert found(tmp_path, ["Käfer", "Affe"]).few == ("Affe", "Käfer")


def test_masks_have_their_values_and_photographs_a_range(tmp_path: Path) -> None:
    masks = np.random.default_rng(0).choice(np.array([0, 1, 255], np.uint8), (5, 30, 40))
    assert found(tmp_path, masks).few == (0, 1, 255)
    photographs = np.random.default_rng(0).integers(0, 256, (5, 30, 40, 3), np.uint8)
    assert (found(tmp_path, photographs).values, found(tmp_path, photographs).distinct) == (
        Span(0, 255),
        None,
    )


@pytest.mark.parametrize("shape", [(4000, 8, 8), (256_000,), (1, 256_000)], ids=str)
def test_a_sample_says_how_many_values_it_has(tmp_path: Path, shape: Any) -> None:
    limits = dataclasses.replace(SAMPLE, each=100_000)
    values = np.arange(math.prod(shape)).reshape(shape)
    label = found(tmp_path, values, limits, chunks=True)
    assert label.values_read is not None
    assert 0 < label.values_read < values.size
    assert found(tmp_path, values, FULL, chunks=True).values == Span(0, values.size - 1)


def test_what_is_like_labels() -> None:
    assert all(map(is_label_like, [(), (5,), (5, 1), (1, 5), (5, 1, 1, 1)]))
    assert not any(map(is_label_like, [(5, 2), (5, 1, 2)]))
