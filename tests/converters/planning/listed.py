"""Files as a source lists them, for the tests of what is known of them."""

import dataclasses
from pathlib import Path

import pytest

from fitfeed.converters.file_columns import FileColumns, SourceListing
from fitfeed.converters.planning.source_listing import RECENT_NS, list_files
from fitfeed.converters.source_file import SourceFile, SourceRoot
from fitfeed.converters.sources.examples import ExampleTable
from fitfeed.schemas.categories import Categories
from fitfeed.schemas.features import PlannedLabel

NAMES = ("a.png", "b.png", "c.png")


def stat(path: Path, root: Path) -> SourceFile:
    status = path.stat()
    return SourceFile(str(path.relative_to(root)), status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def root_of(folder: Path) -> SourceRoot:
    return SourceRoot(number=0, name=folder.name, kind="folder", folder=str(folder))


@pytest.fixture
def listing(tmp_path: Path) -> SourceListing:
    """Three images with a mask each; two share it."""
    for name in (*NAMES, "m.png", "n.png"):
        (tmp_path / name).write_bytes(name.encode())
    files = [stat(tmp_path / name, tmp_path) for name in NAMES]
    masks = [stat(tmp_path / name, tmp_path) for name in ("m.png", "m.png", "n.png")]
    table = ExampleTable(
        files=FileColumns.of(files),
        labels={"lesion": masks, "age": [1, 2, 3]},
        features={"lesion": PlannedLabel(kind="mask"), "age": PlannedLabel(kind="int")},
        splits=Categories.of([None] * 3),
    )
    return list_files([root_of(tmp_path)], table)


def with_file(listing: SourceListing, place: int, file: SourceFile) -> SourceListing:
    """The listing with another file at a place."""
    files = list(listing.files)
    files[place] = file
    return dataclasses.replace(listing, files=FileColumns.of(files))


def later(listing: SourceListing) -> int:
    return max(max(file.status[1:]) for file in listing.files) + 2 * RECENT_NS
