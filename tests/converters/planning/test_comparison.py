"""Files that are as they were, by size and times or by content."""

import hashlib
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import xxhash

from fitfeed.converters.file_columns import FileColumns, SourceListing
from fitfeed.converters.planning import comparison
from fitfeed.converters.planning.comparison import compare_files, same_times
from fitfeed.converters.planning.source_listing import sources_table
from fitfeed.converters.reading.local_reader import LocalReader
from fitfeed.converters.source_file import Comparison, SourceFile
from fitfeed.schemas.packed_etags import unpacked
from tests.converters.planning.listed import later, listing, root_of, with_file

__all__ = ["listing"]


def digests(*contents: str) -> Any:
    column = [xxhash.xxh3_128(content.encode()).digest() for content in contents]
    return np.array([np.void(each) for each in column])


@pytest.fixture
def indexes() -> dict[str, Any]:
    """Of a and b, which are examples; c was rejected."""
    return {
        "train": SimpleNamespace(
            valid_column={"key": pa.array(["b.png", "a.png"], pa.large_string())}.__getitem__,
            source_digest=digests("b.png", "a.png"),
            mask_source_digests={"lesion": digests("m.png", "m.png")},
        )
    }


def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of files that are read from now on."""
    names: list[str] = []
    real = LocalReader.digest

    def counting(reader: LocalReader, file: SourceFile) -> bytes | None:
        names.append(file.path)
        return real(reader, file)

    monkeypatch.setattr(LocalReader, "digest", counting)
    return names


def test_what_has_the_same_times_is_not_read(
    listing: SourceListing, indexes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    known = sources_table(listing, None, listed_ns=later(listing))
    assert known.num_rows == 5
    names = reads(monkeypatch)
    assert compare_files(listing, known, indexes) == Comparison(times=6)
    assert names == []
    # Those that have a digest are read; the others cannot be compared.
    assert compare_files(listing, None, indexes) == Comparison(contents=4, not_compared=["c.png", "n.png"])
    assert sorted(names) == ["a.png", "b.png", "m.png", "m.png"]


def test_all_are_read_if_asked(
    listing: SourceListing, indexes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    known = sources_table(listing, None, listed_ns=later(listing))
    monkeypatch.setattr(comparison, "MAX_PENDING", 3)
    names = reads(monkeypatch)
    found = compare_files(listing, known, indexes, check_content=True)
    assert found == Comparison(times=2, contents=4)
    assert sorted(names) == ["a.png", "b.png", "m.png", "m.png"]
    (Path(listing.roots[0].folder) / "m.png").write_bytes(b"M.png")
    assert compare_files(listing, known, indexes).changed == []
    assert compare_files(listing, known, indexes, check_content=True).changed == ["m.png", "m.png"]


@pytest.mark.parametrize("attribute", ["bytes", "mtime_ns", "ctime_ns"])
def test_each_of_size_and_times_counts(
    listing: SourceListing, indexes: dict[str, Any], monkeypatch: pytest.MonkeyPatch, attribute: str
) -> None:
    monkeypatch.setattr(comparison, "AT_ONCE", 2)
    known = sources_table(listing, None, listed_ns=later(listing))
    for place in (1, 2):
        file = listing.files[place]
        listing = with_file(listing, place, file._replace(**{attribute: getattr(file, attribute) + 1}))
    names = reads(monkeypatch)
    found = compare_files(listing, known, indexes)  # the content is the same
    assert found == Comparison(times=4, contents=1, not_compared=["c.png"])
    assert names == ["b.png"]


def test_other_content_is_found(listing: SourceListing, indexes: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"A.png")
    (tmp_path / "m.png").write_bytes(b"M.png")
    (tmp_path / "c.png").write_bytes(b"C.png")  # has no digest
    assert compare_files(listing, None, indexes).changed == ["a.png", "m.png", "m.png"]
    (tmp_path / "b.png").unlink()
    os.mkfifo(tmp_path / "b.png")
    assert compare_files(listing, None, indexes).changed == ["a.png", "b.png", "m.png", "m.png"]


def test_progress_counts_what_is_read(listing: SourceListing, indexes: dict[str, Any]) -> None:
    class Progress:
        def __init__(self) -> None:
            self.begun: list[tuple[int, int]] = []
            self.read = 0

        def start(self, *, files: int, total_bytes: int) -> None:
            self.begun.append((files, total_bytes))

        def update(self, read_bytes: int) -> None:
            self.read += read_bytes

    known = sources_table(listing, None, listed_ns=later(listing))
    progress = Progress()
    compare_files(listing, known, indexes, progress=progress)
    assert progress.begun == []
    compare_files(listing, known, indexes, check_content=True, progress=progress)
    assert (progress.begun, progress.read) == ([(4, 20)], 20)


def test_only_some_are_compared_in_their_order(listing: SourceListing, indexes: dict[str, Any]) -> None:
    for name in ("a.png", "b.png", "m.png"):
        (Path(listing.roots[0].folder) / name).write_bytes(b"other")
    found = compare_files(listing, None, indexes, images=[[1], [0]])
    assert found == Comparison(contents=4, changed=["b.png", "a.png", "m.png", "m.png"])
    found = compare_files(listing, None, indexes, images=[[1]])
    assert found == Comparison(contents=2, changed=["b.png", "m.png"])
    known = sources_table(listing, None, listed_ns=later(listing))
    assert compare_files(listing, known, indexes, images=[[0]]) == Comparison(times=2)
    found = compare_files(listing, known, indexes, images=[[0]], check_masks=True)
    assert found == Comparison(times=1, contents=1, changed=["m.png"])


def test_etags_are_compared_packed_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "AT_ONCE", 2)
    etags = [hashlib.md5(bytes([place]), usedforsecurity=False).hexdigest() for place in range(3)]

    def listed(*etags: str) -> SourceListing:
        files = (SourceFile(f"{place}.png", 5, 0, etag=etag) for place, etag in enumerate(etags))
        return SourceListing({0: root_of(Path.cwd())}, FileColumns.of(files))

    known = unpacked(sources_table(listed(*etags), None, listed_ns=0))
    for here, expected in [
        (etags, 3),
        ([*etags[:2], "part-2"], 2),
        (["part-2", etags[1]], 1),
        (["", "", etags[2]], 1),
        (["", ""], 0),
    ]:
        assert same_times(listed(*here).files, known).sum() == expected
    without = known.drop_columns(["etag"])
    assert same_times(listed("", *etags[1:]).files, without).tolist() == [True, False, False]
