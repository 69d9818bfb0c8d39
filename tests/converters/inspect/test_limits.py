"""What reading a file takes, measured in the process that reads it."""

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from fitfeed.converters.inspect.detect import inspect_with
from fitfeed.converters.inspect.limits import MIB, SAMPLE
from fitfeed.schemas.processes.guarded_calls import GuardedCalls
from fitfeed.schemas.tfrecord import frame
from tests.converters.inspect.foreign import example, sequence_example, write
from tests.converters.inspect.peak_memory import peak_of

MAX_RESIDENT = 200_000_000


def a_compressed_bomb(path: Path) -> Path:
    record = bytes(15 * MIB)
    path = path.with_suffix(".tfrecord.gz")
    path.write_bytes(gzip.compress(b"".join([frame(record)[0], record, frame(record)[1]] * 3), 1))
    return path


def small_integers(path: Path) -> Path:
    return write(path.with_suffix(".tfrecord"), [example(a=[1] * 8_000_000)])


def steps_without_values(path: Path) -> Path:
    return write(path.with_suffix(".tfrecord"), [sequence_example({}, {"a": [[]] * 1_000_000})] * 2)


def long_strings_in_hdf5(path: Path) -> Path:
    with h5py.File(path.with_suffix(".h5"), "w") as file:
        made = file.create_dataset("x", (4,), h5py.vlen_dtype(np.uint8))
        for number in range(4):
            made[number] = np.zeros(20 * MIB, np.uint8)
    return path.with_suffix(".h5")


def one_chunk(path: Path) -> Path:
    with h5py.File(path.with_suffix(".h5"), "w") as file:
        file.create_dataset("x", data=np.zeros(2 * MIB), chunks=(2 * MIB,), compression="gzip")
        file.create_dataset("s", data=np.full(2 * MIB, b"a"), chunks=(2 * MIB,), compression="gzip")
    return path.with_suffix(".h5")


FILES = [a_compressed_bomb, small_integers, steps_without_values, long_strings_in_hdf5, one_chunk]


@pytest.mark.slow
@pytest.mark.parametrize("make", FILES)
def test_a_sample_takes_200_megabytes(make: Callable[[Path], Path], tmp_path: Path) -> None:
    path = make(tmp_path / "a")
    with GuardedCalls(memory_bytes=SAMPLE.memory) as calls:
        calls.begin(peak_of, str(path))
        assert calls.result(60.0) < MAX_RESIDENT


def test_all_of_a_file_is_read_with_progress(tmp_path: Path) -> None:
    """Progress is told in order, while a file is read."""
    path = write(tmp_path / "a.tfrecord", [example(a=[os.urandom(100_000)])] * 2000)
    told: list[int] = []
    with GuardedCalls() as calls:
        report = inspect_with(calls, path, full=True, progress=told.append)
    assert (report.records, report.is_sample) == (2000, False)
    assert told == sorted(told)
    assert 0 < told[0] < path.stat().st_size
