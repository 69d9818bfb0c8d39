"""What lists a source: its folders, or a table."""

from pathlib import Path

import pytest

from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.sources import discover
from fitfeed.converters.sources.discover import find_examples
from fitfeed.converters.sources.given_source import GivenSource
from fitfeed.converters.sources.source_options import SourceOptions
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.storage.local import LocalPlace
from fitfeed.schemas.storage.place import Place


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for name in ("hat/a.jpg", "hat/b.jpg", "pants/c.jpg"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\xff\xd8\xff")
    (tmp_path / "photos" / "labels.csv").write_text("path,label\nhat/a.jpg,x\npants/c.jpg,y\n")
    return tmp_path / "photos"


def place(found: discover.Discovery) -> tuple[Path, str]:
    (root,) = found.roots
    return Path(root.folder), root.kind


def test_a_folder_of_class_folders(photos: Path) -> None:
    found = find_examples(photos, ConvertOptions())
    assert place(found) == (photos, "folder")
    assert [file.path for file in found.example_table.files] == ["hat/a.jpg", "hat/b.jpg", "pants/c.jpg"]
    assert [reject.path for reject in found.ignored] == ["labels.csv"]


def test_a_folder_with_a_table_of_labels(photos: Path) -> None:
    found = find_examples(photos, ConvertOptions(), SourceOptions(labels=photos / "labels.csv"))
    assert place(found) == (photos, "folder")
    assert [file.path for file in found.example_table.files] == ["hat/a.jpg", "pants/c.jpg"]
    assert {reject.path for reject in found.ignored} == {"labels.csv", "hat/b.jpg"}


def test_a_table_that_names_images(photos: Path) -> None:
    found = find_examples(photos / "labels.csv", ConvertOptions())
    assert place(found) == (photos, "table")
    assert found.example_table.features["label"].class_names == ["x", "y"]
    assert found.ignored == []


def test_more_classes_than_a_manifest_can_name(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discover, "MAX_CLASSES", 1)
    with pytest.raises(UsageError, match="'label' has 2 different classes, more than a manifest can name"):
        find_examples(photos, ConvertOptions())


def test_the_kind_of_each_source_is_asked_for_once(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Place] = []
    monkeypatch.setattr(discover, "is_dataset", lambda source: asked.append(source))
    place = LocalPlace(photos)
    find_examples([GivenSource(place, "a"), GivenSource(place, "b")], ConvertOptions())
    assert asked == [place, place]
