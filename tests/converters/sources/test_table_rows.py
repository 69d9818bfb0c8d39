"""Rows and the pictures that they name: what is found, and every fault with its row."""

from pathlib import Path

import pytest

from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.sources.discover import find_examples
from fitfeed.converters.sources.source_options import SourceOptions
from tests.table_sources import faults, find, labels_of, make


def test_whole_paths_short_names_and_names_without_extension(tmp_path: Path) -> None:
    table = "path,label\nx/a.jpg,1\nb.jpg,2\nc,3\ny/d,4\n./y//e.jpg,5\n"
    found = find(make(tmp_path, table, "x/a.jpg", "x/b.jpg", "y/c.jpg", "y/d.jpg", "y/e.jpg"))
    expected = {"x/a.jpg": "1", "x/b.jpg": "2", "y/c.jpg": "3", "y/d.jpg": "4", "y/e.jpg": "5"}
    assert labels_of(found.example_table) == expected
    assert found.rejects == []


def test_a_name_that_fits_several_pictures_fits_none(tmp_path: Path) -> None:
    found = find(make(tmp_path, "path,label\na,1\nx/a.jpg,2\n", "x/a.jpg", "y/a.jpg", "y/a.png"))
    assert labels_of(found.example_table) == {"x/a.jpg": "2"}
    reason, detail = faults(found)["a"]
    assert reason == "label_invalid"
    assert detail == "labels.csv, line 2: 'a' fits several images: x/a.jpg, y/a.jpg, y/a.png"


@pytest.mark.parametrize(
    ("path", "reason", "detail"),
    [
        ("none.jpg", "vanished", "is not among the images of SOURCE"),
        ("x\\b.jpg", "vanished", "is not among"),
        ("/etc/a.jpg", "label_invalid", "is absolute"),
        ("C:\\a.jpg", "label_invalid", "is absolute"),
        ("../a.jpg", "label_invalid", "contains '..'"),
        ("x/../x/a.jpg", "label_invalid", "contains '..'"),
        (".", "label_invalid", "does not name a file"),
        ("", "label_invalid", "names no image"),
        ("x", "vanished", "is not among"),
    ],
)
@pytest.mark.parametrize("is_source", [False, True])
def test_paths_that_lead_nowhere(
    tmp_path: Path, path: str, reason: str, detail: str, is_source: bool
) -> None:
    make(tmp_path, f'path,label\nx/a.jpg,1\n"{path}",2\n', "x/a.jpg", name="photos.csv")
    if is_source:
        (tmp_path / "photos.csv").rename(tmp_path / "photos" / "photos.csv")
        found = find_examples(tmp_path / "photos" / "photos.csv", ConvertOptions())
        detail = "SOURCE" if "among" in detail else detail
        if path == "x":
            detail = "is not a file"
    else:
        found = find(tmp_path, name="photos.csv")
    assert labels_of(found.example_table) == {"x/a.jpg": "1"}
    ((where, (got, text)),) = faults(found).items()
    assert (where, got) == (path or "photos.csv:3", reason)
    assert text.startswith("photos.csv, line 3: ")
    assert detail in text


@pytest.mark.parametrize("name", ["\\ud800.jpg", "a\\u0000b.jpg", "x" * 5000, "y" * 2_000_000])
def test_names_that_no_file_can_have(tmp_path: Path, name: str) -> None:
    make(tmp_path, "", "a.jpg")
    lines = f'{{"path": "a.jpg", "label": 1}}\n{{"path": "{name}", "label": 2}}\n'
    for place in (tmp_path / "photos" / "t.jsonl", tmp_path / "t.jsonl"):
        place.write_text(lines)
        is_source = place.parent.name == "photos"
        labels, source = (None, place) if is_source else (place, tmp_path / "photos")
        found = find_examples(source, ConvertOptions(), SourceOptions(labels=labels))
        ((path, (reason, detail)),) = faults(found).items()
        assert reason in ("vanished", "label_invalid")
        assert f"{path}{detail}".encode()
        assert len(path) + len(detail) < 5000


def test_the_same_picture_twice(tmp_path: Path) -> None:
    table = "path,label\na.jpg,x\nb.jpg,x\na,x\nb,y\nb.jpg,z\nc.jpg,x\n"
    found = find(make(tmp_path, table, "a.jpg", "b.jpg", "c.jpg"))
    assert labels_of(found.example_table) == {"a.jpg": "x", "c.jpg": "x"}
    assert [(r.path, r.reason, r.detail) for r in found.rejects] == [
        (
            "b.jpg",
            "label_conflict",
            f"labels.csv, line {n}: contradicts line 3 about this image, so the image is left out",
        )
        for n in (5, 6)
    ]
    assert [(r.path, r.reason, r.detail) for r in found.ignored] == [
        ("a.jpg", "duplicate", "ignored: labels.csv, line 4 repeats line 2")
    ]


def test_split_columns_take_the_names_of_split_folders_and_others(tmp_path: Path) -> None:
    table = "path,label,set\n1.jpg,a,TRAIN\n2.jpg,a,val\n3.jpg,a,extra\n4.jpg,a,test set\n5.jpg,a,-\n"
    found = find(make(tmp_path, table, *(f"{n}.jpg" for n in range(1, 6))), split_column="set")
    assert found.example_table.splits == ["train", "validation", "extra", "test"]
    reason, detail = faults(found)["5.jpg"]
    assert reason == "label_invalid"
    assert "column 'set': '-' is not a split: expected train, validation, test" in detail
    line = "column 'set' of labels.csv names splits besides train, validation and test: extra (1)"
    assert found.warnings == [line]
