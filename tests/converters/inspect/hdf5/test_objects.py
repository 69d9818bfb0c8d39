"""Foreign HDF5 files: their objects, their links, and the printed reader."""

import time
from pathlib import Path

import h5py
import numpy as np
import pytest

from fitfeed.converters.inspect import inspect_file
from fitfeed.converters.inspect.hdf5 import inspect_hdf5
from fitfeed.converters.inspect.report import (
    Span,
)
from fitfeed.schemas.errors import DamagedDatasetError
from tests.converters.inspect.foreign import CONTAINERS, by_name, picture, run_parser


@pytest.mark.parametrize("name", ["truncated.h5", "bad_chunk_dims.h5", "bad_dataset_size.h5"])
def test_damaged_hdf5(name: str) -> None:
    with pytest.raises(DamagedDatasetError, match=f"{name} is damaged"):
        inspect_file(CONTAINERS / name)


@pytest.fixture
def odd_hdf5(tmp_path: Path) -> Path:
    path = tmp_path / "odd.h5"
    with h5py.File(path, "w", userblock_size=1024) as file:
        file["labels"] = np.arange(30) % 4
        file.create_dataset("grows", data=np.zeros((0, 3)), maxshape=(None, 3))
        file["nothing"] = h5py.Empty("f4")
        file["class"] = 3
        file["names"] = ["a", "b", "a"]
        payloads = file.create_dataset("bool", (2,), h5py.vlen_dtype(np.uint8))
        payloads[0] = np.frombuffer(picture("JPEG"), np.uint8)
        payloads[1] = np.frombuffer(picture("PNG"), np.uint8)
        file["records"] = np.zeros(3, [("a", "i4"), ("b", "f4", (2,))])
        group = file.create_group("group")
        group["loop"] = file["/"]
        group["again"] = file["labels"]
        group["soft"] = h5py.SoftLink("/labels")
        group["outside"] = h5py.ExternalLink("/etc/passwd", "/x")
        file.create_dataset("elsewhere", (10,), "u1", external=[("/etc/hostname", 0, 10)])
        file.create_dataset("endless", (2**50,), "i8", chunks=(1024,))
    return path


def test_hdf5_objects(odd_hdf5: Path) -> None:
    found = by_name(inspect_file(odd_hdf5))
    assert found["/labels"].values == Span(0, 3)
    assert found["/labels"].distinct == 4
    assert found["/names"].distinct == 2
    assert found["/bool"].images == {"jpeg": 1, "png": 1}
    assert found["/bool"].dtype == "variable length of uint8"
    assert found["/records"].dtype == "[('a', '<i4'), ('b', '<f4', (2,))]"
    assert found["/grows"].note == "may grow"
    assert found["/nothing"].note == "has no value"
    assert found["/endless"].note == "never written, not read"


def test_hdf5_never_leaves_the_file_and_visits_an_object_once(odd_hdf5: Path) -> None:
    found = by_name(inspect_file(odd_hdf5))
    assert found["/group/outside"].note == "to '/etc/passwd:/x', not followed"
    assert found["/group/soft"].note == "to '/labels', not followed"
    assert found["/elsewhere"].note == "values in other files ('/etc/hostname'), not read"
    assert "/group/again" not in found
    assert not any("loop" in name for name in found)


def test_hdf5_parser_runs_and_shadows_no_builtin(odd_hdf5: Path) -> None:
    names = run_parser(inspect_file(odd_hdf5))
    assert names["labels"][0] == 0
    assert names["data_class"][()] == 3
    assert len(names["bool_2"][0]) == len(picture("JPEG"))
    names["file"].close()


def test_depth_costs_little(tmp_path: Path) -> None:
    """Each group was opened by its path, and each name merged at each level: 3,000 levels took a minute."""
    path = tmp_path / "deep.h5"
    with h5py.File(path, "w") as file:
        group = file
        for _ in range(1_000):
            group = group.create_group("g")
            group["back"] = h5py.SoftLink("/")
    began = time.process_time()
    report = inspect_hdf5(path)
    assert time.process_time() - began < 5.0
    assert "/" + "g/" * 900 + "back" in by_name(report)
