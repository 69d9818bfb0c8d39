"""Images that a list leaves out."""

from pathlib import Path

import pytest

from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.sources.discover import Discovery, find_examples
from fitfeed.converters.sources.source_options import SourceOptions
from fitfeed.schemas.errors import NotFoundError, UsageError
from tests.table_sources import find, labels_of, make

NFC, NFD = "K\u00e4se", "Ka\u0308se"


def without(folder: Path, lines: str, *, labels: Path | None = None) -> Discovery:
    (folder / "out.txt").write_text(lines)
    return find_examples(
        folder / "photos", ConvertOptions(), SourceOptions(labels=labels, leave_out=folder / "out.txt")
    )


def test_named_images_are_ignored_with_their_reason_and_counted(tmp_path: Path) -> None:
    make(tmp_path, "", "hat/1.jpg", "hat/2.jpg", "dress/3.jpg", "4.jpg", "5.jpg", "notes.txt")
    found = without(tmp_path, "hat/1.jpg\r\n\n4.jpg\nnotes.txt\nhat/1.jpg\n")
    assert labels_of(found.example_table) == {"hat/2.jpg": "hat", "dress/3.jpg": "dress"}
    assert [reject.path for reject in found.rejects] == ["5.jpg"]
    left = [reject for reject in found.ignored if reject.reason == "left_out"]
    assert [(reject.path, reject.handling) for reject in left] == [
        ("4.jpg", "ignored"),
        ("hat/1.jpg", "ignored"),
    ]
    assert left[0].detail == "ignored: out.txt names it (--leave-out)"
    assert "--leave-out out.txt leaves out 2 images" in found.warnings


def test_a_class_that_only_they_had_is_gone(tmp_path: Path) -> None:
    make(tmp_path, "", "hat/1.jpg", "dress/2.jpg")
    found = without(tmp_path, "dress/2.jpg\n")
    assert found.example_table.features["label"].class_names == ["hat"]
    assert list(found.example_table.labels["label"]) == [0]


def test_rows_of_a_table_are_left_out_with_all_columns(tmp_path: Path) -> None:
    table = "path,label,patient\na.jpg,x,p\nb.jpg,,q\nc.jpg,y,r\nd.jpg,x,s\n"
    make(tmp_path, table, "a.jpg", "b.jpg", "c.jpg", "d.jpg")
    assert len(find(tmp_path).rejects) == 1
    (tmp_path / "out.txt").write_text("a.jpg\nb.jpg\n")
    found = find_examples(
        tmp_path / "photos",
        ConvertOptions(group="patient"),
        SourceOptions(labels=tmp_path / "labels.csv", leave_out=tmp_path / "out.txt"),
    )
    assert found.rejects == []
    assert labels_of(found.example_table) == {"c.jpg": "y", "d.jpg": "x"}
    assert found.example_table.groups == ["r", "s"]
    assert len(found.example_table.splits) == 2


def test_a_key_is_found_in_another_unicode_form_only_if_not_in_its_own(tmp_path: Path) -> None:
    make(tmp_path, "", f"a/{NFC}.jpg", f"b/{NFD}.jpg", f"b/{NFC}.jpg", "b/1.jpg")
    found = without(tmp_path, f"a/{NFD}.jpg\nb/{NFD}.jpg\n")
    assert set(labels_of(found.example_table)) == {f"b/{NFC}.jpg", "b/1.jpg"}


def test_a_line_that_names_nothing_is_refused(tmp_path: Path) -> None:
    make(tmp_path, "", "hat/1.jpg", "hat/b.jpg")
    with pytest.raises(UsageError) as caught:
        without(tmp_path, "hat/1.jpg\nB.jpg\nhat/c.jpg\n")
    assert str(caught.value) == (
        f"--leave-out {tmp_path / 'out.txt'}, line 2: 'B.jpg' is not a file of SOURCE (did you mean 'hat/b.jpg'?). "
        "Lines that name none: 2 of 3. Write a file as its key: its path below SOURCE, with /."
    )
    with pytest.raises(UsageError, match=r"line 1: 'hat/c.jpg' is not a file of SOURCE\. Lines that"):
        without(tmp_path, "hat/c.jpg\n")


def test_something_must_be_left(tmp_path: Path) -> None:
    make(tmp_path, "", "hat/1.jpg", "2.jpg")
    with pytest.raises(UsageError, match="names every image of SOURCE"):
        without(tmp_path, "hat/1.jpg\n")
    with pytest.raises(NotFoundError, match=r"--leave-out: the file .* does not exist"):
        find_examples(tmp_path / "photos", ConvertOptions(), SourceOptions(leave_out=tmp_path / "none.txt"))
