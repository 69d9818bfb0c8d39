"""Labels from a table: kinds, classes, folders, and the sample table as a whole."""

from pathlib import Path

import pytest

from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.sources.discover import find_examples
from fitfeed.converters.sources.source_options import SourceOptions
from fitfeed.schemas.errors import UsageError
from tests.table_sources import faults, find, labels_of, make


def test_a_table_as_source_takes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    make(tmp_path, "", "a.jpg", "b.jpg")
    (tmp_path / "photos" / "t.jsonl").write_text('{"file": "b.jpg", "label": "x"}\n')
    found = find_examples(tmp_path / "photos" / "t.jsonl", ConvertOptions())
    assert labels_of(found.example_table) == {"b.jpg": "x"}
    assert (Path(found.roots[0].folder), found.ignored) == (tmp_path / "photos", [])


def test_pictures_without_a_row_are_reported_but_not_bad(tmp_path: Path) -> None:
    table = "path,label,m\na.jpg,x,m.png\nb.jpg,,m.png\n"
    make(tmp_path, table, "a.jpg", "b.jpg", "c.jpg", "m.png")
    found = find(tmp_path, label_columns=("label", "m:mask"))
    assert [(r.path, r.reason, r.handling, r.detail) for r in found.ignored] == [
        ("c.jpg", "label_invalid", "ignored", "ignored: no row of labels.csv names it")
    ]
    assert faults(found) == {
        "b.jpg": ("label_invalid", "labels.csv, line 3: column 'label': there is no value")
    }


def test_labels_against_folders(tmp_path: Path) -> None:
    table = "path,label\nhat/1.jpg,Hat\nhat/2.jpg,Coat\nimages/3.jpg,Coat\nCOAT/4.jpg,Coat\n5.jpg,Hat\n"
    found = find(make(tmp_path, table, "hat/1.jpg", "hat/2.jpg", "images/3.jpg", "COAT/4.jpg", "5.jpg"))
    expected = {"hat/1.jpg": "Hat", "images/3.jpg": "Coat", "COAT/4.jpg": "Coat", "5.jpg": "Hat"}
    assert labels_of(found.example_table) == expected  # the table's spelling
    detail = "labels.csv, line 3: the label is 'Coat', but the image is in folder 'hat'"
    assert faults(found) == {"hat/2.jpg": ("label_conflict", detail)}


def test_letters_in_two_cases_are_two_classes(tmp_path: Path) -> None:
    table = "path,label\na/1.jpg,a\nA/2.jpg,A\na/3.jpg,A\n"
    found = find(make(tmp_path, table, "a/1.jpg", "A/2.jpg", "a/3.jpg"))
    assert labels_of(found.example_table) == {"a/1.jpg": "a", "A/2.jpg": "A"}
    assert faults(found)["a/3.jpg"][0] == "label_conflict"


def test_split_folders_count_where_no_column_says(tmp_path: Path) -> None:
    found = find(make(tmp_path, "path,label\ntrain/1.jpg,a\nval/2.jpg,b\n", "train/1.jpg", "val/2.jpg"))
    assert found.example_table.splits == ["train", "validation"]


def test_class_folders_are_the_labels_of_a_table_without(tmp_path: Path) -> None:
    table = "path,patient\nrose/1.jpg,p\ntulip/2.jpg,q\n3.jpg,q\n"
    found = find(make(tmp_path, table, "rose/1.jpg", "tulip/2.jpg", "3.jpg"), group="patient")
    assert labels_of(found.example_table) == {"rose/1.jpg": "rose", "tulip/2.jpg": "tulip"}
    assert found.example_table.groups == ["p", "q"]
    assert faults(found)["3.jpg"][1].endswith("line 4: is directly in SOURCE, so it has no class folder")


def test_no_row_fits(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no row .* line 2: 'b.jpg' is not among .* from column 'path'"):
        find(make(tmp_path, "path,label\nb.jpg,x\n", "a.jpg"))
    with pytest.raises(UsageError, match="has no rows"):
        find(make(tmp_path, "path,label\n", "a.jpg"))


@pytest.mark.slow
@pytest.mark.parametrize(("count", "length"), [(100_001, 1), (1100, 990)])
def test_more_classes_than_a_manifest_can_name(tmp_path: Path, count: int, length: int) -> None:
    rows = "".join(f'{{"path": "a.jpg", "tags": ["{n:0{length}}"]}}\n' for n in range(1))
    names = ", ".join(f'"{n:0{length}}"' for n in range(count))
    make(tmp_path, rows + f'{{"path": "b.jpg", "tags": [{names}]}}\n', "a.jpg", "b.jpg", name="t.jsonl")
    with pytest.raises(UsageError, match=r"different classes, more than a manifest can name.*COLUMN:text"):
        find(tmp_path, name="t.jsonl", label_columns=("tags:multiclass",))


def test_options_that_need_a_table(tmp_path: Path) -> None:
    make(tmp_path, "path,label\nx/a.jpg,1\n", "x/a.jpg")
    for options in ({"group": "a"}, {"split_column": "a"}, {"path_column": "a"}, {"label_columns": ("a",)}):
        with pytest.raises(UsageError, match="needs a table"):
            find_examples(tmp_path / "photos", ConvertOptions(**options))
    with pytest.raises(UsageError, match="is a table of labels itself"):
        find_examples(
            tmp_path / "labels.csv", ConvertOptions(), SourceOptions(labels=tmp_path / "labels.csv")
        )


def test_whole_numbers_are_sorted_as_numbers(tmp_path: Path) -> None:
    make(tmp_path, "path,label,kind\nx/a.jpg,10,1;10\nx/b.jpg,2,2;b\n", "x/a.jpg", "x/b.jpg")
    table = find(tmp_path, label_columns=("label", "kind:multiclass")).example_table
    label, kind = table.features["label"], table.features["kind"]
    assert (label.class_names, label.class_order) == (["2", "10"], "number")
    assert (kind.class_names, kind.class_order) == (["1", "10", "2", "b"], "text")
    assert {name: list(values) for name, values in table.labels.items()} == {
        "label": [1, 0],
        "kind": [[0, 1], [2, 3]],
    }


def test_the_sample_table_with_all_its_faults(clothing: Path) -> None:
    found = find_examples(
        clothing, ConvertOptions(split_column="split"), SourceOptions(labels=clothing / "labels.csv")
    )
    reasons = [reject.reason for reject in found.rejects]
    assert (reasons.count("vanished"), reasons.count("label_conflict"), len(reasons)) == (3, 5, 8)
    lines = (clothing / "labels.csv").read_text().splitlines()
    for reject in found.rejects:
        number = int(reject.detail.split("line ")[1].split(":")[0])
        assert Path(reject.path).stem in lines[number - 1]
    example_table = found.example_table
    assert len(example_table.files) == 521 - 5
    for i, file in enumerate(example_table.files):
        split, folder, _ = file.path.split("/")
        assert (example_table.splits[i], example_table.value("label", i).lower()) == (split, folder)
    assert example_table.features["label"].class_names[-1] == "T-Shirt"
    assert [reject.path for reject in found.ignored if reject.reason == "label_invalid"] == []
