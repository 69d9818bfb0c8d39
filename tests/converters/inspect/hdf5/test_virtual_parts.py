"""The parts of a virtual data set are counted without HDF5, which takes 11 KB for each when it opens one."""

import io
from pathlib import Path

import h5py
import numpy as np
import pytest

from fitfeed.converters.inspect.hdf5 import inspect_hdf5
from fitfeed.converters.inspect.hdf5.virtual_parts import virtual_parts
from fitfeed.converters.inspect.limits import FULL
from tests.converters.inspect.foreign import by_name

FORMATS = [("earliest", 0), ("latest", 512)]


def write(path: Path, parts: dict[str, int], libver: str, userblock_size: int) -> None:
    """Writes virtual data sets with many attributes, whose object headers have several blocks."""
    with h5py.File(path, "w", libver=libver, userblock_size=userblock_size) as file:
        file["plain"] = np.arange(3)
        for name, count in parts.items():
            layout = h5py.VirtualLayout((count, 4), "f4")
            for number in range(count):
                layout[number] = h5py.VirtualSource(f"part{number}.h5", "x", (4,))
            attributes = file.create_virtual_dataset(name, layout).attrs
            attributes.update({f"attribute_{i}": i for i in range(20)})


def count(path: Path, name: bytes) -> int:
    with h5py.File(path, "r") as file, path.open("rb") as stream:
        return virtual_parts(stream, file.userblock_size, file.id.links.get_info(name).u)


@pytest.mark.parametrize(("libver", "userblock_size"), FORMATS)
def test_counts_are_those_of_hdf5(tmp_path: Path, libver: str, userblock_size: int) -> None:
    parts = {"a": 1, "b": 17, "c": 300}
    write(tmp_path / "a.h5", parts, libver, userblock_size)
    assert {name: count(tmp_path / "a.h5", name.encode()) for name in (*parts, "plain")} == {
        **parts,
        "plain": 0,
    }


@pytest.mark.parametrize(("libver", "userblock_size"), FORMATS)
def test_one_of_very_many_parts_is_named_and_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, libver: str, userblock_size: int
) -> None:
    monkeypatch.setattr("fitfeed.converters.inspect.hdf5.objects.PART_BYTES", 1 << 20)
    write(tmp_path / "a.h5", {"few": 5, "many": 30}, libver, userblock_size)
    found = by_name(inspect_hdf5(tmp_path / "a.h5"))
    assert (found["/few"].shape, found["/few"].dtype) == ((5, 4), "float32")
    assert found["/many"].note == (
        "a virtual data set over 30 parts of other files, too many to open here; --full opens more"
    )
    assert by_name(inspect_hdf5(tmp_path / "a.h5", FULL))["/many"].shape == (30, 4)


@pytest.mark.parametrize(("libver", "userblock_size"), FORMATS)
def test_bytes_that_contradict_themselves_count_as_nothing(
    tmp_path: Path, libver: str, userblock_size: int
) -> None:
    write(tmp_path / "a.h5", {"x": 9}, libver, userblock_size)
    with h5py.File(tmp_path / "a.h5", "r") as file:
        address = file.id.links.get_info(b"x").u
    content, random = (tmp_path / "a.h5").read_bytes(), np.random.default_rng(0)
    counts = set()
    for _ in range(300):
        changed = np.frombuffer(content, np.uint8).copy()
        start = userblock_size + address
        places = random.integers(start, min(start + 400, len(changed)), 8)
        changed[places] = random.integers(0, 256, 8)
        stream = io.BytesIO(changed[: random.integers(start, len(changed) + 1)].tobytes())
        counts.add(virtual_parts(stream, userblock_size, address))
    assert {0, 9} <= counts
