"""Splits and classes, read off paths."""

import pytest

from fitfeed.converters.file_columns import FileColumns
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.source_file import SourceFile
from fitfeed.converters.sources.folder_labels import label_by_folders
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.features import PlannedLabel


def files(*paths: str) -> FileColumns:
    return FileColumns.of(SourceFile(path, 1, 1) for path in paths)


def test_classes_are_numbered_by_name() -> None:
    found = files("pants/1.jpg", "hat/2.jpg", "3.jpg", "pants/4.jpg")
    table, rejects, warnings = label_by_folders(found, ConvertOptions())
    assert [file.path for file in table.files] == ["pants/1.jpg", "hat/2.jpg", "pants/4.jpg"]
    assert list(table.labels["label"]) == [1, 0, 1]
    assert table.features["label"] == PlannedLabel(kind="class", class_names=["hat", "pants"])
    assert table.splits == [None, None, None]
    assert [(reject.path, reject.reason) for reject in rejects] == [("3.jpg", "label_invalid")]
    assert "is directly in SOURCE" in rejects[0].detail
    assert warnings == []


def test_a_split_folder_without_class_folders_is_warned_of() -> None:
    found = files("train/hat/1.jpg", "train/2.jpg", "val/3.jpg", "val/4.jpg")
    _, rejects, (warning,) = label_by_folders(found, ConvertOptions())
    assert [reject.path for reject in rejects] == ["train/2.jpg", "val/3.jpg", "val/4.jpg"]
    assert warning.startswith("val/ has 2 images and no class folder, so all are rejected.")
    assert warning.endswith("or leave them out: --exclude val")


def test_classes_that_are_called_like_splits_are_warned_of() -> None:
    options = ConvertOptions(split={"train": 1.0})
    _, _, warnings = label_by_folders(files("train/1.jpg", "hat/2.jpg"), options)
    assert warnings == ["classes that are called like splits: train"]


def test_a_source_without_classes_is_refused() -> None:
    with pytest.raises(UsageError, match=r"expected SOURCE/<class>/<image>, found for example '1\.jpg'"):
        label_by_folders(files("1.jpg"), ConvertOptions())
