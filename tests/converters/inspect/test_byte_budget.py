"""Files of a few kilobytes that would cost gigabytes or hours: what is too large is named, and not read."""

import gzip
import json
import tracemalloc
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from fitfeed.commands.inspect import report_lines
from fitfeed.converters.inspect import byte_budget, hdf5, tfrecord
from fitfeed.converters.inspect.byte_budget import MAX_INSPECTED_BYTES, ByteBudget
from fitfeed.converters.inspect.report import ForeignReport, Span
from fitfeed.schemas import tfrecord as framing
from fitfeed.schemas.errors import DamagedDatasetError, UsageError
from fitfeed.schemas.tfrecord import frame
from tests.converters.inspect.foreign import by_name, example, sequence_example

MIB = 1 << 20


@pytest.fixture
def small_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """2 MiB of a file, 1 MiB at once."""
    monkeypatch.setattr(byte_budget, "MAX_INSPECTED_BYTES", 2 * MIB)
    for module in (hdf5, tfrecord):
        monkeypatch.setattr(module, "MAX_BYTES_AT_ONCE", MIB)
    monkeypatch.setattr(framing, "READ_BYTES", MIB)


@pytest.fixture
def only_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever reads values of an HDF5 file fails the test."""

    def read(*arguments: Any) -> None:
        pytest.fail("values were read")

    monkeypatch.setattr(h5py.Dataset, "__getitem__", read)


def inspected(path: Path) -> ForeignReport:
    """As `inspect_file`, but in this process, where limits can be changed."""
    if path.suffix == ".h5":
        return hdf5.inspect_hdf5(path)
    return tfrecord.inspect_tfrecord(path, "gzip" if path.suffix == ".gz" else "none")


def inspected_in_little_memory(path: Path) -> ForeignReport:
    tracemalloc.start()
    try:
        report = inspected(path)
        assert tracemalloc.get_traced_memory()[1] < 8 * MIB
    finally:
        tracemalloc.stop()
    return report


def compressed(path: Path, *records: bytes) -> Path:
    path.write_bytes(gzip.compress(b"".join(b"".join((*frame(r)[:1], r, frame(r)[1])) for r in records)))
    return path


def test_the_budget_grows_with_the_file() -> None:
    assert ByteBudget(1).limit == MAX_INSPECTED_BYTES
    budget = ByteBudget(MAX_INSPECTED_BYTES)
    assert budget.limit == 10 * MAX_INSPECTED_BYTES
    assert budget.affords(budget.limit)
    assert not budget.affords(budget.limit, values=1)
    budget.spend(budget.limit - 64)
    assert not budget.is_spent
    budget.spend(0, values=1)
    assert budget.is_spent


@pytest.mark.usefixtures("only_names")
@pytest.mark.parametrize(
    ("shape", "dtype", "options"),
    [
        ((64,), "S200000000", {}),
        ((100_000_000,), "S4000000", {}),
        ((100_000_000,), "i8", {"chunks": (1 << 20,)}),
        ((100_000_000,), "i8", {"chunks": (1 << 20,), "compression": "gzip"}),
        ((2**50,), h5py.string_dtype(), {"chunks": (1024,)}),
    ],
    ids=str,
)
def test_what_was_never_written_is_not_read(tmp_path: Path, shape: Any, dtype: Any, options: Any) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("x", shape, dtype, **options)
    found = by_name(inspected(tmp_path / "a.h5"))["/x"]
    assert found.note is not None
    assert found.note.endswith("never written, not read")
    assert (found.values, found.size, found.distinct) == (None, None, None)


@pytest.mark.usefixtures("only_names", "small_budget")
def test_chunks_count_by_their_decompressed_size(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for name, count in (("long", MIB), ("one", 1)):
            file.create_dataset(name, data=np.zeros(count, "i8"), chunks=(count,), compression="gzip")
        file["text"] = np.zeros(40_000, "S1")  # each costs the time of many bytes
    assert (tmp_path / "a.h5").stat().st_size < 100_000
    with pytest.raises(BaseException, match="values were read"):
        inspected(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        del file["one"]
    found = by_name(inspected(tmp_path / "a.h5"))
    assert str(found["/long"].note).endswith("chunks of more than 1 MiB, not read")
    assert str(found["/text"].note) == "40,000 bytes are more than what is read of this file, not read"


@pytest.mark.usefixtures("small_budget")
def test_many_compressed_data_sets_share_one_budget(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for number in range(20):
            values = np.full(100_000, number, "i8")
            file.create_dataset(f"d{number:02}", data=values, chunks=(10_000,), compression="gzip")
    found = list(by_name(inspected(tmp_path / "a.h5")).values())
    read = [each.values for each in found if each.values is not None]
    assert read == [Span(number, number) for number in range(2)]
    assert all(
        str(each.note).endswith("800,000 bytes are more than what is read of this file, not read")
        for each in found[2:]
    )


@pytest.mark.usefixtures("small_budget")
def test_strings_that_are_all_the_same_bytes(tmp_path: Path) -> None:
    """2,000 references to one string in the heap of the file."""
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        strings = file.create_dataset("v", (2000,), h5py.vlen_dtype(np.uint8))
        strings[0] = np.zeros(100_000, np.uint8)
        place = strings.id.get_offset()
    content = bytearray(path.read_bytes())
    content[place : place + 2000 * 16] = content[place : place + 16] * 2000
    path.write_bytes(content)
    found = by_name(inspected(path))["/v"]
    assert found.note == "only the first 21 values were read"
    assert found.size == Span(100_000, 100_000)


@pytest.mark.usefixtures("small_budget")
def test_a_long_record_is_checked_and_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.tfrecord"
    long, short = bytes(64 * MIB), example(a=[1])
    path.write_bytes(b"".join(part for r in (long, short) for part in (frame(r)[0], r, frame(r)[1])))
    report = inspected_in_little_memory(path)
    assert report.records == 2
    assert report.left_out == "1 records of more than 1,048,576 bytes were not parsed"
    assert by_name(report)["a"].values == Span(1, 1)
    with path.open("r+b") as file:
        file.seek(32 * MIB)
        file.write(b"x")
    with pytest.raises(DamagedDatasetError, match="record at byte 0: the checksum of its data is wrong"):
        inspected(path)


@pytest.mark.usefixtures("small_budget")
def test_a_compressed_bomb_is_read_so_far_only(tmp_path: Path) -> None:
    path = compressed(tmp_path / "a.tfrecord.gz", example(a=[7]), bytes(64 * MIB), example(a=[8]))
    assert path.stat().st_size < 100_000
    report = inspected_in_little_memory(path)
    assert report.left_out == "only the first 1 records were read: values of 2,097,152 bytes are enough"
    assert by_name(report)["a"].values == Span(7, 7)
    assert report.left_out in report_lines(path, report)
    assert json.loads(json.dumps(report.to_dict()))["left_out"] == report.left_out


@pytest.mark.usefixtures("small_budget")
@pytest.mark.parametrize(
    "record",
    [b"", example(a=[b""] * 1000), sequence_example({}, {"a": [[]] * 1000})],
    ids=["empty", "strings", "steps"],
)
def test_many_small_values_cost_time(tmp_path: Path, record: bytes) -> None:
    report = inspected(compressed(tmp_path / "a.tfrecord.gz", *[record] * (40_000 if not record else 60)))
    assert report.left_out is not None
    assert report.left_out.startswith("only the first ")


def test_more_features_than_any_in_one_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tfrecord, "MAX_FEATURES", 5)
    path = compressed(tmp_path / "a.tfrecord.gz", example(**{f"f{i}": [1] for i in range(6)}))
    with pytest.raises(UsageError, match="more than 5 different feature names"):
        inspected(path)
