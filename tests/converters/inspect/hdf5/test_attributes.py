"""Attributes of HDF5 objects, as text."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from fitfeed.converters.inspect.hdf5.attributes import MAX_ATTRIBUTES, attributes_of


def shown(tmp_path: Path, **values: Any) -> dict[str, str]:
    with h5py.File(tmp_path / "a.h5", "w", track_order=False) as file:
        for name, value in values.items():
            file.attrs[name] = value
        return dict(attributes_of(file.id))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("cat", "cat"),
        (["cat", "dog"], "['cat', 'dog']"),
        (np.array([b"cat", b"dog"]), "['cat', 'dog']"),
        (np.bytes_("IMAGE"), "IMAGE"),
        (np.bytes_(b"gr\xf6n"), "gr\\xf6n"),
        (1234567, "1234567"),
        (0.5, "0.5"),
        (np.array([[1, 2], [3, 4]]), "[1, 2, 3, 4]"),
        (True, "True"),
        (h5py.Empty("f4"), "no value"),
        (np.zeros(5000), "float64, 5000"),
        (
            np.arange(500),
            "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, ... 500 values]",
        ),
        (np.zeros(1, [("a", "i4")]), "[('a', '<i4')]"),
        (np.array([1, 0], h5py.enum_dtype({"off": 0, "on": 1})), "['on', 'off']"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_values(tmp_path: Path, value: Any, text: str) -> None:
    assert shown(tmp_path, a=value) == {"a": text}


def test_many_attributes_and_long_texts_are_shortened(tmp_path: Path) -> None:
    found = shown(tmp_path, **{f"a{i:02}": "x" * 10_000 for i in range(MAX_ATTRIBUTES + 5)})
    assert len(found) == MAX_ATTRIBUTES + 1
    assert found["..."] == "5 more"
    assert len(found["a00"]) == 100
