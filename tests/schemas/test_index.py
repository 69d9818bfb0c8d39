"""The index: what is written is read; what is no index is refused without reading beyond the file."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fitfeed.schemas.arrow_file import MAX_COPIED_BYTES
from fitfeed.schemas.errors import DamagedDatasetError, FitfeedError
from fitfeed.schemas.features import LabelKind
from fitfeed.schemas.index import INDEX_SCHEMA, Index, index_schema, write_index
from tests.effort import tries

ROWS = 5
COLUMNS: dict[str, list[Any]] = {
    "key": [f"ä/{row}" for row in range(ROWS)],
    "source": [0, 1, 2**15 - 1, 0, 0],
    "path": ["", "b", "图", "d", "e"],
    "label": [0, 1, 2, 1, 0],
    "shard": [0, 0, 0, 1, 1],
    "offset": [0, 10, 20, 0, 10],
    "length": [10] * ROWS,
    "crc32c": [0, 2**32 - 1, 2, 3, 4],
    "height": [1] * ROWS,
    "width": [2**31 - 1] * ROWS,
    "source_bytes": [1, 2, 3, 4, 2**40],
    "source_digest": [bytes([row] * 16) for row in range(ROWS)],
    "pixel_digest": [bytes(16), b"0123456789abcde\0", *(bytes([row]) * 16 for row in range(2, ROWS))],
    "mean": [0, 1, 65_280, 3, 4],
    "deviation": [0, 1, 32_640, 3, 4],
    "orientation": [1, 8, 1, 2, 3],
    "source_format": ["JPEG", "PNG", "JPEG", "JPEG", "WEBP"],
    "profile": [None, "sRGB built-in", None, "Ünïcode 图", "sRGB built-in"],
    "source_height": [1] * ROWS,
    "source_width": [2**31 - 1] * ROWS,
}
TEXTS = ("key", "path")
NAMES = ("source_format", "profile")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_index(tmp_path / "index.arrow", COLUMNS)
    return tmp_path / "index.arrow"


def batch(columns: dict[str, list[Any]] = COLUMNS, schema: Any = INDEX_SCHEMA) -> Any:
    return pa.record_batch([pa.array(columns[field.name], field.type) for field in schema], schema=schema)


def with_column(name: str, column: Any) -> Any:
    """A batch with a column that `pa.array` would not make."""
    arrays = [column if f.name == name else pa.array(COLUMNS[f.name], f.type) for f in INDEX_SCHEMA]
    return pa.RecordBatch.from_arrays(arrays, schema=INDEX_SCHEMA)


def names_column(numbers: list[int | None], names: list[str | None]) -> Any:
    return pa.DictionaryArray.from_arrays(
        pa.array(numbers, pa.int8()), pa.array(names, pa.string()), safe=False
    )


def write(path: Path, *batches: Any, **options: Any) -> None:
    with (
        pa.OSFile(str(path), "wb") as sink,
        pa.ipc.new_file(sink, batches[0].schema, options=pa.ipc.IpcWriteOptions(**options)) as writer,
    ):
        for each in batches:
            writer.write_batch(each)


def read_all(index: Index) -> dict[str, list[Any]]:
    plain = [name for name in COLUMNS if name not in (*TEXTS, *NAMES, "label")]
    rows = range(len(index))
    return {
        **{name: getattr(index, name).tolist() for name in plain},
        **{name: [getattr(index, name)[row] for row in rows] for name in NAMES},
        **{name: [getattr(index, name)(row) for row in rows] for name in TEXTS},
        "label": index.labels["label"].tolist(),
    }


def test_round_trip(path: Path) -> None:
    assert read_all(Index(path)) == COLUMNS


def test_no_rows(path: Path) -> None:
    write_index(path, {name: [] for name in COLUMNS})
    index = Index(path)
    assert len(index) == len(index.profile.numbers(slice(None))) == 0
    assert index.profile.names == []


def test_only_the_file_is_copied(path: Path) -> None:
    before = pa.total_allocated_bytes()
    index = Index(path)
    assert not index.offset.flags.owndata
    assert not index.offset.flags.writeable
    assert pa.total_allocated_bytes() - before < path.stat().st_size + 1000


@pytest.mark.parametrize("copied_bytes", [0, MAX_COPIED_BYTES])
def test_what_is_mapped_is_what_is_copied(
    path: Path, monkeypatch: pytest.MonkeyPatch, copied_bytes: int
) -> None:
    monkeypatch.setattr("fitfeed.schemas.arrow_file.MAX_COPIED_BYTES", copied_bytes)
    before = pa.total_allocated_bytes()
    index = Index(path)
    allocated = pa.total_allocated_bytes() - before
    assert (allocated < 1000) == (copied_bytes == 0)
    assert {name: column.to_pylist() for name, column in index.columns().items()} == COLUMNS
    assert not index.offset.flags.writeable


def test_a_column_is_checked_once(path: Path) -> None:
    index = Index(path)
    assert index.valid_column("key").to_pylist() == COLUMNS["key"]
    content = path.read_bytes()
    key = str(COLUMNS["key"][0]).encode()
    assert content.count(key) == 1
    path.write_bytes(content.replace(key, b"\xff" * len(key)))
    damaged = Index(path)
    with pytest.raises(DamagedDatasetError, match=f"^{path} is not a readable version 2 index"):
        damaged.valid_column("key")
    assert damaged.valid_column("source_bytes").to_pylist() == COLUMNS["source_bytes"]


def with_nulls() -> Any:
    return batch({**COLUMNS, "label": [0, None, 1, 1, 0]})


def renamed() -> Any:
    fields = [pa.field("other" if f.name == "key" else f.name, f.type, f.nullable) for f in INDEX_SCHEMA]
    return batch({**COLUMNS, "other": COLUMNS["key"]}, pa.schema(fields, INDEX_SCHEMA.metadata))


def retyped(name: str, kind: Any) -> Any:
    fields = [pa.field(f.name, kind if f.name == name else f.type, f.nullable) for f in INDEX_SCHEMA]
    return batch(COLUMNS, pa.schema(fields, INDEX_SCHEMA.metadata))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: write(path, batch(), compression="zstd"), "compressed"),
        (lambda path: write(path, batch(), compression="lz4"), "compressed"),
        (lambda path: write(path, batch(), batch()), "one batch"),
        (lambda path: write(path, with_nulls()), "null"),
        (lambda path: write(path, renamed()), "one batch of the columns"),
        (lambda path: write(path, retyped("label", pa.int32())), "one batch of the columns"),
        (lambda path: write(path, retyped("key", pa.dictionary(pa.int32(), pa.string()))), "one batch of"),
        (lambda path: write(path, batch(schema=INDEX_SCHEMA.remove_metadata())), "one batch of"),
        (lambda path: write(path, pa.record_batch([], schema=pa.schema([]))), "one batch of"),
        (lambda path: write(path, with_column("source_format", names_column([0] * 5, ["a", None]))), "null"),
        (
            lambda path: write(path, with_column("source_format", names_column([0, 0, 0, 0, None], ["a"]))),
            "null",
        ),
        (lambda path: write(path, with_column("profile", names_column([0] * 5, ["a", "a"]))), "text twice"),
        (
            lambda path: write(
                path, with_column("profile", names_column([0] * 5, list(map(str, range(128)))))
            ),
            "more than 127 different texts",
        ),
        (
            lambda path: write(path, with_column("profile", names_column([0] * 5, ["x" * 40_000]))),
            "longer ones than 256 bytes",
        ),
        (lambda path: path.write_bytes(b""), "not a readable"),
        (lambda path: path.write_bytes(b"ARROW1"), "not a readable"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "not a readable"),
        (lambda path: path.write_bytes(path.read_bytes()[:500]), "not a readable"),
        (lambda path: path.unlink(), "not a readable"),
    ],
    ids=range(19),
)
def test_what_is_no_index(path: Path, make: Callable[[Path], object], message: str) -> None:
    make(path)
    with pytest.raises(DamagedDatasetError, match=message):
        Index(path)


@pytest.mark.slow
def test_a_compressed_bomb_costs_no_memory(path: Path) -> None:
    rows = 2_000_000
    zeros: dict[str, Any] = {
        name: [""] * rows if name in ("key", "path") else np.zeros(rows, int) for name in COLUMNS
    }
    zeros["source_digest"] = zeros["pixel_digest"] = [bytes(16)] * rows
    zeros["source_format"] = zeros["profile"] = [""] * rows
    write(path, batch(zeros), compression="zstd")
    before = pa.default_memory_pool().max_memory()
    with pytest.raises(DamagedDatasetError, match="compressed"):
        Index(path)
    assert pa.default_memory_pool().max_memory() == before


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=tries(300))
@given(st.data())
def test_any_bytes_give_an_index_or_an_error(path: Path, data: st.DataObject) -> None:
    write_index(path, COLUMNS)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        start = data.draw(st.integers(0, len(content) - 1))
        patch = data.draw(
            st.binary(min_size=1, max_size=8) | st.sampled_from([b"\xff" * 8, bytes(8), b"\xff\xff\xff\x7f"])
        )
        content[start : start + len(patch)] = patch
    end = data.draw(st.just(len(content)) | st.integers(0, len(content)))
    path.write_bytes(content[:end])
    message = ""
    try:
        index = Index(path)
        assert len(index) == len(index.labels["label"]) == len(index.crc32c)
        for row in range(min(len(index), 10)):
            index.key(row)
            index.path(row)
            assert index.source_format[row] in index.source_format.names
            assert index.profile[row] in [None, *index.profile.names]
    except FitfeedError as error:
        message = str(error)
    assert message.isprintable()  # one line


LABELS: dict[str, LabelKind] = {
    "mood": "class", "n": "int", "size": "float", "note": "text", "tags": "multiclass", "region": "mask",
}  # fmt: skip
LABELLED: dict[str, list[Any]] = {
    **{name: values for name, values in COLUMNS.items() if name != "label"},
    "mood": [0, 1, 2, 1, 0],
    "n": [-(2**63), 2**63 - 1, 0, 1, 2],
    "size": [0.1, -1e300, 0.0, 1.5, 2.0],
    "note": ["", "ü\n", "图", "d", "e"],
    "tags": [[], [0, 2], [1], [], [0, 1, 2]],
    "region_offset": [1, 2, 3, 4, 5],
    "region_length": [10] * ROWS,
    "region_crc32c": [2**32 - 1] * ROWS,
    "region_source_digest": [bytes([row] * 16) for row in range(ROWS)],
}


def labels_of(index: Index) -> dict[str, list[Any]]:
    labels = index.labels
    mask = labels["region"]
    return {
        **{name: labels[name].tolist() for name in ("mood", "n", "size")},
        "note": [labels["note"][row] for row in range(len(index))],
        "tags": [labels["tags"][row].tolist() for row in range(len(index))],
        **{f"region_{part}": getattr(mask, part).tolist() for part in mask._fields},
        "region_source_digest": index.mask_source_digests["region"].tolist(),
    }


def test_labels_of_every_kind(tmp_path: Path) -> None:
    write_index(tmp_path / "index.arrow", LABELLED, LABELS)
    before, path = pa.total_allocated_bytes(), tmp_path / "index.arrow"
    index = Index(path, LABELS)
    assert labels_of(index) == {name: LABELLED[name] for name in labels_of(index)}
    assert pa.total_allocated_bytes() - before < path.stat().st_size + 1000  # only the file is copied
    assert pa.ipc.open_file(str(tmp_path / "index.arrow")).read_all().to_pydict() == LABELLED
    write_index(tmp_path / "empty.arrow", {name: [] for name in LABELLED}, LABELS)
    assert labels_of(Index(tmp_path / "empty.arrow", LABELS))["tags"] == []


@pytest.mark.parametrize(
    "labels", [{}, {"label": "class"}, {**LABELS, "n": "float"}, dict(reversed(LABELS.items()))]
)
def test_other_labels_than_the_manifest_says_are_refused(
    tmp_path: Path, labels: dict[str, LabelKind]
) -> None:
    write_index(tmp_path / "index.arrow", LABELLED, LABELS)
    with pytest.raises(DamagedDatasetError, match="one batch of the columns"):
        Index(tmp_path / "index.arrow", labels)


def test_nulls_inside_lists_are_refused(tmp_path: Path) -> None:
    schema = index_schema({"tags": "multiclass"})
    columns = {name: values for name, values in COLUMNS.items() if name != "label"}
    values = pa.array([0, None, 1], pa.int64())
    tags = pa.LargeListArray.from_arrays(
        pa.array([0, 1, 2, 3, 3, 3], pa.int64()), values, type=schema.field("tags").type
    )
    arrays = [tags if f.name == "tags" else pa.array(columns[f.name], f.type) for f in schema]
    write(tmp_path / "index.arrow", pa.RecordBatch.from_arrays(arrays, schema=schema))
    with pytest.raises(DamagedDatasetError, match="null"):
        Index(tmp_path / "index.arrow", {"tags": "multiclass"})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=tries(300))
@given(st.data())
def test_any_bytes_of_labels_give_values_or_an_error(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "index.arrow"
    write_index(path, LABELLED, LABELS)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        start = data.draw(st.integers(0, len(content) - 1))
        patch = data.draw(
            st.binary(min_size=1, max_size=8) | st.sampled_from([b"\xff" * 8, bytes(8), b"\xff\xff\xff\x7f"])
        )
        content[start : start + len(patch)] = patch
    path.write_bytes(content)
    message = ""
    try:
        index = Index(path, LABELS)
        for row in range(min(len(index), 10)):
            assert len(index.labels["tags"][row]) >= 0
            assert index.labels["note"][row].isascii() in (True, False)
        assert len(index.labels["region"].offset) == len(index)
    except FitfeedError as error:
        message = str(error)
    assert message.isprintable()


def test_opening_does_not_import_pandas(path: Path) -> None:
    """Arrow would, for the first column that becomes an array of NumPy: 0.2 s in each worker process."""
    (path.parent / "pandas.py").touch()
    program = (
        f"import sys; sys.path.insert(0, {str(path.parent)!r})\n"
        f"from fitfeed.schemas.index import Index\n"
        f"assert Index({str(path)!r}).offset.tolist() == {COLUMNS['offset']}\n"
        "print('pandas' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["False"]
