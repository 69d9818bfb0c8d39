import os
import threading
from collections.abc import Sequence
from pathlib import Path

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from fitfeed.pipelines.reading.shard_files import ShardFiles
from fitfeed.schemas.errors import DamagedDatasetError
from fitfeed.schemas.storage.place import Range


@pytest.fixture
def files(tmp_path: Path) -> ShardFiles:
    for number in range(5):
        (tmp_path / str(number)).write_bytes(bytes([number]) * 1000 + b"end")
    return ShardFiles(tmp_path, [str(number) for number in range(5)], open_files=2)


def open_below(folder: Path) -> int:
    """How many files of a folder this process has open. What other tests left open may close at any moment."""
    opened = (os.path.realpath(link) for link in Path("/proc/self/fd").iterdir())
    return sum(Path(path).is_relative_to(folder) for path in opened)


def test_reads_ranges_and_stops_at_the_end(files: ShardFiles) -> None:
    assert files.read(3, 998, 5) == b"\x03\x03end"
    assert files.read(3, 1001, 99) == b"nd"
    memory = np.zeros(10, np.uint8)
    assert files.read_into(4, 999, memory.data) == 4
    assert memory.tobytes() == b"\x04end" + bytes(6)


@hypothesis.settings(suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@hypothesis.given(data=st.data())
def test_many_ranges_are_the_bytes_of_single_reads(files: ShardFiles, data: st.DataObject) -> None:
    length = data.draw(st.integers(1, 50))
    # Multiples of the length make neighbors, which are read together; some ranges reach past the end.
    places = data.draw(st.lists(st.integers(0, 1100 // length), min_size=1, max_size=20))
    shards = [data.draw(st.integers(0, 4)) for _ in places]
    out = np.zeros((len(places), length), np.uint8)
    offsets = np.array(places) * length
    unread = files.read_ranges(np.array(shards, np.int32), offsets, out)
    singly = [files.read(*each, length) for each in zip(shards, offsets.tolist(), strict=True)]
    assert unread == [place for place, payload in enumerate(singly) if len(payload) < length]
    for place in set(range(len(places))) - set(unread):
        assert out[place].tobytes() == singly[place]


def test_several_ranges_of_a_file_are_read_as_each_alone(files: ShardFiles) -> None:
    ranges = [Range(offset, memoryview(bytearray(5))) for offset in (3, 0)]
    assert files.read_several(0, ranges) == [5, 5]
    assert [bytes(memory) for _, memory in ranges] == [files.read(0, 3, 5), files.read(0, 0, 5)]
    assert not files.read_cached(0, ranges[0])  # nothing is kept of a folder


def test_neighbors_are_read_by_one_call(files: ShardFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    preadv = os.preadv

    def counted(descriptor: int, buffers: Sequence[memoryview], offset: int) -> int:
        calls.append(offset)
        return preadv(descriptor, buffers, offset)

    monkeypatch.setattr(os, "preadv", counted)
    out = np.zeros((5, 10), np.uint8)
    assert files.read_ranges(np.array([0, 0, 0, 1, 1], np.int32), np.array([0, 10, 20, 30, 50]), out) == []
    assert calls == [0, 30, 50]


def test_ranges_that_cannot_be_read_are_named(files: ShardFiles) -> None:
    out = np.zeros((3, 10), np.uint8)
    assert files.read_ranges(np.array([0, 0, 1], np.int32), np.array([-5, 5, 20]), out) == [0, 1]
    assert out[2].tobytes() == b"\x01" * 10


@pytest.mark.usefixtures("files")
def test_keeps_few_files_open(tmp_path: Path) -> None:
    files = ShardFiles(tmp_path, [str(number) for number in range(5)], open_files=2)
    for number in [*range(5), 0, 4, 2]:
        assert files.read(number, 0, 1) == bytes([number])
        assert open_below(tmp_path) <= 2
    assert open_below(tmp_path) == 2
    del files
    assert open_below(tmp_path) == 0


def test_a_file_in_use_survives_eviction(files: ShardFiles) -> None:
    in_use = files._file(0)
    for number in range(1, 5):
        files.read(number, 0, 1)
    assert os.pread(in_use.descriptor, 1, 0) == b"\x00"


def test_many_threads_read_more_files_than_stay_open(files: ShardFiles) -> None:
    wrong: list[int] = []

    def work(start: int) -> None:
        for i in range(300):
            number = (start + i * 3) % 5
            if files.read(number, 10, 20) != bytes([number]) * 20:
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DamagedDatasetError, match="gone is missing"):
        ShardFiles(tmp_path, ["gone"]).read(0, 0, 1)


def test_no_link_is_followed_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("secret")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "shard").symlink_to(tmp_path / "outside")
    with pytest.raises(DamagedDatasetError, match="link out of the dataset's folder"):
        ShardFiles(tmp_path / "folder", ["shard"]).read(0, 0, 1)
