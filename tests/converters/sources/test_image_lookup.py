"""Finding what a table names, and nothing outside of SOURCE."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.converters.source_file import SourceFile
from fitfeed.converters.sources.image_lookup import (
    ListedPictures,
    NamedPictures,
    PathError,
    TablePaths,
    safe_path,
    stat_picture,
)
from fitfeed.converters.sources.links import SourceLinks
from fitfeed.schemas.storage.local import LocalPlace

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


@pytest.fixture
def pictures(tmp_path: Path) -> ListedPictures:
    (tmp_path / "photos").mkdir()
    return ListedPictures(FILES, TablePaths(SourceLinks(tmp_path / "photos")))


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("a/1.jpg", "a/1.jpg"),
        ("1.jpg", "a/1.jpg"),
        ("1", "a/1.jpg"),
        ("b/3", "b/3.png"),
        ("a/2", "a/2.jpg"),
        ("./a//1.jpg", "a/1.jpg"),
        ("./1.jpg", "a/1.jpg"),
        ("a\\1.jpg", "a/1.jpg"),
        (".\\a\\1", "a/1.jpg"),
        ("photos/a/1.jpg", "a/1.jpg"),
        ("photos\\a\\2", "a/2.jpg"),
        ("{photos}/a/1.jpg", "a/1.jpg"),
        ("{photos}/./a//2", "a/2.jpg"),
        ("{photos}\\a\\1.jpg", "a/1.jpg"),
    ],
)
def test_a_listed_image_is_found_by_what_names_it_alone(
    pictures: ListedPictures, tmp_path: Path, text: str, path: str
) -> None:
    assert pictures.find(text.format(photos=tmp_path / "photos")).path == path


@pytest.mark.parametrize(
    ("text", "reason", "message"),
    [
        ("2.jpg", "label_invalid", r"fits several images: a/2\.jpg, b/2\.jpg$"),
        ("4.jpg", "vanished", "'4.jpg' is not among the images of SOURCE$"),
        ("A/1.JPG", "vanished", "which has 'a/1.jpg': only the case differs$"),
        ("Photos/a/1.jpg", "vanished", "which has 'a/1.jpg': paths must be relative to SOURCE$"),
        ("data/set/a/1.jpg", "vanished", "which has 'a/1.jpg': paths must be relative to SOURCE$"),
        ("b/1.jpg", "vanished", "is not among the images of SOURCE$"),
        ("photos/1.jpg", "vanished", "is not among the images of SOURCE$"),
        ("photos\\1.jpg", "vanished", "is not among the images of SOURCE$"),
        ("{photos}/1.jpg", "vanished", "is not among the images of SOURCE$"),
        ("{photos}/../a/1.jpg", "label_invalid", "contains '..'"),
        ("{photos}x/a/1.jpg", "label_invalid", "is absolute and not below SOURCE"),
        ("{photos}", "label_invalid", "is absolute"),
        ("{photos}/", "label_invalid", "does not name a file"),
        ("photos\\..\\a\\1.jpg", "label_invalid", "contains '..'"),
        ("\\etc\\passwd", "label_invalid", "is absolute"),
    ],
)
def test_what_names_none_or_several_is_refused(
    pictures: ListedPictures, tmp_path: Path, text: str, reason: str, message: str
) -> None:
    with pytest.raises(PathError, match=message) as error:
        pictures.find(text.format(photos=tmp_path / "photos"))
    assert error.value.reason == reason


def test_what_is_written_exactly_comes_first(tmp_path: Path) -> None:
    paths = ("photos/1.jpg", "1.jpg", "a\\1.jpg", "a/1.jpg", "A/1.jpg", "train/1.jpg")
    (tmp_path / "photos" / "train").mkdir(parents=True)
    links = SourceLinks(tmp_path / "photos")
    for table in (None, LocalPlace(tmp_path / "photos" / "train" / "metadata.csv")):
        pictures = ListedPictures([SourceFile(path, 1, 1) for path in paths], TablePaths(links, table))
        assert [pictures.find(path).path for path in paths] == list(paths)


def test_paths_may_be_relative_to_the_folder_of_the_table(tmp_path: Path) -> None:
    (tmp_path / "photos" / "train").mkdir(parents=True)
    links = SourceLinks(tmp_path / "photos")
    files = [SourceFile(path, 1, 1) for path in ("train/1.jpg", "test/1.jpg")]
    paths = TablePaths(links, LocalPlace(tmp_path / "photos" / "train" / "metadata.csv"))
    assert ListedPictures(files, paths).find("1.jpg").path == "train/1.jpg"
    (tmp_path / "photos" / "train" / "m.png").write_bytes(b"12")
    assert paths.find("m.png", missing="mask_missing").path == "train/m.png"
    with pytest.raises(PathError, match="fits several"):
        ListedPictures(files, TablePaths(links, LocalPlace(tmp_path / "metadata.csv"))).find("1.jpg")


PART = st.sampled_from(["a", "b", "photos", "..", ".", "", "1.jpg", "\\", "C:", "ä"])


@given(st.lists(PART, min_size=1, max_size=6), st.sampled_from(["/", "\\"]), st.booleans())
def test_no_form_of_a_path_leaves_the_source(parts: list[str], separator: str, absolute: bool) -> None:
    links = SourceLinks(Path(__file__).parent)
    text = separator.join(parts)
    text = f"{links.root}/{text}" if absolute else text
    try:
        forms = TablePaths(links).forms(text)
    except PathError:
        return
    for form in forms:
        assert not form.startswith("/")
        assert not {"", ".", ".."} & set(form.split("/"))
        place = os.path.normpath(f"{links.root}/{form}")
        assert place.startswith(f"{links.root}/")


def test_a_table_that_is_the_source_names_files(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.jpg").write_bytes(b"123")
    found = NamedPictures(TablePaths(SourceLinks(tmp_path))).find("a/1.jpg")
    assert (found.path, found.bytes) == ("a/1.jpg", 3)
    for text in ("a\\1.jpg", f"{tmp_path}/a/1.jpg", f"{tmp_path.name}/a/1.jpg"):
        assert NamedPictures(TablePaths(SourceLinks(tmp_path))).find(text) == found
    for text in ("a/2.jpg", "a"):
        with pytest.raises(PathError) as error:
            NamedPictures(TablePaths(SourceLinks(tmp_path))).find(text)
        assert error.value.reason == "vanished"


def test_a_table_may_name_what_a_link_leads_to_and_that_is_counted(tmp_path: Path) -> None:
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "0.jpg").write_bytes(b"123")
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "lnk").symlink_to(tmp_path / "private")
    links = SourceLinks(tmp_path / "source")
    assert NamedPictures(TablePaths(links)).find("lnk/0.jpg").bytes == 3
    assert stat_picture(links, "lnk/0.jpg", missing="mask_missing").bytes == 3
    assert links.report(["lnk/0.jpg"]).first == {"lnk": str((tmp_path / "private").resolve())}
