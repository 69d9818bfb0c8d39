"""Files of a few kilobytes that would cost gigabytes or hours: what is too large is named, and not read."""

import dataclasses
import gzip
import io
import json
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from fitfeed.converters.inspect import byte_budget
from fitfeed.converters.inspect.byte_budget import BudgetedStream, BudgetSpentError, ByteBudget
from fitfeed.converters.inspect.decompress import Inflated
from fitfeed.converters.inspect.hdf5 import inspect_hdf5
from fitfeed.converters.inspect.limits import FULL, MIB, SAMPLE, Limits
from fitfeed.converters.inspect.report import ForeignReport, Span
from fitfeed.converters.inspect.tfrecord import inspect_tfrecord
from fitfeed.output.foreign_text import report_lines
from fitfeed.schemas.errors import DamagedDatasetError
from fitfeed.schemas.tfrecord import frame, masked_crc32c
from tests.converters.inspect.foreign import by_name, example, sequence_example

SMALL = dataclasses.replace(SAMPLE, total=2 * MIB, each=MIB, at_once=MIB)
"""2 MiB of a file, 1 MiB of a data set and at once."""


@pytest.fixture
def only_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever reads values of an HDF5 file fails the test."""

    def read(*arguments: Any) -> None:
        pytest.fail("values were read")

    monkeypatch.setattr(h5py.Dataset, "__getitem__", read)


def inspected(path: Path, limits: Limits = SMALL) -> ForeignReport:
    """As `inspect_file`, but in this process."""
    if path.suffix == ".h5":
        return inspect_hdf5(path, limits)
    return inspect_tfrecord(path, "gzip" if path.suffix == ".gz" else "none", limits)


def inspected_in_little_memory(path: Path) -> ForeignReport:
    tracemalloc.start()
    try:
        report = inspected(path)
        assert tracemalloc.get_traced_memory()[1] < 8 * MIB
    finally:
        tracemalloc.stop()
    return report


def records(path: Path, *contents: bytes) -> Path:
    data = b"".join(part for r in contents for part in (frame(r)[0], r, frame(r)[1]))
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def header(length: int) -> bytes:
    claim = struct.pack("<Q", length)
    return claim + struct.pack("<I", masked_crc32c(claim))


def test_a_stream_ends_with_the_budget() -> None:
    budget = ByteBudget(dataclasses.replace(SAMPLE, total=10))
    stream = BudgetedStream(Inflated(_gzipped(b"0123456789abcdef")), budget)
    assert stream.read(8) == b"01234567"
    assert not budget.is_spent
    with pytest.raises(BudgetSpentError):
        stream.read(8)
    assert stream.read(2) == b"89"
    assert budget.is_spent


def test_members_of_gzip_cost_more_than_their_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(byte_budget, "PART_BYTES", 500)
    budget = ByteBudget(dataclasses.replace(SAMPLE, total=MIB))
    stream = BudgetedStream(Inflated(io.BytesIO(gzip.compress(b"x") * 3000)), budget)
    with pytest.raises(BudgetSpentError):
        stream.read(2000)


def _gzipped(content: bytes) -> Any:
    return io.BytesIO(gzip.compress(content))


def test_several_files_share_what_one_may_take() -> None:
    assert SAMPLE.shared_by(1) == SAMPLE
    assert SAMPLE.shared_by(4).total * 4 == SAMPLE.total
    assert SAMPLE.shared_by(10_000).total == MIB
    assert FULL.shared_by(7) == FULL


@pytest.mark.usefixtures("only_names")
@pytest.mark.parametrize(
    ("shape", "dtype", "options"),
    [
        ((64,), "S200000000", {}),
        ((100_000_000,), "S4000000", {}),
        ((100_000_000,), "i8", {"chunks": (1 << 20,)}),
        ((100_000_000,), "i8", {"chunks": (1 << 20,), "compression": "gzip"}),
        ((2**50,), h5py.string_dtype(), {"chunks": (1024,)}),
        ((2**40, 2**20), "u1", {"chunks": (1, 1024)}),
    ],
    ids=str,
)
@pytest.mark.parametrize("limits", [SAMPLE, FULL], ids=["sample", "full"])
def test_what_was_never_written_is_not_read(
    tmp_path: Path, shape: Any, dtype: Any, options: Any, limits: Limits
) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("x", shape, dtype, **options)
    found = by_name(inspected(tmp_path / "a.h5", limits))["/x"]
    assert found.note is not None
    assert found.note.endswith("never written, not read")
    assert (found.values, found.size, found.distinct) == (None, None, None)


@pytest.mark.usefixtures("only_names")
@pytest.mark.parametrize(("dtype", "count"), [("i8", MIB), ("S16", MIB), ("u1", 64 * MIB)])
def test_a_chunk_counts_by_its_decompressed_size(tmp_path: Path, dtype: str, count: int) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        made = file.create_dataset("long", (count,), dtype, chunks=(count,), compression="gzip")
        made.id.write_direct_chunk((0,), b"not even compressed")
    note = by_name(inspected(tmp_path / "a.h5"))["/long"].note
    assert str(note).endswith("bytes, not read; --full reads it")


@pytest.mark.parametrize("dtype", ["i8", "S25", "S1"])
def test_a_chunk_is_decompressed_once(tmp_path: Path, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole of it is read in few pieces, or a part of it."""
    path, count = tmp_path / "a.h5", 40_000
    with h5py.File(path, "w") as file:
        values = np.arange(count).astype(dtype)
        file.create_dataset("x", data=values, chunks=(count,), compression="gzip")
    pieces = []
    read = h5py.Dataset.__getitem__

    def counted(dataset: Any, place: Any) -> Any:
        pieces.append(place)
        return read(dataset, place)

    monkeypatch.setattr(h5py.Dataset, "__getitem__", counted)
    assert by_name(inspected(path))["/x"].distinct is not None
    assert len(pieces) == 1


def test_many_compressed_data_sets_share_one_budget(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for number in range(20):
            values = np.full(100_000, number, "i8")
            name = "abcdefghijklmnopqrst"[number] * 2
            file.create_dataset(name, data=values, chunks=(100_000,), compression="gzip")
    report = inspected(tmp_path / "a.h5")
    assert [each.values for each in report.features] == [Span(number, number) for number in range(3)]
    assert report.is_sample
    assert report.left_out == "only 4 objects were looked at; --full looks at all"
    assert len(inspected(tmp_path / "a.h5", FULL).features) == 20


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
    assert found.values_read is not None
    assert found.values_read < 30
    assert found.size == Span(100_000, 100_000)


@pytest.mark.parametrize("depth", [1, 2])
def test_many_groups(tmp_path: Path, depth: int) -> None:
    limits = dataclasses.replace(SAMPLE, members=30)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for number in range(200):
            file["/".join([f"g{number}"] * depth) + "/image"] = number
    report = inspected(tmp_path / "a.h5", limits)
    (found,) = (feature for feature in report.features if feature.role == "dataset")
    assert (found.count, found.name) == (30, "/".join(["", *["g*"] * depth, "image"]))
    assert report.left_out == "/ has 200 members, 30 were looked at; --full looks at all"
    (found,) = (each for each in inspected(tmp_path / "a.h5", FULL).features if each.role == "dataset")
    assert (found.count, found.values) == (200, Span(0, 199))


def test_a_long_record_is_passed_over_and_checked_in_full(tmp_path: Path) -> None:
    long, short = bytes(64 * MIB), example(a=[1])
    path = records(tmp_path / "a.tfrecord", long, short)
    report = inspected_in_little_memory(path)
    assert report.records == 2
    assert report.left_out == "1 records were not parsed: they have more than 1 MiB, or 1,048,576 fields"
    assert by_name(report)["a"].values == Span(1, 1)
    with path.open("r+b") as file:
        file.seek(32 * MIB)
        file.write(b"x")
    with pytest.raises(DamagedDatasetError, match="record at byte 0: the checksum of its data is wrong"):
        inspected(path, FULL)


@pytest.mark.slow
def test_a_record_of_many_small_values_is_not_parsed(tmp_path: Path) -> None:
    """Parsed, it would take 25 times as much memory."""
    limits = dataclasses.replace(SAMPLE, fields=1000)
    steps = sequence_example({}, {"a": [[]] * 1_100_000})
    path = records(tmp_path / "a.tfrecord", steps, example(a=[1]), example(a=[b"x" * (3 * MIB)]))
    report = inspected(path, limits)
    assert report.left_out == "1 records were not parsed: they have more than 16 MiB, or 1,000 fields"
    assert report.records == 3


def test_a_compressed_bomb_is_read_so_far_only(tmp_path: Path) -> None:
    path = records(tmp_path / "a.tfrecord.gz", example(a=[7]), bytes(64 * MIB), example(a=[8]))
    assert path.stat().st_size < 100_000
    report = inspected_in_little_memory(path)
    assert report.records_is_at_least
    assert report.left_out == (
        "only the first 1 records were read, as the next claims to have 67,108,864 bytes; --full reads all"
    )
    assert by_name(report)["a"].values == Span(7, 7)
    assert report.left_out in report_lines(path, report)
    assert json.loads(json.dumps(report.to_dict()))["left_out"] == report.left_out
    full = inspected(path, FULL)
    assert (full.records, full.records_is_at_least) == (3, False)
    assert by_name(full)["a"].values == Span(7, 8)


@pytest.mark.parametrize("name", ["a.tfrecord", "a.tfrecord.gz"])
@pytest.mark.parametrize("length", [200_000, 2**40, 2**62])
def test_a_claim_that_the_file_cannot_hold_is_refused_at_its_header(
    tmp_path: Path, name: str, length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / name
    data = header(length) + b"x" * 10
    path.write_bytes(gzip.compress(data, mtime=0) if name.endswith(".gz") else data)

    def read(*arguments: Any, **options: Any) -> None:
        pytest.fail("the record was read")

    monkeypatch.setattr("fitfeed.converters.inspect.tfrecord.read_record", read)
    for limits in (SAMPLE, FULL):
        with pytest.raises(DamagedDatasetError, match="the file ends inside it"):
            inspected(path, limits)


@pytest.mark.parametrize(
    "record",
    [b"", example(a=[b""] * 1000), sequence_example({}, {"a": [[]] * 1000})],
    ids=["empty", "strings", "steps"],
)
def test_many_small_values_cost_time(tmp_path: Path, record: bytes) -> None:
    count = 2000 if not record else 60
    report = inspected(records(tmp_path / "a.tfrecord.gz", *[record] * count))
    assert report.left_out is not None
    assert report.left_out.startswith("only the first ")
    assert report.records_is_at_least


def test_the_records_after_the_sample_are_counted(tmp_path: Path) -> None:
    path = records(tmp_path / "a.tfrecord", *(example(a=[n]) for n in range(2000)))
    report = inspected(path)
    assert (report.records, report.records_is_at_least, report.is_sample) == (2000, False, True)
    values = by_name(report)["a"].values
    assert values is not None
    assert values.max < 1999
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(DamagedDatasetError, match="after 1,999 good records"):
        inspected(path)


def test_more_features_than_are_listed(tmp_path: Path) -> None:
    limits = dataclasses.replace(SAMPLE, features=5)
    path = records(
        tmp_path / "a.tfrecord.gz", *(example(**{f"f{n}{i}": [1] for i in range(3)}) for n in range(4))
    )
    report = inspected(path, limits)
    assert report.left_out == "12 different feature names, the first 5 are listed"
    assert (report.records, len(report.features)) == (4, 5)
    assert "FromString" in report.parser
