"""Columns of files are a sequence like a list of the same files; packers sort what walks bring in any order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.converters import file_columns
from fitfeed.converters.file_columns import FileColumns, FilePacker, SourceListing
from fitfeed.converters.rejects import text_path
from fitfeed.converters.source_file import SourceFile, SourceRoot, StoredAt
from fitfeed.schemas.packed_hex import PackedHex

NUMBERS = st.integers(0, 2**62) | st.just(0)
ROOTS = [
    SourceRoot(number=number, name="é", kind="folder", folder="/a", prefix=prefix)
    for number, prefix in enumerate(["", "é\udcff/", ""])
]
PACKED = [f"{number:032x}" for number in (3, 2**127)]
FILES = st.lists(
    st.builds(
        SourceFile,
        path=st.text(st.sampled_from("ab/é\udcff\\"), min_size=1, max_size=4),
        bytes=NUMBERS,
        mtime_ns=NUMBERS,
        ctime_ns=NUMBERS,
        etag=st.sampled_from(["", "", '"abc"', "é", *PACKED]),
        source=st.sampled_from([0, 0, 3]),
        stored=st.none() | st.builds(StoredAt, st.just("a.h5"), NUMBERS, NUMBERS),
    ),
    max_size=20,
)


@given(FILES, st.data(), st.integers(1, 5))
def test_it_is_like_a_list(files: list[SourceFile], data: st.DataObject, at_once: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(file_columns, "AT_ONCE", at_once)
        columns = FileColumns.of(iter(files))
        assert list(columns) == files
    assert len(columns) == len(files)
    assert columns == files
    assert columns != [*files, SourceFile("a", 1, 1)]
    assert [columns[place] for place in range(-len(files), len(files))] == files * 2
    assert columns.keys == [text_path(file.path) for file in files]
    assert columns.has_etags == any(file.etag for file in files)
    assert columns.some_etags == [file.etag for file in files]
    chosen = data.draw(st.slices(len(files)).filter(lambda given: given.step in (None, 1)))
    assert columns[chosen] == files[chosen]
    if files:
        places = data.draw(st.lists(st.integers(0, len(files) - 1), max_size=9))
        assert columns.take(places) == [files[place] for place in places]
    assert columns.in_own_pages() == files
    for root in ROOTS:
        assert columns.of_source(root) == [file.of(root) for file in files]
    assert [file.path for file in columns.in_order()] == sorted(file.path for file in files)


@given(st.lists(FILES, max_size=5))
def test_parts_are_joined(parts: list[list[SourceFile]]) -> None:
    columns = [FileColumns.of(files) for files in parts]
    assert FileColumns.joined(columns) == [file for files in parts for file in files]
    assert columns == []


@given(FILES, st.data(), st.integers(1, 5))
def test_etags_of_hexadecimal_digits_are_as_any_others(
    files: list[SourceFile], data: st.DataObject, at_once: int
) -> None:
    files = [file._replace(etag=data.draw(st.sampled_from(PACKED))) for file in files]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(file_columns, "AT_ONCE", at_once)
        columns = FileColumns.of(iter(files))
    assert not files or isinstance(columns.etags, PackedHex)
    assert columns.with_etags_as_texts() == columns == columns.in_own_pages() == files
    assert columns.some_etags == [file.etag for file in files]
    assert columns[1:3] == files[1:3]
    assert columns.take(range(len(files))[::-1]) == files[::-1]
    others = [file._replace(etag="x") for file in files]
    assert FileColumns.joined([columns, FileColumns.of(others)]) == [*files, *others]


@given(st.lists(st.lists(FILES, max_size=4), max_size=4), st.integers(1, 9))
def test_packed_files_are_in_order(walks: list[list[list[SourceFile]]], at_once: int) -> None:
    files = {file.path: file for walk in walks for folder in walk for file in folder}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(file_columns, "AT_ONCE", at_once)
        whole = FilePacker()
        for walk in walks:
            packer = FilePacker()
            for folder in walk:
                packer.add([files.pop(file.path) for file in folder if file.path in files])
            whole.add_all(packer)
        there = {file.path: file for walk in walks for folder in walk for file in folder}
        assert bool(whole) == bool(there)
        assert whole.packed() == [there[path] for path in sorted(there)]
    assert not whole


def test_files_of_a_listing_are_images_and_then_masks() -> None:
    files = FileColumns.of(SourceFile(path, 1, 1) for path in "abcdef")
    listing = SourceListing({}, files, ["left", "right"])
    assert listing.images == 2
    assert listing.image_keys == ["a", "b"]
    assert [listing.mask_label(place) for place in range(6)] == [None, None, "left", "left", "right", "right"]
