"""What is remembered of the files of a source."""

import dataclasses
from pathlib import Path

import pyarrow as pa
import pytest

from fitfeed.converters.file_columns import FileColumns, SourceListing
from fitfeed.converters.planning.source_listing import (
    RECENT_NS,
    folder_digest,
    forget_files,
    read_known_sources,
    remember_sources,
    sources_table,
)
from fitfeed.converters.source_file import SourceFile
from fitfeed.schemas.packed_etags import is_packed, unpacked
from fitfeed.schemas.side_tables import SOURCES_NAME, write_table
from fitfeed.schemas.storage.local import LocalPlace
from tests.converters.planning.listed import NAMES, later, listing, root_of, with_file

__all__ = ["listing"]


def test_files_of_examples(listing: SourceListing) -> None:
    assert [file.path for file in listing.files] == [*NAMES, "m.png", "m.png", "n.png"]
    assert listing.image_keys == [*NAMES]
    assert [listing.mask_label(place) for place in range(6)] == [None] * 3 + ["lesion"] * 3


def test_files_changed_a_moment_ago_are_not_remembered(listing: SourceListing) -> None:
    newest = max(max(file.status[1:]) for file in listing.files)
    assert sources_table(listing, None, listed_ns=newest + RECENT_NS).num_rows < 5
    assert sources_table(listing, None, listed_ns=newest).num_rows == 0


def test_files_that_are_not_listed_stay_known(listing: SourceListing) -> None:
    before = sources_table(listing, None, listed_ns=later(listing))
    fewer = SourceListing(listing.roots, listing.files[:1])
    table = sources_table(fewer, before, listed_ns=later(listing))
    assert sorted(table.column("key").to_pylist()) == [*NAMES, "m.png", "n.png"]
    # One that was changed a moment ago is known no longer.
    table = sources_table(fewer, before, listed_ns=0)
    assert sorted(table.column("key").to_pylist()) == ["b.png", "c.png", "m.png", "n.png"]


def test_it_is_written_where_it_says_something_else(listing: SourceListing, tmp_path: Path) -> None:
    dataset = tmp_path / "dataset"
    dataset.mkdir()
    table = sources_table(listing, None, listed_ns=later(listing))
    assert read_known_sources(LocalPlace(dataset), folder_digest(tmp_path)) is None
    remember_sources(LocalPlace(dataset), table)
    written = (dataset / SOURCES_NAME).stat().st_ino
    assert read_known_sources(LocalPlace(dataset), folder_digest(tmp_path)).equals(table)  # type: ignore[union-attr]
    remember_sources(LocalPlace(dataset), table)
    remember_sources(LocalPlace(dataset), None)
    assert (dataset / SOURCES_NAME).stat().st_ino == written
    (dataset / SOURCES_NAME).write_bytes(b"damaged")
    remember_sources(LocalPlace(dataset), table)
    assert read_known_sources(LocalPlace(dataset), folder_digest(tmp_path)).equals(table)  # type: ignore[union-attr]


def test_nobody_need_be_able_to_write(listing: SourceListing, tmp_path: Path) -> None:
    (tmp_path / "nothing").touch()
    remember_sources(LocalPlace(tmp_path / "nothing"), sources_table(listing, None, listed_ns=0))
    assert (tmp_path / "nothing").is_file()


def test_times_that_are_not_known_are_not_remembered(listing: SourceListing) -> None:
    listing = with_file(listing, 0, SourceFile("a.png", 0, 0))  # of a link to nothing
    assert "a.png" not in sources_table(listing, None, listed_ns=later(listing)).column("key").to_pylist()


def test_another_folder_is_not_known(listing: SourceListing, tmp_path: Path) -> None:
    table = sources_table(listing, None, listed_ns=later(listing))
    write_table(LocalPlace(tmp_path), SOURCES_NAME, table)
    assert read_known_sources(LocalPlace(tmp_path), folder_digest(tmp_path)) is not None
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert read_known_sources(LocalPlace(tmp_path), folder_digest(elsewhere)) is None
    (tmp_path / "link").symlink_to(tmp_path)
    assert read_known_sources(LocalPlace(tmp_path), folder_digest(tmp_path / "link")) is not None
    assert str(tmp_path).encode() not in (tmp_path / SOURCES_NAME).read_bytes()
    # Another disk at the same place.
    before = tmp_path / "mounted"
    before.mkdir()
    here = dataclasses.replace(listing, roots={0: root_of(before)})
    write_table(LocalPlace(tmp_path), SOURCES_NAME, sources_table(here, None, listed_ns=later(listing)))
    assert read_known_sources(LocalPlace(tmp_path), folder_digest(before)) is not None
    before.rename(tmp_path / "away")
    before.mkdir()
    assert read_known_sources(LocalPlace(tmp_path), folder_digest(before)) is None


def test_a_table_without_a_folder_is_of_no_use(listing: SourceListing, tmp_path: Path) -> None:
    table = sources_table(listing, None, listed_ns=later(listing))
    plain = pa.record_batch(table.columns, schema=table.schema.with_metadata({"fitfeed_table_version": "1"}))
    write_table(LocalPlace(tmp_path), SOURCES_NAME, plain)
    assert read_known_sources(LocalPlace(tmp_path), folder_digest(tmp_path)) is None
    remember_sources(LocalPlace(tmp_path), table)
    assert read_known_sources(LocalPlace(tmp_path), folder_digest(tmp_path)) is not None


@pytest.mark.parametrize("forgotten", [[], ["b.png", "m.png"]])
def test_files_are_forgotten(listing: SourceListing, forgotten: list[str]) -> None:
    table = sources_table(listing, None, listed_ns=later(listing))
    left = forget_files(table, forgotten).column("key").to_pylist()
    assert sorted(left) == sorted({*NAMES, "m.png", "n.png"} - set(forgotten))


@pytest.mark.parametrize("gone", ["a" * 32, "part-2"])
@pytest.mark.parametrize("here", ["b" * 32, "part-3"])
def test_files_of_a_store_stay_known_packed_or_not(gone: str, here: str) -> None:
    def listed(*names: str, etag: str) -> SourceListing:
        files = (SourceFile(name, 5, 0, etag=etag) for name in names)
        return SourceListing({0: root_of(Path.cwd())}, FileColumns.of(files))

    before = unpacked(sources_table(listed("a", "b", etag=gone), None, listed_ns=0))
    table = sources_table(listed("b", "c", etag=here), before, listed_ns=0)
    assert is_packed(table) == (len(gone) == len(here) == 32)
    table = unpacked(table)
    assert table.column("key").to_pylist() == ["a", "b", "c"]
    assert table.column("etag").to_pylist() == [gone, here, here]
