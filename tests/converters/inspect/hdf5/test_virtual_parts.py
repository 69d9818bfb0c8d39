"""The parts of a virtual data set are counted without HDF5, which takes 11 KB for each when it opens one."""

import dataclasses
import io
import struct
from pathlib import Path

import h5py
import numpy as np
import pytest

from fitfeed.converters.inspect.byte_budget import ByteBudget
from fitfeed.converters.inspect.hdf5 import inspect_hdf5
from fitfeed.converters.inspect.hdf5.virtual_parts import (
    CONTINUATION,
    LAYOUT,
    MAX_BLOCKS,
    STEP_BYTES,
    VERSION_OF_VIRTUAL,
    VIRTUAL,
    virtual_parts,
)
from fitfeed.converters.inspect.limits import FULL, SAMPLE, Limits
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
        return virtual_parts(stream, file.userblock_size, ByteBudget(SAMPLE), file.id.links.get_info(name).u)


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


@pytest.mark.parametrize("limits", [SAMPLE, dataclasses.replace(FULL, total=SAMPLE.total)])
@pytest.mark.parametrize(("libver", "userblock_size"), FORMATS)
def test_what_is_not_opened_costs_nothing_of_what_comes_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, libver: str, userblock_size: int, limits: Limits
) -> None:
    monkeypatch.setattr("fitfeed.converters.inspect.hdf5.objects.PART_BYTES", SAMPLE.total)
    write(tmp_path / "a.h5", {"many": 3, "more": 4}, libver, userblock_size)
    report = inspect_hdf5(tmp_path / "a.h5", limits)
    found = by_name(report)
    assert report.left_out is None
    assert found["/plain"].shape == (3,)
    end = "h5py takes about 288 MiB to open it" if limits.is_full else "--full opens more"
    assert str(found["/many"].note).endswith(f"over 3 parts of other files, too many to open here; {end}")


@pytest.mark.parametrize(("libver", "userblock_size"), FORMATS)
@pytest.mark.parametrize("part_bytes", [1 << 20, SAMPLE.total])
def test_further_names_of_one_are_listed_and_cost_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part_bytes: int, libver: str, userblock_size: int
) -> None:
    monkeypatch.setattr("fitfeed.converters.inspect.hdf5.objects.PART_BYTES", part_bytes)
    write(tmp_path / "a.h5", {"a": 15}, libver, userblock_size)
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        for number in range(9):
            file[f"b{number}"] = file["a"]
    report = inspect_hdf5(tmp_path / "a.h5")
    assert set(by_name(report)) == {"/a", "/plain"}
    assert report.left_out is None
    assert by_name(report)["/a"].also == tuple(f"/b{number}" for number in range(5))


def header(messages: list[tuple[int, bytes]]) -> bytes:
    """An object header of version 1."""
    content = b"".join(struct.pack("<HHxxxx", kind, len(data)) + data for kind, data in messages)
    return struct.pack("<BxHIIxxxx", 1, len(messages), 1, len(content)) + content


def test_the_steps_through_a_forged_heap_are_counted() -> None:
    steps = 5000
    layout = bytes([VERSION_OF_VIRTUAL, VIRTUAL]) + struct.pack("<QI", 1000, 9)
    heap = b"GCOL" + struct.pack("<xxxxQ", 16 * steps + 16) + struct.pack("<HHxxxxQ", 1, 1, 0) * steps
    budget = ByteBudget(SAMPLE)
    stream = io.BytesIO(header([(LAYOUT, layout)]).ljust(1000) + heap)
    assert virtual_parts(stream, 0, budget, 0) == 0
    assert SAMPLE.total - budget.left >= STEP_BYTES * steps


def test_a_forged_header_with_thousands_of_blocks_has_few_of_them_read() -> None:
    class Counted(io.BytesIO):
        taken = 0

        def read(self, size: int | None = -1, /) -> bytes:
            content = super().read(size)
            self.taken += len(content)
            return content

    block = header([(CONTINUATION, struct.pack("<QQ", 16, 60_000))] * 2500)
    stream, budget = Counted(block), ByteBudget(SAMPLE)
    assert virtual_parts(stream, 0, budget, 0) == 0
    assert stream.taken <= (MAX_BLOCKS + 1) * 60_100
    assert budget.left < SAMPLE.total


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
        counts.add(virtual_parts(stream, userblock_size, ByteBudget(SAMPLE), address))
    assert {0, 9} <= counts
