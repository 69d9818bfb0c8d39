"""The tables beside a dataset: written whole, read with suspicion."""

from pathlib import Path

import pyarrow as pa
import pytest

from fitfeed.schemas.errors import DamagedDatasetError
from fitfeed.schemas.side_tables import (
    DUPLICATES_NAME,
    SOURCES_NAME,
    duplicates_schema,
    read_pairs,
    read_sources,
    sources_schema,
    write_table,
)
from fitfeed.schemas.storage.local import LocalPlace

SOURCES = {"key": ["a/1.jpg", "ü.png"], "bytes": [3, 4], "mtime_ns": [5, -1], "ctime_ns": [2**62, 0]}
PAIRS = {"key": ["b"], "of": ["a"], "kind": ["near_duplicate"], "distance": [7]}


def write_sources(folder: Path) -> Path:
    write_table(LocalPlace(folder), SOURCES_NAME, pa.record_batch(SOURCES, schema=sources_schema()))
    return folder / SOURCES_NAME


def test_round_trip(tmp_path: Path) -> None:
    write_sources(tmp_path)
    assert read_sources(LocalPlace(tmp_path)).to_pydict() == SOURCES
    for complete in (True, False):
        schema = duplicates_schema(complete=complete)
        write_table(LocalPlace(tmp_path), DUPLICATES_NAME, pa.record_batch(PAIRS, schema=schema))
        batch, found = read_pairs(LocalPlace(tmp_path))
        assert (batch.to_pydict(), found) == (PAIRS, complete)
    assert {path.name for path in tmp_path.iterdir()} == {SOURCES_NAME, DUPLICATES_NAME}


def test_anybody_can_read_it(tmp_path: Path) -> None:
    table = pa.ipc.open_file(pa.memory_map(str(write_sources(tmp_path)))).read_all()
    assert table.to_pydict() == SOURCES


def test_a_failing_write_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = write_sources(tmp_path).read_bytes()

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fitfeed.schemas.files.sync_file", full)
    with pytest.raises(OSError, match="No space"):
        write_sources(tmp_path)
    assert (tmp_path / SOURCES_NAME).read_bytes() == old
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    "damage", ["missing", "empty", "cut", "other schema", "compressed", "no text", "link"]
)
def test_damage_is_named(tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "dataset"
    folder.mkdir()
    path = write_sources(folder)
    data = path.read_bytes()
    if damage == "missing":
        path.unlink()
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "cut":
        path.write_bytes(data[:-20])
    elif damage == "other schema":
        schema = duplicates_schema(complete=True)
        write_table(LocalPlace(path.parent), path.name, pa.record_batch(PAIRS, schema=schema))
    elif damage == "compressed":
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        with (
            pa.OSFile(str(path), "wb") as sink,
            pa.ipc.new_file(sink, sources_schema(), options=options) as file,
        ):
            file.write_batch(pa.record_batch(SOURCES, schema=sources_schema()))
    elif damage == "no text":
        path.write_bytes(data.replace("ü.png".encode(), b"\xff\xfe.png"))
    else:
        path.rename(tmp_path / "outside.arrow")
        path.symlink_to(tmp_path / "outside.arrow")
    with pytest.raises(DamagedDatasetError, match=r"sources\.arrow") as caught:
        read_sources(LocalPlace(folder))
    assert "\n" not in str(caught.value)
