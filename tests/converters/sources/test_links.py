"""Links that lead out of a source: which they are, how many files they bring, and that they can be refused."""

import os
from pathlib import Path

import pytest

from fitfeed.converters.link_report import LinkReport
from fitfeed.converters.sources.links import SourceLinks
from fitfeed.schemas.errors import UsageError


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """`in/1.jpg` is in the source; `folder/2.jpg`, `file.jpg` and `in/chain/2.jpg` are not; `same.jpg` is."""
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "2.jpg").write_bytes(b"private")
    source = tmp_path / "source"
    (source / "in").mkdir(parents=True)
    (source / "in" / "1.jpg").write_bytes(b"ours")
    (source / "same.jpg").symlink_to("in/1.jpg")
    (source / "folder").symlink_to("../private")
    (source / "file.jpg").symlink_to(tmp_path / "private" / "2.jpg")
    (source / "in" / "chain").symlink_to("../folder")
    return source


def found(source: Path, *paths: str) -> SourceLinks:
    links = SourceLinks(source)
    for path in paths:
        links.find(path)
    return links


def test_what_is_in_the_source_is_not_counted(source: Path) -> None:
    paths = ("in/1.jpg", "same.jpg")
    assert found(source, *paths).report(paths) == LinkReport()


def test_links_out_of_it_are_named_with_where_they_lead(source: Path) -> None:
    private = os.path.realpath(source.parent / "private")
    paths = ("file.jpg", "folder/2.jpg", "in/1.jpg", "in/chain/2.jpg")
    assert found(source, *paths).report(paths) == LinkReport(
        outside_files=3,
        outside_links=3,
        first={"file.jpg": f"{private}/2.jpg", "folder": private, "in/chain": private},
    )


def test_only_files_that_are_used_count_each_once(source: Path) -> None:
    links = found(source, "file.jpg", "folder/2.jpg")
    assert links.report(["file.jpg", "file.jpg", "in/1.jpg"]).outside_files == 1


def test_the_source_may_be_a_link_itself(source: Path) -> None:
    link = source.parent / "link"
    link.symlink_to("source")
    links = found(link, "in/1.jpg", "folder/2.jpg")
    assert list(links.report(["in/1.jpg", "folder/2.jpg"]).first) == ["folder"]


def test_a_folder_beside_it_whose_name_begins_alike_is_outside(source: Path) -> None:
    beside = source.with_name("source-of-another")
    beside.mkdir()
    (beside / "1.jpg").touch()
    (source / "beside").symlink_to(beside)
    assert found(source, "beside/1.jpg").report(["beside/1.jpg"]).outside_files == 1


def test_everything_is_in_the_root_folder(source: Path) -> None:
    path = str(source / "folder" / "2.jpg").lstrip("/")
    assert found(Path("/"), path).report([path]) == LinkReport()


def test_refused(source: Path) -> None:
    links = SourceLinks(source, "refuse")
    links.find("in/1.jpg")
    links.require_none()
    for path in ("folder/2.jpg", "file.jpg"):
        links.find(path)
    private = os.path.realpath(source.parent / "private")
    with pytest.raises(UsageError) as caught:
        links.require_none()
    assert str(caught.value) == (
        f"SOURCE {source} has links that lead out of it (2), and --links refuse allows none: "
        f"file.jpg -> {private}/2.jpg, folder -> {private}. Remove them, or give --links follow if you trust them."
    )


def test_followed_links_are_not_refused(source: Path) -> None:
    found(source, "folder/2.jpg").require_none()


def test_another_word_is_refused(source: Path) -> None:
    with pytest.raises(UsageError, match=r"links must be one of follow, refuse\. Received: links='allow'"):
        SourceLinks(source, "allow")  # type: ignore[arg-type]


@pytest.mark.parametrize("folder", ["/proc", "/proc/self", "/sys/kernel", "/dev"])
def test_the_kernels_folders_are_no_source(tmp_path: Path, folder: str) -> None:
    (tmp_path / "link").symlink_to(folder)
    for source in (Path(folder), tmp_path / "link"):
        with pytest.raises(UsageError, match="is in one of /proc/ /sys/ /dev/, where no file is ever read"):
            SourceLinks(source)
