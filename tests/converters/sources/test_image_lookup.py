"""Finding what a table names, and nothing outside of SOURCE."""

from pathlib import Path

import pytest

from fitfeed.converters.source_file import SourceFile
from fitfeed.converters.sources.image_lookup import (
    ListedPictures,
    NamedPictures,
    PathError,
    safe_path,
    stat_picture,
)
from fitfeed.converters.sources.links import SourceLinks

FILES = [SourceFile(path, 1, 1) for path in ("a/1.jpg", "a/2.jpg", "b/2.jpg", "b/3.png")]


@pytest.mark.parametrize(
    ("text", "path"), [("a/1.jpg", "a/1.jpg"), ("./a//1.jpg", "a/1.jpg"), ("a/./1.jpg", "a/1.jpg")]
)
def test_paths_are_normalized(text: str, path: str) -> None:
    assert safe_path(text) == path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("/etc/passwd", "absolute"),
        ("C:\\photos\\1.jpg", "absolute"),
        ("a/../../1.jpg", "no path may leave SOURCE"),
        ("", "does not name a file"),
        (".", "does not name a file"),
        ("a\0b", "is (no|not a) path"),
    ],
)
def test_paths_that_lead_elsewhere_are_refused(text: str, message: str) -> None:
    with pytest.raises(PathError, match=message) as error:
        safe_path(text)
    assert error.value.reason == "label_invalid"


@pytest.mark.parametrize(
    ("text", "path"),
    [("a/1.jpg", "a/1.jpg"), ("1.jpg", "a/1.jpg"), ("1", "a/1.jpg"), ("b/3", "b/3.png"), ("a/2", "a/2.jpg")],
)
def test_a_listed_image_is_found_by_what_names_it_alone(text: str, path: str) -> None:
    assert ListedPictures(FILES).find(text).path == path


@pytest.mark.parametrize(
    ("text", "reason", "message"),
    [
        ("2.jpg", "label_invalid", r"fits several images: a/2\.jpg, b/2\.jpg"),
        ("4.jpg", "vanished", "is not among the images of SOURCE"),
        ("a\\1.jpg", "vanished", "write folders with /"),
    ],
)
def test_what_names_none_or_several_is_refused(text: str, reason: str, message: str) -> None:
    with pytest.raises(PathError, match=message) as error:
        ListedPictures(FILES).find(text)
    assert error.value.reason == reason


def test_a_table_that_is_the_source_names_files(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.jpg").write_bytes(b"123")
    found = NamedPictures(SourceLinks(tmp_path)).find("a/1.jpg")
    assert (found.path, found.bytes) == ("a/1.jpg", 3)
    for text in ("a/2.jpg", "a"):
        with pytest.raises(PathError) as error:
            NamedPictures(SourceLinks(tmp_path)).find(text)
        assert error.value.reason == "vanished"


def test_a_table_may_name_what_a_link_leads_to_and_that_is_counted(tmp_path: Path) -> None:
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "0.jpg").write_bytes(b"123")
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "lnk").symlink_to(tmp_path / "private")
    links = SourceLinks(tmp_path / "source")
    assert NamedPictures(links).find("lnk/0.jpg").bytes == 3
    assert stat_picture(links, "lnk/0.jpg", missing="mask_missing").bytes == 3
    assert links.report(["lnk/0.jpg"]).first == {"lnk": str((tmp_path / "private").resolve())}
