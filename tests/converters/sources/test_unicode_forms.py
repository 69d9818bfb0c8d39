"""Names in two Unicode forms: a table finds the file in either, and names that look alike are said."""

import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fitfeed.converters.file_columns import FileColumns
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.source_file import SourceFile
from fitfeed.converters.sources.discover import find_examples
from fitfeed.converters.sources.image_lookup import PathError
from fitfeed.converters.sources.source_options import SourceOptions
from fitfeed.converters.sources.unicode_forms import find_in_any_form, form_warnings
from tests.effort import tries
from tests.table_sources import JPEG, faults, find, labels_of, make

NFC, NFD = "K\u00e4se", "Ka\u0308se"
PARTS = st.text("aä\u1ea5\uac01Å", min_size=1, max_size=4)
Form = Literal["NFC", "NFD"]
FORMS = st.sampled_from(get_args(Form))


def in_form(parts: Sequence[str], forms: Sequence[Form]) -> str:
    return "/".join(unicodedata.normalize(form, part) for form, part in zip(forms, parts, strict=True))


def lookup(paths: Sequence[str], text: str) -> str:
    files = {path: SourceFile(path, 1, 1) for path in paths}

    def exactly(path: str) -> SourceFile:
        if path not in files:
            raise PathError("vanished", f"{path} is not there")
        return files[path]

    return find_in_any_form(exactly, text).path


@given(st.lists(PARTS, min_size=1, max_size=4), st.data())
@settings(max_examples=tries(200))
def test_a_path_in_any_form_finds_a_file_in_any_form(parts: list[str], data: st.DataObject) -> None:
    forms = st.lists(FORMS, min_size=len(parts), max_size=len(parts))
    there, other, asked = (in_form(parts, data.draw(forms)) for _ in range(3))
    assert lookup([there], asked) == there
    if asked in (there, other):  # a name as it is written is found before all others
        assert lookup([there, other], asked) == asked
    elif there != other:
        with pytest.raises(PathError, match="fits several images, which differ only in their Unicode form"):
            lookup([there, other], asked)


def test_what_is_not_there_in_any_form_is_named_as_it_was_written() -> None:
    for text in ("a.png", f"{NFC}.png"):
        with pytest.raises(PathError, match=f"{text} is not there") as caught:
            lookup(["b.png"], text)
        assert caught.value.reason == "vanished"


@pytest.mark.parametrize(("there", "written"), [(NFC, NFD), (NFD, NFC)])
def test_tables_find_images_and_masks(tmp_path: Path, there: str, written: str) -> None:
    table = f"path,label,m\n{written}/{written}.jpg,{written},{written}/{written}.png\n{written}2,{there},{written}/{written}.png\n"
    make(tmp_path, table, f"{there}/{there}.jpg", f"{there}/{there}2.jpg", f"{there}/{there}.png")
    found = find(tmp_path, label_columns=("label", "m:mask"))
    assert faults(found) == {}
    assert labels_of(found.example_table) == {f"{there}/{there}.jpg": NFC, f"{there}/{there}2.jpg": NFC}
    (tmp_path / "photos" / "t.csv").write_text(f"path,label\n{written}/{written}.jpg,x\n")
    source = find_examples(tmp_path / "photos" / "t.csv", ConvertOptions())
    assert labels_of(source.example_table) == {f"{there}/{there}.jpg": "x"}


def test_two_rows_that_name_a_file_in_two_forms_are_one_image(tmp_path: Path) -> None:
    make(tmp_path, f"path,label\n{NFC}.jpg,x\n{NFD}.jpg,y\n", f"{NFD}.jpg")
    (tmp_path / "photos" / "other.jpg").write_bytes(JPEG)
    (tmp_path / "labels.csv").write_text(f"path,label\n{NFC}.jpg,x\n{NFD}.jpg,y\nother.jpg,x\n")
    assert {path: reason for path, (reason, _) in faults(find(tmp_path)).items()} == {
        f"{NFD}.jpg": "label_conflict"
    }


def test_class_folders_in_two_forms_are_one_class_and_all_images_are_kept(tmp_path: Path) -> None:
    make(tmp_path, "", f"{NFC}/1.jpg", f"{NFD}/1.jpg", f"{NFD}/2.jpg", "Brot/1.jpg")
    found = find_examples(tmp_path / "photos", ConvertOptions())
    assert labels_of(found.example_table) == {
        f"{NFC}/1.jpg": NFC,
        f"{NFD}/1.jpg": NFC,
        f"{NFD}/2.jpg": NFC,
        "Brot/1.jpg": "Brot",
    }
    assert found.warnings == [
        f"class names that differ only in their Unicode form (NFC, NFD) are one class: '{NFC}'",
        "1 images have a path that differs from another one's only in its Unicode form, so both look alike; all are kept, "
        r"for example 'Ka\u0308se/1.jpg' and 'K\xe4se/1.jpg'",
    ]


@pytest.mark.parametrize(("there", "written"), [(NFC, NFD), (NFD, NFC), (NFC, NFC), (NFD, NFD)])
def test_options_and_lists_mean_names_in_any_form(tmp_path: Path, there: str, written: str) -> None:
    make(tmp_path, "", f"{there}/a/1.jpg", f"x/a/{there}2.jpg", f"x/b/{there}.jpg")
    photos, out = tmp_path / "photos", tmp_path / "list.txt"

    def splits(*, lists: dict[str, Path] | None = None, **options: Any) -> dict[str, str | None]:
        table = find_examples(
            photos, ConvertOptions(class_from="parent", **options), SourceOptions(split_lists=lists or {})
        ).example_table
        return {file.path: split for file, split in zip(table.files, table.splits, strict=True)}

    assert set(splits(exclude=[f"{written}/*"])) == {f"x/a/{there}2.jpg", f"x/b/{there}.jpg"}
    assert set(splits(include=[f"*{written}2*"])) == {f"x/a/{there}2.jpg"}
    assert set(splits(split_folders={written: "test", "x": "train"}).values()) == {"test", "train"}
    out.write_text(f"{written}/a/1.jpg\n{written}.jpg\n")
    assert list(splits(lists={"test": out}).values()).count("test") == 2


@pytest.mark.parametrize(("there", "written"), [(NFC, NFD), (NFD, NFC)])
def test_columns_and_groups_have_any_form(tmp_path: Path, there: str, written: str) -> None:
    table = f"path,{there}\na/1.jpg,{NFC}\nb/2.jpg,{NFD}\n"
    found = find(make(tmp_path, table, "a/1.jpg", "b/2.jpg"), group=written)
    assert found.example_table.groups == [NFC, NFC]


def test_other_names_are_not_warned_of() -> None:
    files = [
        SourceFile(path, 1, 1) for path in ("a.png", "A.png", NFC, f"{NFD}2", "b\udce4.png", "b\udcf6.png")
    ]
    assert form_warnings(FileColumns.of(files).keys) == []
