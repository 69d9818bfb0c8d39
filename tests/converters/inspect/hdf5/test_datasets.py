"""What is said of a data set: its type, shape and storage, also of those that NumPy does not know."""

from pathlib import Path

import h5py
import numpy as np

from fitfeed.converters.inspect.hdf5 import inspect_hdf5
from tests.converters.inspect.foreign import by_name


def test_types_that_numpy_does_not_have_are_no_damage(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        space = h5py.h5s.create_simple((3,))
        h5py.h5d.create(file.id, b"bits", h5py.h5t.STD_B8LE, space)
        file["good"] = [1, 2]
    found = by_name(inspect_hdf5(tmp_path / "a.h5"))
    assert found["/good"].distinct == 2
    assert found["/bits"].shape == (3,)


def test_shapes_of_virtual_data_sets_come_from_their_own_header(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        layout = h5py.VirtualLayout((100, 16, 16, 3), np.uint8)
        for start in (0, 50):
            layout[start : start + 50] = h5py.VirtualSource(f"part{start}.h5", "x", (50, 16, 16, 3))
        file.create_virtual_dataset("images", layout)
    found = by_name(inspect_hdf5(tmp_path / "a.h5"))["/images"]
    assert found.shape == (100, 16, 16, 3)
    assert found.note == "a virtual data set over 'part0.h5' and 1 more, not read"


def test_a_virtual_data_set_never_opens_other_files(tmp_path: Path) -> None:
    """One that may grow makes HDF5 open them, only to learn its shape."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        layout = h5py.VirtualLayout((5, 4), "i4", maxshape=(None, 4))
        source = h5py.VirtualSource(tmp_path / "pipe.h5", "x", (5, 4), maxshape=(None, 4))
        layout[: h5py.h5s.UNLIMITED, :] = source[: h5py.h5s.UNLIMITED, :]
        file.create_virtual_dataset("grows", layout)
    (tmp_path / "pipe.h5").mkdir()
    assert by_name(inspect_hdf5(tmp_path / "a.h5"))["/grows"].shape == (None, 4)


def test_other_names_of_a_data_set(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data/images"] = np.zeros((5, 4, 4, 3), np.uint8)
        file["copy"] = file["data/images"]
    (found,) = inspect_hdf5(tmp_path / "a.h5").features
    assert (found.name, found.also) == ("/copy", ("/data/images",))
