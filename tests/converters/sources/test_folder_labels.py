"""Splits and classes, read off paths."""

import pytest

from fitfeed.converters.source_file import SourceFile
from fitfeed.converters.sources.folder_labels import FolderLayout, label_by_folders
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.features import PlannedLabel


def layout(*paths: str, class_from: str = "first", use: bool = True) -> FolderLayout:
    return FolderLayout(paths, class_from=class_from, use_split_folders=use)  # type: ignore[arg-type]


def files(*paths: str) -> list[SourceFile]:
    return [SourceFile(path, 1, 1) for path in paths]


def test_split_folders_are_known_by_several_names() -> None:
    one = layout("train/hat/1.jpg", "val/hat/2.jpg", "Test/hat/3.jpg")
    assert one.read("train/hat/1.jpg") == ("train", "hat")
    assert one.read("val/hat/2.jpg") == ("validation", "hat")
    assert one.read("Test/hat/3.jpg") == ("test", "hat")


@pytest.mark.parametrize(("class_from", "name"), [("first", "head"), ("parent", "hat"), ("path", "head/hat")])
def test_which_folder_is_the_class(class_from: str, name: str) -> None:
    one = layout("train/head/hat/1.jpg", class_from=class_from)
    assert one.read("train/head/hat/1.jpg") == ("train", name)
    assert layout("head/hat/1.jpg", class_from=class_from).read("head/hat/1.jpg") == (None, name)


def test_a_split_folder_is_no_class_where_something_else_decides_the_split() -> None:
    one = layout("train/hat/1.jpg", use=False)
    assert one.read("train/hat/1.jpg") == (None, "hat")
    assert one.read("train/1.jpg") == (None, None)


def test_split_folders_beside_others_are_refused_or_classes() -> None:
    with pytest.raises(UsageError, match=r"split folders \(train\) beside other folders \(hat\)"):
        layout("train/1.jpg", "hat/2.jpg")
    assert layout("train/1.jpg", "hat/2.jpg", use=False).read("train/1.jpg") == (None, "train")


def test_classes_are_numbered_by_name() -> None:
    table, rejects = label_by_folders(
        files("pants/1.jpg", "hat/2.jpg", "3.jpg", "pants/4.jpg"), class_from="first", use_split_folders=True
    )
    assert [file.path for file in table.files] == ["pants/1.jpg", "hat/2.jpg", "pants/4.jpg"]
    assert table.labels == {"label": [1, 0, 1]}
    assert table.features["label"] == PlannedLabel(kind="class", class_names=["hat", "pants"])
    assert table.splits == [None, None, None]
    assert [(reject.path, reject.reason) for reject in rejects] == [("3.jpg", "label_invalid")]
    assert "is directly in SOURCE" in rejects[0].detail


def test_a_source_without_classes_is_refused() -> None:
    with pytest.raises(UsageError, match=r"expected SOURCE/<class>/<image>, found for example '1\.jpg'"):
        label_by_folders(files("1.jpg"), class_from="first", use_split_folders=True)
