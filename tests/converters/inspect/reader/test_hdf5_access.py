"""How one example is read; `test_hdf5_code` executes it."""

import pytest

from fitfeed.converters.inspect.reader.hdf5_access import access_of
from fitfeed.converters.inspect.report import ForeignFeature


@pytest.mark.parametrize(
    ("shape", "comment"),
    [
        ((5,), "x[0] reads one"),
        ((), "x[()] reads it"),
        ((0, 3), "has no value yet"),
        ((5, 3, 32, 32), "channels first; read_x(0) reads one"),
        ((5, 32, 32, 3), "x[0] reads one"),
        ((5, 3, 4, 4), "x[0] reads one"),
        ((None,), "x[0] reads one"),
    ],
    ids=str,
)
def test_shapes(shape: tuple[int | None, ...], comment: str) -> None:
    feature = ForeignFeature(name="/x", role="dataset", dtype="uint8", shape=shape)
    assert access_of(feature, "x", {}, is_matlab=False).comment == comment


@pytest.mark.parametrize(
    ("shape", "index"), [((3, 8, 8, 50), "x[..., i].T"), ((50, 3, 8, 8), "x[i].T")], ids=str
)
def test_axes_of_matlab(shape: tuple[int, ...], index: str) -> None:
    feature = ForeignFeature(name="/x", role="dataset", dtype="uint8", shape=shape)
    assert access_of(feature, "x", {}, is_matlab=True).function == [f"return {index}"]
