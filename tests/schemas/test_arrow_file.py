"""One record batch in a file: read in place, and refused where it is anything else."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from fitfeed.schemas.arrow_file import ArrowFile, only_batch, readable
from fitfeed.schemas.errors import DamagedDatasetError

NAMES = pa.dictionary(pa.int8(), pa.string())
SCHEMA = pa.schema(
    [
        pa.field("number", pa.int64(), nullable=False),
        pa.field("name", NAMES, nullable=True),
    ],
    metadata={"version": "1"},
)
ROWS: dict[str, list[Any]] = {"number": [1, 2, 3], "name": ["a", None, "a"]}


def batch(**changes: list[Any]) -> pa.RecordBatch:
    columns = {**ROWS, **changes}
    names = pa.array(columns["name"], pa.string()).dictionary_encode()
    arrays = [pa.array(columns["number"], pa.int64()), names.cast(NAMES)]
    return pa.record_batch(arrays, schema=SCHEMA)


def write(path: Path, *batches: pa.RecordBatch, **options: Any) -> None:
    chosen = pa.ipc.IpcWriteOptions(**options)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, SCHEMA, options=chosen) as writer:
        for each in batches:
            writer.write_batch(each)


def batch_of(path: Path, schema: pa.Schema = SCHEMA) -> pa.RecordBatch:
    with path.open("rb") as stream:
        return only_batch(ArrowFile(stream), schema)


def cut(path: Path) -> None:
    write(path, batch())
    path.write_bytes(path.read_bytes()[:-9])


def test_round_trip(tmp_path: Path) -> None:
    write(tmp_path / "a.arrow", batch())
    assert batch_of(tmp_path / "a.arrow").to_pydict() == ROWS


OTHERS: dict[str, Callable[[Path], object]] = {
    "no batch": write,
    "two batches": lambda path: write(path, batch(), batch()),
    "compressed": lambda path: write(path, batch(), compression="lz4"),
    "a null": lambda path: write(path, batch(number=[1, None, 3])),
    "a cut file": cut,
    "no Arrow": lambda path: path.write_bytes(b"ARROW1\0\0" + bytes(100)),
    "nothing": lambda path: path.write_bytes(b""),
    "missing": lambda path: None,
}


@pytest.mark.parametrize("other", OTHERS)
def test_anything_else_is_refused(tmp_path: Path, other: str) -> None:
    path = tmp_path / "a.arrow"
    OTHERS[other](path)
    with (
        pytest.raises(
            DamagedDatasetError, match=r"a\.arrow is not a readable table \(.*\)\. Mend it\."
        ) as caught,
        readable(path, "table", advice="Mend it."),
    ):
        batch_of(path)
    assert "\n" not in str(caught.value)


def test_another_schema_or_version_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.arrow"
    write(path, batch())
    for schema in (SCHEMA.with_metadata({"version": "2"}), pa.schema([SCHEMA.field("number")])):
        with pytest.raises(ValueError, match="expected one batch of the columns"):
            batch_of(path, schema)
