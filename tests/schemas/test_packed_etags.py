"""A table of packed ETags is the same file, byte for byte, as Arrow writes of texts."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fitfeed.schemas import packed_etags, packed_texts
from fitfeed.schemas.packed_etags import is_packed, is_written_as, packed, unpacked
from fitfeed.schemas.packed_hex import PackedHex
from fitfeed.schemas.side_tables import SOURCES_NAME, read_sources, sources_schema, write_table
from fitfeed.schemas.storage.local import LocalPlace


def table(rows: int, *, packed: bool) -> Any:
    """A table of so many files."""
    etags = [hashlib.md5(str(row).encode(), usedforsecurity=False).hexdigest() for row in range(rows)]
    column = PackedHex(np.frombuffer(bytes.fromhex("".join(etags)), np.uint8).reshape(-1, 16)).arrow
    keys = pa.array([f"é/{row}.jpg" for row in range(rows)], pa.large_string())
    numbers = [pa.array(np.arange(rows) * factor) for factor in (1, 0, 7)]
    etags = column if packed else pa.array(etags, pa.large_string())
    return pa.record_batch([keys, *numbers, etags], schema=sources_schema("abc", etags=True, packed=packed))


@pytest.mark.parametrize("rows", [0, 1, 2, 7, 1000])
def test_the_file_is_that_of_texts(rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed_etags, "AT_ONCE", 7)
    with pa.OSFile(str(tmp_path / "expected"), "wb") as sink:
        texts = table(rows, packed=False)
        with pa.ipc.new_file(sink, texts.schema) as writer:
            writer.write_batch(texts)
    write_table(LocalPlace(tmp_path), SOURCES_NAME, table(rows, packed=True))
    assert (tmp_path / SOURCES_NAME).read_bytes() == (tmp_path / "expected").read_bytes()
    read = read_sources(LocalPlace(tmp_path))
    assert read.equals(texts, check_metadata=True)


def test_a_part_of_a_table_is_written_as_well(tmp_path: Path) -> None:
    write_table(LocalPlace(tmp_path), SOURCES_NAME, table(10, packed=True)[3:8])
    assert read_sources(LocalPlace(tmp_path)).equals(table(10, packed=False)[3:8], check_metadata=True)


def test_unpacked_it_is_that_of_texts() -> None:
    assert is_packed(table(3, packed=True))
    assert unpacked(table(3, packed=True)).equals(table(3, packed=False), check_metadata=True)
    plain = table(3, packed=False)
    assert not is_packed(plain)
    assert unpacked(plain) is plain


def test_texts_are_packed_where_all_are_digits() -> None:
    texts = table(3, packed=False)
    assert packed(texts).equals(table(3, packed=True), check_metadata=True)
    assert packed(table(3, packed=True)).equals(table(3, packed=True))
    for number, etags in enumerate((["A" * 32] * 3, ["a" * 32, "a" * 32, "a-2"])):
        other = texts.set_column(4, texts.schema.field(4), pa.array(etags, pa.large_string()))
        assert packed(other) is other, number
    without = texts.drop_columns(["etag"])
    assert packed(without) is without


@pytest.mark.parametrize("rows", [0, 6, 7, 8, 20])
def test_texts_are_packed_some_at_a_time(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed_texts, "AT_ONCE", 7)
    texts, made = table(rows, packed=False), list[int]()
    real = PackedHex.of

    def counting(some: Sequence[str]) -> PackedHex | None:
        made.append(len(some))
        return real(some)

    monkeypatch.setattr(PackedHex, "of", counting)
    assert packed(texts[: rows // 2]).equals(table(rows, packed=True)[: rows // 2])
    assert packed(texts[rows // 2 :]).equals(table(rows, packed=True)[rows // 2 :])
    assert sum(made) == rows
    assert max(made, default=0) <= 7
    etags = ["part-2"] * 20
    other = table(20, packed=False).set_column(4, texts.schema.field(4), pa.array(etags, pa.large_string()))
    made.clear()
    assert packed(other) is other
    assert made == [7]  # and no more were looked at


@pytest.mark.parametrize("rows", [0, 3, 40_000])
def test_what_is_written_the_same_is_known(rows: int) -> None:
    texts = table(rows, packed=False)
    for batch in (texts, table(rows, packed=True)):
        assert is_written_as(batch, texts)
        assert not is_written_as(batch, table(rows + 1, packed=False))
        assert not is_written_as(batch, texts.replace_schema_metadata({"folder": "other"}))
        assert not is_written_as(batch, texts.drop_columns(["etag"]))


@pytest.mark.parametrize("column", range(5))
def test_one_other_value_is_seen(column: int) -> None:
    texts = table(20_000, packed=False)
    values = texts.column(column).to_pylist()
    values[-1] = values[0]
    other = texts.set_column(column, texts.schema.field(column), pa.array(values, texts.column(column).type))
    assert is_written_as(table(20_000, packed=True), other) == (column == 2)  # which has zeros only
    assert is_written_as(texts, other) == (column == 2)
