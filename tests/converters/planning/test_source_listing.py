"""Files that are as they were, by size and times or by content; and what is remembered of them."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import xxhash

from fitfeed.converters.planning import source_listing
from fitfeed.converters.planning.source_listing import (
    RECENT_NS,
    changed_files,
    list_files,
    read_known_sources,
    remember_sources,
    sources_table,
)
from fitfeed.converters.source_file import SourceFile, SourceListing
from fitfeed.converters.sources.examples import ExampleTable
from fitfeed.schemas.features import PlannedLabel
from fitfeed.schemas.side_tables import SOURCES_NAME

NAMES = ("a.png", "b.png", "c.png")


def stat(path: Path, root: Path) -> SourceFile:
    status = path.stat()
    return SourceFile(str(path.relative_to(root)), status.st_size, status.st_mtime_ns, status.st_ctime_ns)


@pytest.fixture
def listing(tmp_path: Path) -> SourceListing:
    """Three images with a mask each; two share it."""
    for name in (*NAMES, "m.png", "n.png"):
        (tmp_path / name).write_bytes(name.encode())
    files = [stat(tmp_path / name, tmp_path) for name in NAMES]
    masks = [stat(tmp_path / name, tmp_path) for name in ("m.png", "m.png", "n.png")]
    table = ExampleTable(
        files=files,
        labels={"lesion": masks, "age": [1, 2, 3]},
        features={"lesion": PlannedLabel(kind="mask"), "age": PlannedLabel(kind="int")},
        splits=[None] * 3,
    )
    return list_files(tmp_path, table, [0, 1, 2])


def digests(*contents: str) -> Any:
    column = [xxhash.xxh3_128(content.encode()).digest() for content in contents]
    return np.array([np.void(each) for each in column])


@pytest.fixture
def indexes() -> dict[str, Any]:
    """Of a and b, which are examples; c was rejected."""
    return {
        "train": SimpleNamespace(
            columns=lambda: {"key": pa.array(["b.png", "a.png"], pa.large_string())},
            source_digest=digests("b.png", "a.png"),
            mask_source_digests={"lesion": digests("m.png", "m.png")},
        )
    }


def later(listing: SourceListing) -> int:
    return max(max(file[2:]) for file in listing.files) + 2 * RECENT_NS


def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of files that are read from now on."""
    names: list[str] = []
    real = source_listing._file_digest

    def counting(path: Path) -> bytes | None:
        names.append(path.name)
        return real(path)

    monkeypatch.setattr(source_listing, "_file_digest", counting)
    return names


def test_files_of_examples(listing: SourceListing) -> None:
    assert [file.path for file in listing.files] == [*NAMES, "m.png", "m.png", "n.png"]
    assert listing.keys == [*NAMES, *NAMES]
    assert listing.masks == [None] * 3 + ["lesion"] * 3


def test_what_has_the_same_times_is_not_read(
    listing: SourceListing, indexes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    known = sources_table(listing, None, listed_ns=later(listing))
    assert known.num_rows == 5
    names = reads(monkeypatch)
    assert changed_files(listing, known, indexes) == []
    assert names == []
    assert changed_files(listing, None, indexes) == []
    assert sorted(names) == ["a.png", "b.png", "m.png", "m.png"]  # those that have a digest


@pytest.mark.parametrize("attribute", ["bytes", "mtime_ns", "ctime_ns"])
def test_each_of_size_and_times_counts(
    listing: SourceListing, indexes: dict[str, Any], monkeypatch: pytest.MonkeyPatch, attribute: str
) -> None:
    known = sources_table(listing, None, listed_ns=later(listing))
    file = listing.files[1]
    listing.files[1] = file._replace(**{attribute: getattr(file, attribute) + 1})
    names = reads(monkeypatch)
    assert changed_files(listing, known, indexes) == []  # the content is the same
    assert names == ["b.png"]


def test_other_content_is_found(listing: SourceListing, indexes: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"A.png")
    (tmp_path / "m.png").write_bytes(b"M.png")
    (tmp_path / "c.png").write_bytes(b"C.png")  # has no digest
    assert changed_files(listing, None, indexes) == ["a.png", "m.png", "m.png"]
    (tmp_path / "b.png").unlink()
    os.mkfifo(tmp_path / "b.png")
    assert changed_files(listing, None, indexes) == ["a.png", "b.png", "m.png", "m.png"]


def test_files_changed_a_moment_ago_are_not_remembered(listing: SourceListing) -> None:
    newest = max(max(file[2:]) for file in listing.files)
    assert sources_table(listing, None, listed_ns=newest + RECENT_NS).num_rows < 5
    assert sources_table(listing, None, listed_ns=newest).num_rows == 0


def test_files_that_are_not_listed_stay_known(listing: SourceListing) -> None:
    before = sources_table(listing, None, listed_ns=later(listing))
    fewer = SourceListing(listing.root, listing.files[:1], listing.keys[:1], [None])
    table = sources_table(fewer, before, listed_ns=later(listing))
    assert sorted(table.column("key").to_pylist()) == [*NAMES, "m.png", "n.png"]
    # One that was changed a moment ago is known no longer.
    table = sources_table(fewer, before, listed_ns=0)
    assert sorted(table.column("key").to_pylist()) == ["b.png", "c.png", "m.png", "n.png"]


def test_it_is_written_where_it_says_something_else(listing: SourceListing, tmp_path: Path) -> None:
    dataset = tmp_path / "dataset"
    dataset.mkdir()
    table = sources_table(listing, None, listed_ns=later(listing))
    assert read_known_sources(dataset) is None
    remember_sources(dataset, table)
    written = (dataset / SOURCES_NAME).stat().st_ino
    assert read_known_sources(dataset).equals(table)  # type: ignore[union-attr]
    remember_sources(dataset, table)
    remember_sources(dataset, None)
    assert (dataset / SOURCES_NAME).stat().st_ino == written
    (dataset / SOURCES_NAME).write_bytes(b"damaged")
    remember_sources(dataset, table)
    assert read_known_sources(dataset).equals(table)  # type: ignore[union-attr]


def test_nobody_need_be_able_to_write(listing: SourceListing, tmp_path: Path) -> None:
    remember_sources(tmp_path / "nothing", sources_table(listing, None, listed_ns=0))
    assert not (tmp_path / "nothing").exists()
